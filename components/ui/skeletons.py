"""Grey shapes of what is coming, in the size it will have, so that nothing jumps."""

from typing import Any

import reflex as rx

from components.ui.surfaces import card


def lines(count: int = 3, **props: Any) -> rx.Component:
    """Lines of text to come; the widths vary as words would."""
    widths = ("92%", "78%", "85%", "64%", "88%")
    return rx.flex(
        *[rx.skeleton(height="16px", width=widths[n % len(widths)]) for n in range(count)],
        direction="column",
        gap="14px",
        aria_hidden="true",
        **props,
    )


def blocks(count: int = 3, *, height: str = "132px", **props: Any) -> rx.Component:
    """Cards to come."""
    return rx.flex(
        *[card(lines(3), min_height=height) for _ in range(count)],
        direction="column",
        gap="14px",
        aria_hidden="true",
        **props,
    )
