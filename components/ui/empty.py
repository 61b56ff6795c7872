"""Empty states: say what will be here, and how to get there."""

from typing import Any

import reflex as rx

from components import tokens
from components.ui.texts import heading, small


def empty(icon: str, name: Any, sentence: Any, action: Any = None, **props: Any) -> rx.Component:
    return rx.flex(
        rx.center(
            rx.icon(icon, size=24, aria_hidden="true"),
            width="56px",
            height="56px",
            border_radius="18px",
            background=tokens.tint("accent"),
            color=tokens.ink("accent"),
        ),
        heading(name),
        small(sentence, max_width="46ch", text_align="center"),
        action,
        direction="column",
        align="center",
        justify="center",
        gap="10px",
        padding="56px 24px",
        **props,
    )
