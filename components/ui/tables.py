"""Tables with a caption for screen readers, numbers on the right, and a scroll of their own."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

HIDDEN = {
    "position": "absolute",
    "width": "1px",
    "height": "1px",
    "overflow": "hidden",
    "clip_path": "inset(50%)",
    "white_space": "nowrap",
}


def table(caption: str, columns: Sequence[str], *rows: Any, **props: Any) -> rx.Component:
    """`columns` are headings. Marks before the words: `#` holds numbers, `~` is for wide screens
    only (its cells carry `cm-wide-only` too); an empty one holds actions."""
    heads = [
        rx.el.th(
            name.lstrip("#~") or rx.el.span("Actions", **HIDDEN),
            scope="col",
            class_name=" ".join(
                cls for mark, cls in (("#", "cm-num"), ("~", "cm-wide-only")) if mark in name[:2]
            ),
        )
        for name in columns
    ]
    return rx.el.div(
        rx.el.table(
            rx.el.caption(caption, **HIDDEN),
            rx.el.thead(rx.el.tr(*heads)),
            rx.el.tbody(*rows),
            class_name="cm-table",
        ),
        class_name="cm-table-wrap",
        tab_index=0,
        role="region",
        aria_label=caption,
        **props,
    )
