"""Fields that tell what is typed after a pause, while the page goes on: no button saves them."""

from typing import Any

import reflex as rx

from components.ui.fields import labelled

PAUSE = 350
"""Milliseconds without a key before the server is told."""


def typed(
    value: Any, on_change: Any, *, editable: Any, lines: str | None = None, again: Any = None, **props: Any
) -> rx.Component:
    """The bare control, of one line or of `lines`; give it an `aria_label` or a label of its own. A new
    `again` shows `value` anew, whatever was typed."""
    control = rx.input if lines is None else rx.text_area
    several = {} if lines is None else {"rows": lines, "resize": "vertical"}
    anew = {} if again is None else {"key": again}
    looks = {"size": "2", **several, **props}
    return rx.debounce_input(
        control(value=value, on_change=on_change, disabled=~editable, **looks), debounce_timeout=PAUSE, **anew
    )


def live_field(
    name: Any, key: str, value: Any, on_change: Any, *, editable: Any, grow: str | None = None, **props: Any
) -> rx.Component:
    """One line under its label. `key` is its id and its test id."""
    looks = {"size": "3", "data_testid": key, **props}
    control = typed(value, on_change, editable=editable, id=key, **looks)
    return labelled(name, control, None, key, **({"flex": grow} if grow else {}))
