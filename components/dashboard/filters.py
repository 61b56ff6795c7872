"""Filters of 000 §17.4: states with counts, kind, dates, who made it; search and order."""

import reflex as rx

from components import ui
from state import words
from state.dashboard import SORTS, Dashboard
from state.dashboard_rows import Chip


def _chip(chip: rx.Var[Chip]) -> rx.Component:
    return ui.chip(
        [chip.words, rx.el.span(chip.count)],
        on=chip.on,
        on_click=Dashboard.toggle_state(chip.key),
        data_testid=f"state-{chip.key}",
    )


def _pick(name: str, key: str, options: list[tuple[str, str]], value: rx.Var[str]) -> rx.Component:
    return ui.choice(
        name, f"filter-{key}", options, value=value, on_change=lambda v: Dashboard.choose(key, v)
    )


def _dates() -> rx.Component:
    fields = [("created", "Created"), ("activated", "Activated"), ("completed", "Completed")]
    return rx.fragment(
        _pick("Date", "date_field", fields, Dashboard.date_field),
        *[
            ui.field(
                name,
                key,
                type="date",
                value=value,
                on_change=lambda v, key=key: Dashboard.choose(key, v),
            )
            for name, key, value in (
                ("From", "date_from", Dashboard.date_from),
                ("To", "date_to", Dashboard.date_to),
            )
        ],
    )


def filters() -> rx.Component:
    """One row that is always there, and a drawer below it for what is needed less often."""
    kinds = [("", "Every kind"), *words.KINDS.items()]
    origins = [("", "Anyone"), ("manual", "A person"), ("ai", "Aiden")]
    return rx.box(
        rx.flex(
            rx.box(
                ui.search("Search campaigns", value=Dashboard.text, on_change=Dashboard.find),
                flex="1 1 240px",
            ),
            ui.quiet(
                "Filters",
                icon="list-filter",
                on_click=Dashboard.toggle_filters,
                aria_expanded=rx.cond(Dashboard.filters_open, "true", "false"),
                data_testid="filters",
            ),
            gap="12px",
            wrap="wrap",
            padding="20px 24px 12px",
        ),
        ui.chips("Show only these states", rx.foreach(Dashboard.chips, _chip), padding="0 24px 16px"),
        rx.cond(
            Dashboard.filters_open,
            rx.flex(
                _pick("Kind", "kind", kinds, Dashboard.kind),
                _pick("Made by", "origin", origins, Dashboard.origin),
                _dates(),
                _pick("Order", "sort", list(SORTS.items()), Dashboard.sort),
                ui.quiet("Clear", on_click=Dashboard.clear, data_testid="clear-filters"),
                gap="16px",
                wrap="wrap",
                align="end",
                padding="0 24px 20px",
                data_testid="filter-drawer",
            ),
        ),
    )
