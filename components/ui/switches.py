"""One of a few ways to look at the same thing: buttons in a row, one of them pressed."""

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

View = tuple[str, str, str]
"""Key, name, icon."""


def view_switch(
    name: str, views: Sequence[View], *, now: rx.Var[str], choose: Callable[[str], Any], testid: str = "view"
) -> rx.Component:
    """`name` says what is chosen, to screen readers; `choose(key)` is the handler of a press. Where there
    is little room the icons stay, and the names are read out and shown on hovering."""

    def view(key: str, words: str, icon: str) -> rx.Component:
        return rx.el.button(
            rx.icon(icon, size=15, aria_hidden="true"),
            rx.el.span(words),
            type="button",
            on_click=choose(key),
            aria_label=words,
            title=words,
            aria_pressed=now == key,
            class_name="cm-view",
            data_testid=f"{testid}-{key}",
        )

    return rx.el.div(*[view(*one) for one in views], role="group", aria_label=name, class_name="cm-views")
