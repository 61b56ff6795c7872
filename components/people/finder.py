"""Search and its results."""

import reflex as rx

from components import tokens, ui
from state.people import KINDS, Found, People


def _found(row: rx.Var[Found]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.flex(
                rx.avatar(fallback=row.initials, size="2", radius="full", aria_hidden="true"),
                rx.box(
                    rx.el.a(
                        row.name,
                        href=f"/people/{row.id}",
                        class_name="cm-plain-link cm-tall-link cm-thin",
                        font_weight="580",
                        color=tokens.INK,
                        data_testid="person-link",
                    ),
                    ui.small(row.reach, overflow_wrap="anywhere"),
                    min_width="0",
                ),
                gap="12px",
                align="center",
            )
        ),
        rx.el.td(row.kind),
        rx.el.td(row.last_visit, white_space="nowrap"),
        rx.el.td(row.next_visit, white_space="nowrap", class_name="cm-wide-only"),
        rx.el.td(row.journeys, class_name="cm-num"),
        rx.el.td(rx.cond(row.stopped, ui.pill("Stopped", "danger"))),
        data_testid="person-row",
    )


def finder() -> rx.Component:
    columns = ["Person", "Kind", "Last visit", "~Next visit", "#Journeys", "Marketing"]
    return ui.card(
        rx.flex(
            rx.box(
                ui.search("Name, email or phone", value=People.text, on_change=People.find), flex="1 1 260px"
            ),
            ui.chips(
                "Kind of person",
                *[
                    ui.chip(name, on=People.kind == key, on_click=People.choose_kind(key))
                    for key, name in KINDS
                ],
            ),
            gap="14px",
            wrap="wrap",
            align="center",
            padding="20px 24px 16px",
        ),
        rx.cond(
            People.loading,
            ui.lines(8, padding="8px 24px 32px"),
            rx.cond(
                People.rows.length() > 0,
                ui.table("People", columns, rx.foreach(People.rows, _found)),
                ui.empty(
                    "user-search",
                    "Nobody by that name",
                    "Try the last name only, the beginning of the email address, or the end of the phone number.",
                ),
            ),
        ),
        rx.cond(
            People.more,
            rx.center(
                rx.cond(
                    People.full,
                    ui.small(
                        "These are the first of many. Type a name, an email address or a phone number to find others."
                    ),
                    ui.quiet("Show more", on_click=People.show_more, data_testid="more-people"),
                ),
                padding="16px",
            ),
        ),
        padding="0",
        overflow="hidden",
    )
