"""Rows that can be marked, and what can be done with those that are."""

from typing import Any

import reflex as rx

from components import tokens


def mark(name: Any, *, on: Any, on_change: Any, size: str = "2", **props: Any) -> rx.Component:
    """A box as large as a finger. `name` is heard; `on_change` takes whether it is marked; a `data_testid`
    is the box's own."""
    test = {"data_testid": props.pop("data_testid")} if "data_testid" in props else {}
    return rx.el.label(
        rx.checkbox(checked=on, on_change=on_change, aria_label=name, size=size, **test),
        display="grid",
        place_items="center",
        width=tokens.TOUCH,
        height=tokens.TOUCH,
        **props,
    )


def marked(count: Any, *deeds: Any, **props: Any) -> rx.Component:
    """What can be done with the rows that are marked; at hand, near the thumb, and only while some are."""
    looks = {"gap": "8px", "align": "center", "wrap": "wrap", "class_name": "cm-thumb", **props}
    return rx.cond(count > 0, rx.flex(*deeds, **looks))
