"""The strip of totals and the line of the last thirty days."""

import reflex as rx

from components import tokens, ui
from state.dashboard import Dashboard, Total

TICK = {"fontSize": 12, "fill": tokens.QUIET}


def _total(total: rx.Var[Total]) -> rx.Component:
    return ui.figure(total.words, total.value, total.hint, data_testid="total")


def totals() -> rx.Component:
    return rx.cond(
        Dashboard.loading,
        rx.box(*[ui.card(ui.lines(2), min_height="112px") for _ in range(5)], class_name="cm-grid-stats"),
        rx.box(rx.foreach(Dashboard.totals, _total), class_name="cm-grid-stats"),
    )


def _line(key: str, tone: tokens.Tone) -> rx.Component:
    return rx.recharts.area(
        data_key=key,
        type_="monotone",
        stroke=tokens.solid(tone),
        stroke_width=2,
        fill=tokens.tint(tone),
        is_animation_active=False,
        dot=False,
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
                rx.recharts.area_chart(
                    _line("Sent", "accent"),
                    _line("Opened", "info"),
                    _line("Clicked", "warn"),
                    rx.recharts.x_axis(
                        data_key="day",
                        tick_line=False,
                        axis_line=False,
                        interval="preserveStartEnd",
                        min_tick_gap=48,
                        tick=TICK,
                    ),
                    rx.recharts.y_axis(
                        tick_line=False, axis_line=False, width=40, allow_decimals=False, tick=TICK
                    ),
                    rx.recharts.cartesian_grid(vertical=False, stroke="var(--gray-a4)"),
                    rx.recharts.graphing_tooltip(
                        content_style={
                            "background": tokens.PANEL,
                            "border": f"1px solid {tokens.LINE}",
                            "borderRadius": "8px",
                        }
                    ),
                    data=Dashboard.trend,
                    width="100%",
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
