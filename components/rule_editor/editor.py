"""A whole tree of rules: the switch of the outermost group, every row, and the ways to add."""

from typing import Any

import reflex as rx

from components import ui
from components.rule_editor.rows import Change, adder, chooser, group_head, rule_id, rule_parts
from components.rule_editor.tree import rule_tree
from state.rule_rows import RuleBox, RuleRow

MODES = [("all", "all of these"), ("any", "any of these")]


def rule_editor(
    box: rx.Var[RuleBox],
    change: Change,
    *,
    key: Any,
    name: str,
    all_words: str,
    add_words: str,
    editable: Any,
) -> rx.Component:
    """The rules of `box`. `change` makes the event of (what, path, part, value); `key` tells editors on
    one page apart; `all_words` comes before the switch between all and any."""
    test = key if isinstance(key, str) else "path"

    def row(one: rx.Var[RuleRow]) -> rx.Component:
        return rx.match(
            one.kind,
            ("end", _end(one, change, key, test, editable)),
            _row(one, change, key, test, editable),
        )

    return rx.flex(
        rx.cond(box.count > 1, _mode(box, change, test, all_words, editable)),
        rule_tree(
            rx.foreach(box.rows, row),
            label=name,
            editor_key=key,
            read_only=~editable,
            on_moved=lambda path, to: change("move", path, "", to),
            on_nudged=lambda path, way: change("nudge", path, "", way),
        ),
        rx.cond(editable, adder("", change, test, add_words)),
        direction="column",
        gap="10px",
    )


def _mode(box: rx.Var[RuleBox], change: Change, test: str, all_words: str, editable: Any) -> rx.Component:
    return rx.flex(
        ui.small(all_words, white_space="nowrap"),
        chooser(
            MODES,
            box.mode,
            lambda value: change("mode", "", "", value),
            editable,
            aria_label="All or any of the rules",
            data_testid=f"{test}-mode",
            width="auto",
        ),
        align="center",
        gap="8px",
        wrap="wrap",
    )


def _marks(row: rx.Var[RuleRow], key: Any) -> dict[str, Any]:
    return {
        "data-rule-row": "",
        "data-rule": rule_id(row, key),
        "data-path": row.path,
        "data-kind": row.kind,
        "data-mode": row.mode,
        "data-depth": row.depth.to_string(),
        "data-into": row.into,
        "data-index": row.index.to_string(),
        "data-unfinished": rx.cond(row.problem != "", "true", "false"),
    }


def _row(row: rx.Var[RuleRow], change: Change, key: Any, test: str, editable: Any) -> rx.Component:
    return rx.el.div(
        rx.el.span(row.joint, class_name="rt-joint"),
        rx.el.div(
            rx.cond(editable, _grip(row)),
            rx.cond(
                row.kind == "group",
                group_head(row, change, test, editable),
                rule_parts(row, change, key, test, editable),
            ),
            rx.cond(editable, _menu(row, change, test)),
            class_name="rt-card",
        ),
        role="group",
        aria_label=rx.cond(row.kind == "group", "Group ", "Rule ") + row.number,
        class_name="rt-row",
        custom_attrs=_marks(row, key),
        data_testid=rx.cond(row.kind == "group", f"{test}-group", f"{test}-rule"),
    )


def _grip(row: rx.Var[RuleRow]) -> rx.Component:
    return rx.el.button(
        rx.icon("grip-vertical", size=16, aria_hidden="true"),
        type="button",
        aria_label="Move "
        + rx.cond(row.kind == "group", "group ", "rule ")
        + row.number
        + ": drag it, or use the arrow keys; right puts it into a group, left takes it out",
        class_name="rt-grip",
        custom_attrs={"data-grip": row.path},
        data_testid="rule-grip",
    )


def _menu(row: rx.Var[RuleRow], change: Change, test: str) -> rx.Component:
    def item(words: str, what: str, value: str = "", **props: Any) -> rx.Component:
        return rx.menu.item(words, on_select=change(what, row.path, "", value), **props)

    group = row.kind == "group"
    return rx.menu.root(
        rx.menu.trigger(
            ui.icon_button(
                rx.cond(group, "More for group ", "More for rule ") + row.number,
                icon="ellipsis-vertical",
                size="2",
                data_testid=f"{test}-more",
            )
        ),
        rx.menu.content(
            item("Move up", "nudge", "up"),
            item("Move down", "nudge", "down"),
            rx.cond(row.into != "", item("Take out of its group", "nudge", "out")),
            item("Put into the group beside it", "nudge", "in"),
            rx.menu.separator(),
            item("Put into a new group", "wrap"),
            rx.cond(group & ~row.empty, item("Take the group apart", "unwrap")),
            item("Duplicate", "duplicate"),
            rx.menu.separator(),
            item("Remove", "remove", color_scheme="red", data_testid=f"{test}-remove"),
            min_width="220px",
        ),
    )


def _end(row: rx.Var[RuleRow], change: Change, key: Any, test: str, editable: Any) -> rx.Component:
    return rx.el.div(
        rx.cond(editable, adder(row.path, change, f"{test}-in", "Add to this group", small=True)),
        class_name="rt-row",
        custom_attrs=_marks(row, key),
    )
