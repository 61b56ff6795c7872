"""The dialog that asks for a fresh one-time code (D10)."""

from typing import Any

import reflex as rx

from components import ui


def one_time_code(
    sentence: str, *, hint: Any, open: Any, on_open_change: Any, on_submit: Any
) -> rx.Component:
    """`hint` is the code itself where a demonstration practice may show it, else empty."""
    return ui.form_dialog(
        "A fresh code",
        sentence,
        ui.field(
            "Code",
            "code",
            required=True,
            auto_focus=True,
            auto_complete="one-time-code",
            input_mode="numeric",
            max_length=8,
        ),
        rx.cond(
            hint != "",
            ui.small(
                "Demo practice: the code now is ",
                rx.el.strong(hint, data_testid="demo-code"),
                margin_top="10px",
            ),
        ),
        go="Go on",
        leave=on_open_change,
        open=open,
        on_submit=on_submit,
        data_testid="give-code",
    )
