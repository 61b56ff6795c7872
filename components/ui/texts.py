"""Text in the six kinds of the house, with the right element for each."""

from typing import Any

import reflex as rx

from components import tokens


def title(content: Any, **props: Any) -> rx.Component:
    """The one `h1` of a page."""
    return rx.el.h1(content, **{**tokens.text("title"), "color": tokens.INK, "margin": "0", **props})


def heading(content: Any, **props: Any) -> rx.Component:
    return rx.el.h2(content, **{**tokens.text("heading"), "color": tokens.INK, "margin": "0", **props})


def label(content: Any, **props: Any) -> rx.Component:
    return rx.el.span(content, **{**tokens.text("label"), "color": tokens.QUIET, **props})


def body(*content: Any, **props: Any) -> rx.Component:
    return rx.el.p(*content, **{**tokens.text("body"), "color": tokens.INK, "margin": "0", **props})


def small(*content: Any, **props: Any) -> rx.Component:
    return rx.el.p(*content, **{**tokens.text("small"), "color": tokens.QUIET, "margin": "0", **props})


def counted(sentence: Any, count: Any) -> rx.Component:
    """A line of a list: what it is, and how many."""
    return rx.el.li(
        rx.flex(
            small(sentence, flex="1"),
            rx.el.span(count, font_variant_numeric="tabular-nums", font_weight="600"),
            gap="12px",
        ),
        padding="8px 0",
        border_top=f"1px solid {tokens.LINE}",
        list_style="none",
    )
