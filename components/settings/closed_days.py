"""Closed days: whose public holidays, which of them are worked on, and the practice's own."""

import reflex as rx

from components import ui
from state.closed_days import Closed, ClosedDays


def closed_days() -> rx.Component:
    return rx.el.div(
        rx.cond(
            ClosedDays.loading,
            ui.blocks(1),
            ui.section(
                "Closed days",
                rx.flex(_region(), _add(), _days(), direction="column", gap="20px"),
                hint="Messages with a time window wait on these days, and the calendar shows them.",
            ),
        ),
        max_width="860px",
    )


def _region() -> rx.Component:
    off = ~ClosedDays.may_move
    return rx.box(
        ui.choice(
            "Public holidays of",
            "holidays-country",
            ClosedDays.countries,
            value=ClosedDays.country,
            on_change=ClosedDays.choose_country,
            disabled=off,
        ),
        rx.cond(
            ClosedDays.parts.length() > 0,
            ui.choice(
                "Part of the country",
                "holidays-part",
                ClosedDays.parts,
                value=ClosedDays.part,
                on_change=ClosedDays.choose_part,
                disabled=off,
            ),
        ),
        class_name="cm-halves",
    )


def _add() -> rx.Component:
    return rx.cond(
        ClosedDays.may_change,
        rx.el.form(
            rx.flex(
                ui.field(
                    "First closed day",
                    "closed-first",
                    type="date",
                    required=True,
                    grow="1 1 168px",
                ),
                ui.field("Last, if more than one", "closed-last", type="date", grow="1 1 168px"),
                ui.field(
                    "What for",
                    "closed-label",
                    placeholder="Team training",
                    max_length=120,
                    grow="2 1 180px",
                ),
                ui.quiet("Add closed days", type="submit", icon="plus", data_testid="close-days"),
                gap="12px",
                align="end",
                wrap="wrap",
            ),
            on_submit=ClosedDays.close,
        ),
    )


def _days() -> rx.Component:
    def row(one: rx.Var[Closed]) -> rx.Component:
        return rx.el.tr(
            rx.el.td(one.words),
            rx.el.td(one.label),
            rx.el.td(
                rx.cond(
                    one.public,
                    rx.el.label(
                        rx.switch(
                            checked=one.working,
                            on_change=lambda on: ClosedDays.work_on(one.day, on),
                            disabled=~ClosedDays.may_change,
                            aria_label="Open on " + one.words,
                        ),
                        "Open",
                        display="inline-flex",
                        gap="8px",
                        align_items="center",
                        min_height="44px",
                    ),
                    rx.cond(
                        ClosedDays.may_change,
                        ui.ghost(
                            "Open again on " + one.words,
                            icon="x",
                            size="2",
                            on_click=ClosedDays.reopen(one.day),
                        ),
                    ),
                )
            ),
            data_testid="closed-day",
        )

    return rx.cond(
        ClosedDays.days.length() > 0,
        ui.table(
            "Closed days ahead",
            ("Day", "What", ""),
            rx.foreach(ClosedDays.days, row),
            max_height="420px",
            overflow_y="auto",
            margin="0 -24px",
        ),
        ui.small("No closed days ahead."),
    )
