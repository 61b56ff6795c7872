"""Chips: small buttons that stay pressed, to narrow a list or to choose a few of a few."""

from typing import Any

import reflex as rx


def chip(content: Any, *, on: Any, on_click: Any, **props: Any) -> rx.Component:
    """One chip. `on`: whether it is pressed; pressing it says `on_click`."""
    inside = content if isinstance(content, list | tuple) else [content]
    looks = {"class_name": "cm-chip", **props}
    pressed = rx.cond(on, "true", "false")
    return rx.el.button(*inside, type="button", aria_pressed=pressed, on_click=on_click, **looks)


def chips(name: str, *children: Any, **props: Any) -> rx.Component:
    """Chips that belong together; `name` is what the group is called to whoever cannot see it."""
    return rx.el.div(*children, role="group", aria_label=name, class_name="cm-chips", **props)
