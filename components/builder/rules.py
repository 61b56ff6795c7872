"""The rule editor, for an audience, a branch's path and what an event must say: what, how, which."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from components import tokens, ui
from components.builder import inputs
from state.builder import Builder
from state.rule_rows import RuleBox, RuleRow, names

Change = Callable[[str, Any, str, Any], Any]
"""(what: add, remove, mode or change; index; part; value) → the event to send."""
NAMES = names()


def rules(
    box: rx.Var[RuleBox], change: Change, *, key: str, all_words: str, add_words: str, names: Any = NAMES
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


def _mode(box: rx.Var[RuleBox], change: Change, key: str, all_words: str) -> rx.Component:
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


def _row(row: rx.Var[RuleRow], change: Change, key: str, names: Any) -> rx.Component:
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


def _value(row: rx.Var[RuleRow], part: Callable[[str], Any], key: str) -> rx.Component:
    one = _typed(row.value, part("value"), row.input, f"{key}-value", "Value")
    days = rx.flex(
        _typed(row.value, part("value"), "number", f"{key}-value", "Days"),
        _words("days"),
        gap="8px",
        align="center",
    )
    did = rx.flex(
        _words("at least"),
        _typed(row.value, part("times"), "number", f"{key}-times", "Times", "64px"),
        _words("times in"),
        _typed(row.value2, part("days"), "number", f"{key}-days", "Days, 0 for ever", "72px"),
        _words("days"),
        gap="6px",
        align="center",
        wrap="wrap",
    )
    two = rx.flex(
        one,
        _words("and"),
        _typed(row.value2, part("value2"), row.input, f"{key}-value2", "Second value"),
        gap="8px",
        align="center",
    )
    return rx.match(
        row.shape,
        ("none", rx.fragment()),
        ("days", days),
        ("did", did),
        ("two", two),
        (
            "bool",
            inputs.select(
                "",
                [("true", "Yes"), ("false", "No")],
                row.value,
                part("value"),
                aria_label="Yes or no",
                data_testid=f"{key}-value",
            ),
        ),
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


def _typed(value: Any, on_change: Any, kind: Any, key: str, heard: str, width: str = "100%") -> rx.Component:
    return rx.debounce_input(
        rx.input(
            value=value,
            on_change=on_change,
            type=kind,
            aria_label=heard,
            disabled=~Builder.editable,
            size="2",
            width=width,
            data_testid=key,
        ),
        debounce_timeout=inputs.PAUSE,
    )


def _words(content: str) -> rx.Component:
    return rx.el.span(content, **tokens.text("small"), color=tokens.QUIET, white_space="nowrap")
