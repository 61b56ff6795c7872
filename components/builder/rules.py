"""The editor of what an event must say: a flat list of conditions. Rules about people are in `rule_editor`."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from components import ui
from components.builder import inputs
from state.builder import Builder
from state.event_rows import EventBox, EventRow

Change = Callable[[str, Any, str, Any], Any]
"""(what: add, remove, mode or change; index; part; value) → the event to send."""


def rules(
    box: rx.Var[EventBox], change: Change, *, key: str, all_words: str, add_words: str, names: Any
) -> rx.Component:
    """Rows of one group, the switch between all and any, and a way to add a row. `names`: what a row
    may be about, pairs or a list var of them."""
    return rx.flex(
        rx.cond(box.rows.length() > 1, _mode(box, change, key, all_words)),
        rx.foreach(box.rows, lambda row: _row(row, change, key, names)),
        rx.cond(
            Builder.editable,
            ui.quiet(
                add_words,
                icon="plus",
                size="2",
                on_click=change("add", 0, "", ""),
                align_self="start",
                data_testid=f"{key}-add",
            ),
        ),
        direction="column",
        gap="10px",
    )


def _mode(box: rx.Var[EventBox], change: Change, key: str, all_words: str) -> rx.Component:
    return rx.flex(
        ui.small(all_words, white_space="nowrap"),
        inputs.select(
            f"{key}-mode",
            [("all", "all of these"), ("any", "any of these")],
            box.mode,
            lambda value: change("mode", 0, "", value),
            aria_label="All or any of the rules",
        ),
        direction="column",
        gap="4px",
    )


def _row(row: rx.Var[EventRow], change: Change, key: str, names: Any) -> rx.Component:
    def part(name: str) -> Callable[[Any], Any]:
        return lambda value: change("change", row.index, name, value)

    return rx.el.fieldset(
        rx.el.legend("Rule ", row.index + 1, **ui.HIDDEN),
        rx.cond(
            row.shape == "fixed",
            ui.small(row.sentence, flex="1"),
            rx.flex(
                inputs.select(
                    "", names, row.name, part("name"), aria_label="About", data_testid=f"{key}-name"
                ),
                rx.cond(
                    row.operators.length() > 0,
                    inputs.select(
                        "", row.operators, row.op, part("op"), aria_label="How", data_testid=f"{key}-op"
                    ),
                ),
                _value(row, part, key),
                direction="column",
                gap="6px",
                flex="1",
                min_width="0",
            ),
        ),
        rx.cond(
            Builder.editable,
            ui.ghost("Remove this rule", icon="x", size="2", on_click=change("remove", row.index, "", "")),
        ),
        class_name="cb-rule",
        data_testid=f"{key}-rule",
    )


def _value(row: rx.Var[EventRow], part: Callable[[str], Any], key: str) -> rx.Component:
    one = ui.typed(
        row.value,
        part("value"),
        editable=Builder.editable,
        type=row.input,
        aria_label="Value",
        width="100%",
        data_testid=f"{key}-value",
    )
    return rx.match(
        row.shape,
        (
            "choice",
            inputs.select(
                "", row.choices, row.value, part("value"), aria_label="Value", data_testid=f"{key}-value"
            ),
        ),
        (
            "list",
            rx.box(one, ui.small("Several values, with commas between.", margin_top="4px")),
        ),
        one,
    )
