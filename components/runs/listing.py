"""The table of runs and what narrows it."""

import reflex as rx

from components import tokens, ui
from state.runs import SHOWN, STARTERS, Row, Runs


def listing() -> rx.Component:
    return ui.card(
        _filters(),
        rx.cond(
            Runs.loading,
            ui.lines(8, padding="8px 24px 32px"),
            rx.cond(
                Runs.rows.length() > 0,
                ui.table(
                    "Runs, newest first",
                    ["Run", "Began", "~Outcome", "#~Audience", "#Entered", "#~Not let in", "#Messages", "#Delivered",
                     "#Failed"],
                    rx.foreach(Runs.rows, _row),
                ),
                _nothing(),
            ),
        ),
        rx.cond(
            Runs.more,
            rx.center(
                ui.quiet("Show older", on_click=Runs.show_more, data_testid="more-runs"), padding="16px"
            ),
        ),
        padding="0",
        overflow="hidden",
    )  # fmt: skip


def _filters() -> rx.Component:
    dates = [
        ui.field(name, key, type="date", value=value, on_change=lambda v, key=key: Runs.choose(key, v))
        for name, key, value in (("From", "since", Runs.since), ("To", "until", Runs.until))
    ]
    return rx.flex(
        rx.cond(
            Runs.campaign != "",
            rx.flex(
                ui.pill(Runs.campaign_name, "accent", data_testid="runs-of"),
                ui.quiet("Runs of every campaign", size="2", on_click=Runs.clear),
                gap="12px",
                align="center",
                wrap="wrap",
            ),
        ),
        ui.chips(
            "Show only these outcomes",
            *[
                ui.chip(
                    name,
                    on=Runs.outcome == key,
                    on_click=Runs.choose("outcome", key),
                    data_testid=f"runs-{key or 'all'}",
                )
                for key, name in SHOWN
            ],
        ),
        rx.flex(
            ui.choice(
                "Begun by",
                "began",
                STARTERS,
                value=Runs.began,
                on_change=lambda v: Runs.choose("began", v),
            ),
            *dates,
            ui.quiet("Clear", on_click=Runs.clear),
            gap="16px",
            wrap="wrap",
            align="end",
        ),
        rx.cond(Runs.date_problem != "", ui.notice(Runs.date_problem, tone="warn", icon="calendar-x")),
        direction="column",
        gap="16px",
        padding="20px 24px",
    )


def _row(row: rx.Var[Row]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.a(
                row.campaign,
                href=f"/runs/{row.id}",
                class_name="cm-plain-link",
                font_weight="580",
                color=tokens.INK,
                data_testid="run-link",
            ),
            ui.small(row.run),
            # On a tablet the outcome stands here, and its column makes room for the numbers.
            rx.box(ui.pill(row.outcome, row.tone), class_name="cm-tall-only", margin_top="6px"),
            class_name="cm-lead-cell",
        ),
        rx.el.td(rx.el.span(row.at, white_space="nowrap"), ui.small("by ", row.began), min_width="150px"),
        rx.el.td(
            ui.pill(row.outcome, row.tone),
            ui.small(row.ended, margin_top="4px"),
            class_name="cm-wide-only",
        ),
        rx.el.td(row.audience, class_name="cm-num cm-wide-only"),
        rx.el.td(row.entered, class_name="cm-num"),
        rx.el.td(row.refused, class_name="cm-num cm-wide-only"),
        rx.el.td(row.messages, class_name="cm-num"),
        rx.el.td(row.delivered, class_name="cm-num"),
        rx.el.td(
            row.failed,
            class_name="cm-num",
            color=rx.cond(row.trouble, tokens.ink("danger"), "inherit"),
            font_weight=rx.cond(row.trouble, "620", "inherit"),
        ),
        data_testid="run-row",
    )


def _nothing() -> rx.Component:
    narrowed = (Runs.outcome != "") | (Runs.began != "") | (Runs.since != "") | (Runs.until != "")
    return rx.cond(
        narrowed,
        ui.empty(
            "search-x",
            "Nothing matches",
            "No run fits these filters. Clear them to see all of them again.",
            ui.quiet("Clear the filters", on_click=Runs.clear),
            data_testid="no-runs",
        ),
        ui.empty(
            "history",
            "Nothing has run yet",
            "As soon as a campaign is approved and begins, its run stands here: whom it reached, "
            "who was left out and why, and what became of the messages.",
            ui.link_button("To the campaigns", "/", main=True),
            data_testid="no-runs",
        ),
    )
