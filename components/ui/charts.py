"""Small charts. The numbers they draw are always in the text beside them too.

The library that draws them is large: a page that shows one loads it beside the rest of itself, so nothing on the
page waits for it. Reflex does so with a chart, but fetches what is inside a chart with the page; hence these.
"""

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent
from reflex_components_recharts import cartesian, general

from components import tokens

TICK = {"fontSize": 12, "fill": tokens.QUIET}


# A chart takes its parts by the names of their classes.
class ResponsiveContainer(NoSSRComponent, general.ResponsiveContainer):
    """As wide as there is room."""


class Area(NoSSRComponent, cartesian.Area):
    """A line with what is below it."""


class XAxis(NoSSRComponent, cartesian.XAxis):
    """What the places along the bottom are."""


class YAxis(NoSSRComponent, cartesian.YAxis):
    """The numbers up the side."""


class CartesianGrid(NoSSRComponent, cartesian.CartesianGrid):
    """Faint lines behind."""


class GraphingTooltip(NoSSRComponent, general.GraphingTooltip):
    """The numbers at the place pointed at."""


def area(key: str, *, tone: tokens.Tone = "accent") -> rx.Component:
    """A line of an area chart; `key` names its number in each row of the data."""
    return Area.create(
        data_key=key,
        type_="monotone",
        stroke=tokens.solid(tone),
        stroke_width=2,
        fill=tokens.tint(tone),
        is_animation_active=False,
        dot=False,
    )


def surroundings(across: str) -> list[rx.Component]:
    """Both axes, the grid and what is told on pointing; `across` names what stands along the bottom."""
    plain = {"tick_line": False, "axis_line": False, "tick": TICK}
    told = {"background": tokens.PANEL, "border": f"1px solid {tokens.LINE}", "borderRadius": "8px"}
    return [
        XAxis.create(data_key=across, interval="preserveStartEnd", min_tick_gap=48, **plain),
        YAxis.create(width=40, allow_decimals=False, **plain),
        CartesianGrid.create(vertical=False, stroke="var(--gray-a4)"),
        GraphingTooltip.create(content_style=told),
    ]


def area_chart(*parts: rx.Component, data: Any, height: int, margin: dict[str, int]) -> rx.Component:
    """Lines of `area` with `surroundings` or without; `height` in pixels is kept free until it is drawn."""
    contained = rx.recharts.area_chart(*parts, data=data, margin=margin)
    (chart,) = contained.children  # Reflex's own container would be fetched with the page
    drawn = ResponsiveContainer.create(chart, width="100%", height=height, min_width=10, min_height=10)
    return rx.box(drawn, height=f"{height}px", width="100%")


def spark(data: Any, key: str = "value", *, tone: tokens.Tone = "accent", **props: Any) -> rx.Component:
    """A line without axes; decoration for people who see it."""
    return rx.box(
        area_chart(
            area(key, tone=tone), data=data, height=48, margin={"top": 4, "right": 2, "left": 2, "bottom": 2}
        ),
        aria_hidden="true",
        **props,
    )


def bar(share: Any, *, tone: tokens.Tone = "accent", **props: Any) -> rx.Component:
    """A share of a hundred as a thin bar; `share` is a number from 0 to 100."""
    filled = rx.Var.create(share).to(int).to_string() + "%"
    return rx.box(
        rx.box(
            height="100%",
            width=filled,
            border_radius=tokens.RADII["pill"],
            background=tokens.solid(tone),
            transition="width 300ms ease",
        ),
        aria_hidden="true",
        height="6px",
        width="100%",
        border_radius=tokens.RADII["pill"],
        background="var(--gray-a3)",
        overflow="hidden",
        **props,
    )
