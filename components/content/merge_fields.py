"""The merge fields to choose from while writing."""

import reflex as rx

from components import tokens, ui
from services.contracts.merge_fields import MERGE_FIELDS

CURSOR = "(() => {{ const t = document.getElementById('{id}'); return t && t.selectionStart != null ? t.selectionStart : -1 }})()"


def merge_menu(field_id: str, insert: rx.EventHandler) -> rx.Component:
    """The merge fields; one is put where the cursor is in the field of that id."""

    def put(tag: str) -> rx.event.EventSpec:
        return rx.call_script(CURSOR.format(id=field_id), callback=lambda at: insert(tag, at))

    return rx.menu.root(
        rx.menu.trigger(
            ui.quiet(
                "Insert a field", icon="braces", size="2", align_self="start", data_testid="insert-field"
            )
        ),
        rx.menu.content(
            *[
                rx.menu.item(
                    rx.el.span(field.label, flex="1"),
                    rx.el.span(field.sample, **tokens.text("small"), color=tokens.QUIET),
                    on_select=put(field.insert),
                    data_testid=f"field-{field.name}",
                )
                for field in MERGE_FIELDS
            ],
        ),
    )
