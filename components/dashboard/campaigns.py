"""The table of campaigns and what can be done in each row."""

from typing import Any

import reflex as rx

from components import tokens, ui
from components.dashboard.filters import filters
from components.dashboard.several import mark, several
from state.dashboard import Dashboard
from state.dashboard_rows import Row
from state.session import may


def _actions(row: rx.Var[Row]) -> rx.Component:
    def item(words: str, event: Any, key: str, **props: Any) -> rx.Component:
        return rx.menu.item(words, on_select=event(row.id), data_testid=f"do-{key}", **props)

    return rx.menu.root(
        rx.menu.trigger(
            ui.icon_button(f"Actions for {row.name}", icon="ellipsis", pixels=18, data_testid="row-actions")
        ),
        rx.menu.content(
            rx.menu.item("Open", on_select=rx.redirect(f"/campaigns/{row.id}")),
            rx.cond(
                row.begun,
                rx.menu.item(
                    "Runs", on_select=rx.redirect(f"/runs?campaign={row.id}"), data_testid="do-runs"
                ),
            ),
            rx.cond(row.may_pause, item("Pause", Dashboard.pause, "pause")),
            rx.cond(row.may_resume, item("Resume", Dashboard.resume, "resume")),
            rx.cond(may("author"), item("Clone", Dashboard.clone, "clone")),
            rx.cond(row.may_cancel, item("Cancel", Dashboard.cancel, "cancel", color_scheme="red")),
            rx.cond(row.may_delete, item("Delete draft", Dashboard.delete, "delete", color_scheme="red")),
            min_width="180px",
        ),
    )


def _row(row: rx.Var[Row]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(mark(row), class_name="cm-mark"),
        rx.el.td(
            rx.el.a(
                row.name,
                href=f"/campaigns/{row.id}",
                class_name="cm-plain-link cm-tall-link cm-thin",
                font_weight="580",
                font_size="14.5px",
                color=tokens.INK,
                data_testid="campaign-link",
            ),
            ui.small(row.type, " · ", row.origin),
            class_name="cm-lead-cell",
        ),
        rx.el.td(
            ui.pill(row.state_words, row.tone), ui.small(row.when, margin_top="4px", class_name="cm-when")
        ),
        rx.el.td(ui.small(row.kind, white_space="nowrap"), class_name="cm-wide-only"),
        rx.el.td(row.people, class_name="cm-num"),
        rx.el.td(row.sent, class_name="cm-num"),
        rx.el.td(row.delivered, class_name="cm-num cm-wide-only"),
        rx.el.td(
            row.opened,
            rx.cond(
                row.begun & (row.opened != "–"), ui.bar(row.opened_share, margin_top="6px", min_width="56px")
            ),
            class_name="cm-num",
        ),
        rx.el.td(row.clicked, class_name="cm-num cm-wide-only"),
        rx.el.td(row.booked, class_name="cm-num", font_weight="600"),
        rx.el.td(_actions(row), text_align="right"),
        data_testid="campaign-row",
        data_state=row.state,
    )


def _nothing() -> rx.Component:
    start = rx.cond(
        may("author"),
        ui.link_button("Start from a template", "/templates", icon="layout-template", main=True),
    )
    return rx.cond(
        Dashboard.anything,
        ui.empty(
            "search-x",
            "Nothing matches",
            "No campaign fits these filters. Clear them to see all of them again.",
            ui.quiet("Clear the filters", on_click=Dashboard.clear),
        ),
        ui.empty(
            "route",
            "Your first campaign",
            "A campaign is a journey: who comes in, what they hear and when, and what ends it. "
            "Templates bring the steps and the words; you choose the people.",
            start,
            data_testid="empty-campaigns",
        ),
    )


def campaigns() -> rx.Component:
    columns = [
        "Mark",
        "Campaign",
        "State",
        "~Kind",
        "#People",
        "#Sent",
        "#~Delivered",
        "#Opened",
        "#~Clicked",
        "#Booked",
        "",
    ]
    return rx.el.section(
        ui.card(
            filters(),
            rx.cond(
                Dashboard.loading,
                ui.lines(6, padding="8px 24px 32px"),
                rx.cond(
                    Dashboard.rows.length() > 0,
                    ui.table("Campaigns", columns, rx.foreach(Dashboard.rows, _row)),
                    _nothing(),
                ),
            ),
            rx.cond(
                Dashboard.more,
                rx.center(ui.quiet("Show more", on_click=Dashboard.show_more), padding="16px"),
            ),
            padding="0",
            overflow="hidden",
        ),
        several(),
        aria_label="Campaigns",
    )
