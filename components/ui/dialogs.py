"""A dialog for a task that needs words; results and undo are toasts, never dialogs."""

from typing import Any

import reflex as rx


def dialog(
    name: Any, sentence: Any, *children: Any, open: Any, on_open_change: Any, **props: Any
) -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(name, size="5", margin_bottom="4px"),
            rx.dialog.description(sentence, size="2", color_scheme="gray", margin_bottom="18px"),
            *children,
            **{"max_width": "520px", "padding": "28px", **props},
        ),
        open=open,
        on_open_change=on_open_change,
    )
