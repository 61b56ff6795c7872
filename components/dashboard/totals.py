"""The strip of totals and the line of the last thirty days."""

import reflex as rx

from components import ui
from components.ui import charts
from state.dashboard import Dashboard
from state.dashboard_rows import Total


def _total(total: rx.Var[Total]) -> rx.Component:
    return ui.figure(total.words, total.value, total.hint, data_testid="total")


def totals() -> rx.Component:
    return rx.cond(
        Dashboard.loading,
        rx.box(*[ui.card(ui.lines(2), min_height="112px") for _ in range(5)], class_name="cm-grid-stats"),
        rx.box(rx.foreach(Dashboard.totals, _total), class_name="cm-grid-stats"),
    )


def _legend() -> rx.Component:
    return rx.flex(
        *[
            rx.flex(ui.dot(tone), ui.small(name), gap="7px", align="center")
            for name, tone in (("Sent", "accent"), ("Opened", "info"), ("Clicked", "warn"))
        ],
        gap="16px",
        aria_hidden="true",
    )


def trend() -> rx.Component:
    """Messages a day; the same numbers are in the totals above, in words."""
    return rx.cond(
        Dashboard.anything,
        ui.section(
            "Messages a day",
            rx.box(
                charts.area_chart(
                    charts.area("Sent"),
                    charts.area("Opened", tone="info"),
                    charts.area("Clicked", tone="warn"),
                    *charts.surroundings("day"),
                    data=Dashboard.trend,
                    height=180,
                    margin={"top": 6, "right": 8, "left": 0, "bottom": 0},
                ),
                role="img",
                aria_label="Messages sent, opened and clicked on each of the last thirty days",
            ),
            hint="Over the last thirty days",
            actions=_legend(),
        ),
    )
