"""State pills: colour and word together, never colour alone."""

from typing import Any

import reflex as rx

from components import tokens

Toned = tokens.Tone | rx.Var[str]


def by_tone(tone: Toned, paint: Any) -> Any:
    """`paint(tone)` for a fixed tone, or a choice among all of them for one known at run time."""
    if isinstance(tone, str):
        return paint(tone)
    return rx.match(tone, *[(name, paint(name)) for name in tokens.SCALES], paint("neutral"))


def dot(tone: Toned, **props: Any) -> rx.Component:
    """A small coloured point; decoration beside a word."""
    return rx.el.span(
        aria_hidden="true",
        width="8px",
        height="8px",
        flex="none",
        border_radius=tokens.RADII["pill"],
        background=by_tone(tone, tokens.solid),
        **props,
    )


def pill(content: Any, tone: Toned = "neutral", **props: Any) -> rx.Component:
    """A word in a rounded tint of its tone."""
    return rx.el.span(
        dot(tone),
        content,
        display="inline-flex",
        align_items="center",
        gap="7px",
        padding="2px 11px 2px 9px",
        border_radius=tokens.RADII["pill"],
        background=by_tone(tone, tokens.tint),
        color=by_tone(tone, tokens.ink),
        white_space="nowrap",
        **{**tokens.text("label"), "line_height": "22px", **props},
    )
