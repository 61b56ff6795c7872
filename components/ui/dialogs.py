"""A dialog for a task that needs words; results and undo are toasts, never dialogs."""

from typing import Any

import reflex as rx

from components import tokens
from components.ui.buttons import primary, quiet


def dialog(
    name: Any, sentence: Any, *children: Any, open: Any, on_open_change: Any, **props: Any
) -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(name, size="5", margin_bottom="4px"),
            rx.dialog.description(
                sentence, **{**tokens.text("body"), "color": tokens.QUIET}, margin_bottom="18px"
            ),
            *children,
            **{"max_width": "520px", "padding": "28px", **props},
        ),
        open=open,
        on_open_change=on_open_change,
    )


def form_dialog(
    name: Any,
    sentence: Any,
    *fields: Any,
    go: Any,
    leave: Any,
    open: Any,
    on_submit: Any,
    stay: Any = "Not now",
    form: dict[str, Any] | None = None,
    max_width: str = "520px",
    **deed: Any,
) -> rx.Component:
    """A dialog whose deed submits the form in it. `leave` hears False, from the way out as from a press
    outside; `form` are the form's own props, `deed` those of the button that submits."""
    return dialog(
        name,
        sentence,
        rx.el.form(
            *fields,
            decisions(go, away=leave(False), stay=stay, **deed),
            on_submit=on_submit,
            **(form or {}),
        ),
        open=open,
        on_open_change=leave,
        max_width=max_width,
    )


def decisions(go: Any, *, away: Any, stay: Any = "Not now", **props: Any) -> rx.Component:
    """The last row of a dialog: the way out, and the one deed. Without `on_click` the deed submits the
    form around it; `away` is the event of the way out, `props` are the deed's."""
    submits = {} if "on_click" in props else {"type": "submit"}
    return rx.flex(
        quiet(stay, type="button", on_click=away),
        primary(go, **{**submits, **props}),
        gap="12px",
        justify="end",
        wrap="wrap",
        margin_top="18px",
    )
