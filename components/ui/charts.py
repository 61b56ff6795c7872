"""Small charts. The numbers they draw are always in the text beside them too."""

from typing import Any

import reflex as rx

from components import tokens


def spark(data: Any, key: str = "value", *, tone: tokens.Tone = "accent", **props: Any) -> rx.Component:
    """A line without axes; decoration for people who see it."""
    return rx.box(
        rx.recharts.area_chart(
            rx.recharts.area(
                data_key=key,
                type_="monotone",
                stroke=tokens.solid(tone),
                stroke_width=2,
                fill=tokens.tint(tone),
                is_animation_active=False,
                dot=False,
            ),
            data=data,
            width="100%",
            height=48,
            margin={"top": 4, "right": 2, "left": 2, "bottom": 2},
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
