"""The languages of a message: those there are as chips, one to add, one to take away."""

from typing import Any

import reflex as rx

from components import ui
from services.contracts.languages import NAMES
from state.builder_forms import LanguageRow


def languages(
    rows: rx.Var[list[LanguageRow]], shown: rx.Var[str], *, editable: Any, show: Any, add: Any, remove: Any
) -> rx.Component:
    """`shown` is the locale of the words on screen, empty for the practice's own. `show` and `add` take a
    locale; `remove` is the event that takes the shown one away."""

    def language(row: rx.Var[LanguageRow]) -> rx.Component:
        return ui.chip(
            [
                row.name,
                rx.cond(row.written, rx.fragment(), rx.el.span("No words yet", class_name="cb-missing")),
            ],
            on=row.key == shown,
            on_click=show(row.key),
            data_testid="language-" + row.key.to(str),
        )

    return rx.flex(
        rx.cond(rows.length() > 1, ui.chips("Language", rx.foreach(rows, language))),
        rx.cond(
            editable,
            rx.flex(
                _menu(add),
                rx.cond(
                    shown != "",
                    ui.quiet(
                        "Remove this language",
                        icon="x",
                        size="2",
                        on_click=remove,
                        data_testid="remove-language",
                    ),
                ),
                gap="8px",
                wrap="wrap",
            ),
        ),
        direction="column",
        gap="8px",
    )


def _menu(add: Any) -> rx.Component:
    """Every language the editor offers."""
    return rx.menu.root(
        rx.menu.trigger(
            ui.quiet(
                "Add a language", icon="languages", size="2", align_self="start", data_testid="add-language"
            )
        ),
        rx.menu.content(
            *[
                rx.menu.item(name, on_select=add(locale), data_testid=f"add-{locale}")
                for locale, name in sorted(NAMES.items(), key=lambda pair: pair[1])
            ],
            max_height="320px",
        ),
    )
