"""The parts of one row: what it is about, how it is compared, and with what."""

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

from components import tokens, ui
from state.rule_people import PersonPick, RulePeople
from state.rule_rows import RuleRow, names

Change = Callable[[str, Any, str, Any], Any]
"""(what, path, part, value) → the event to send; see `state.rule_changes.changed_tree`."""
NAMES = names()
NODES = [("all", "all of these"), ("any", "any of these"), ("none", "none of these")]


def chooser(options: Any, value: Any, on_change: Any, editable: Any, **props: Any) -> rx.Component:
    """A select whose label is only heard. `options`: pairs, or a list var of pairs."""
    looks = {"class_name": "cm-select cb-select", **props}
    return ui.select(options, value=value, on_change=on_change, disabled=~editable, **looks)


def adder(path: Any, change: Change, test: str, words: str, *, small: bool = False) -> rx.Component:
    """Two ways to add to a group: a rule about something, or a group. Typing finds a name."""
    size = "1" if small else "2"
    return rx.el.div(
        rx.select.root(
            rx.select.trigger(
                placeholder=f"+ {words}", variant="surface", aria_label=words, data_testid=f"{test}-add"
            ),
            rx.select.content(*[_choices(group, pairs) for group, pairs in NAMES], position="popper"),
            value="",
            on_change=lambda name: change("add", path, "", name),
            size=size,
        ),
        ui.quiet(
            "Add a group",
            icon="brackets",
            size=size,
            on_click=change("add", path, "", "group"),
            data_testid=f"{test}-add-group",
        ),
        class_name="rt-end",
    )


def _choices(group: str, pairs: Sequence[tuple[str, str]]) -> rx.Component:
    return rx.select.group(
        rx.select.label(group), *[rx.select.item(words, value=key) for key, words in pairs]
    )


def group_head(row: rx.Var[RuleRow], change: Change, test: str, editable: Any) -> rx.Component:
    """The first line of a group: all, any or none of what is in it."""
    return rx.el.div(
        chooser(
            NODES,
            row.mode,
            lambda value: change("mode", row.path, "", value),
            editable,
            aria_label="All, any or none of group " + row.number,
            data_testid=f"{test}-group-mode",
            width="auto",
        ),
        _problem(row),
        class_name="rt-parts",
    )


def rule_parts(row: rx.Var[RuleRow], change: Change, key: Any, test: str, editable: Any) -> rx.Component:
    """About what, how, and with which values; what is missing is said below."""

    def part(name: str) -> Callable[[Any], Any]:
        return lambda value: change("change", row.path, name, value)

    about = rx.el.select(
        *[
            rx.el.optgroup(*[rx.el.option(words, value=key) for key, words in pairs], label=group)
            for group, pairs in NAMES
        ],
        value=row.name,
        on_change=part("name"),
        disabled=~editable,
        aria_label="About",
        class_name="cm-select cb-select rt-about",
        data_testid=f"{test}-name",
    )
    how = chooser(
        row.operators,
        row.op,
        part("op"),
        editable,
        class_name="cm-select cb-select rt-how",
        aria_label="How",
        data_testid=f"{test}-op",
    )
    return rx.cond(
        row.shape == "fixed",
        rx.el.div(ui.small(row.sentence, flex="1"), _problem(row), class_name="rt-parts"),
        rx.el.div(
            about,
            rx.cond(row.operators.length() > 0, how),
            rx.el.div(
                _values(row, part, key, test, editable),
                class_name="rt-values",
                custom_attrs={"data-rule-values": "", "data-shape": row.shape},
            ),
            rx.cond(row.help != "", rx.el.span(row.help, class_name="rt-help")),
            _problem(row),
            class_name="rt-parts",
        ),
    )


def rule_id(row: rx.Var[RuleRow], key: Any) -> Any:
    """What tells this rule apart from every other on the page."""
    return f"{key}-" + row.path if isinstance(key, str) else key + "-" + row.path


def _problem(row: rx.Var[RuleRow]) -> rx.Component:
    return rx.cond(
        row.problem != "",
        rx.el.span(
            rx.icon("circle-dashed", size=14, aria_hidden="true", flex="none"),
            "Unfinished: ",
            row.problem,
            class_name="rt-problem",
            data_testid="unfinished",
        ),
    )


def _values(
    row: rx.Var[RuleRow], part: Callable[[str], Any], key: Any, test: str, editable: Any
) -> rx.Component:
    def typed(value: Any, name: str, kind: Any, heard: str, width: str = "130px") -> rx.Component:
        return ui.typed(
            value,
            part(name),
            editable=editable,
            type=kind,
            aria_label=heard,
            width=width,
            data_testid=f"{test}-{name}",
        )

    def choice(options: Any, heard: str) -> rx.Component:
        return chooser(
            options, row.value, part("value"), editable, aria_label=heard, data_testid=f"{test}-value"
        )

    one = typed(row.value, "value", row.input, "Value", "100%")
    return rx.match(
        row.shape,
        ("none", rx.fragment()),
        ("days", rx.fragment(typed(row.value, "value", "number", "Days", "92px"), _words("days"))),
        ("did", _did(row, typed)),
        (
            "two",
            rx.fragment(
                typed(row.value, "value", row.input, "From"),
                _words("and"),
                typed(row.value2, "value2", row.input, "To"),
            ),
        ),
        ("bool", choice([("", "Choose…"), ("true", "Yes"), ("false", "No")], "Yes or no")),
        ("choice", choice(row.choices, "Value")),
        ("segment", choice(row.choices, "Segment")),
        ("several", rx.foreach(row.choices, lambda pair: _chip(row, pair, part, editable))),
        ("people", _people(row, part, key, test, editable)),
        (
            "list",
            rx.box(one, ui.small("Several values, with commas between.", margin_top="4px"), width="100%"),
        ),
        one,
    )


def _did(row: rx.Var[RuleRow], typed: Callable[..., rx.Component]) -> rx.Component:
    return rx.fragment(
        rx.cond(
            row.op != "never",
            rx.fragment(
                typed(row.value, "times", "number", "Times", "76px"),
                rx.cond(
                    row.op == "between",
                    rx.fragment(_words("and"), typed(row.value3, "most", "number", "At most, times", "76px")),
                ),
                _words(rx.cond((row.value == "1") & (row.op != "between"), "time", "times")),
            ),
        ),
        _words("in the last"),
        typed(row.value2, "days", "number", "Days, 0 for ever", "84px"),
        _words(rx.cond(row.value2 == "0", "days (0: ever)", "days")),
    )


def _chip(row: rx.Var[RuleRow], pair: Any, part: Callable[[str], Any], editable: Any) -> rx.Component:
    return rx.el.button(
        pair[1],
        type="button",
        aria_pressed=rx.cond(row.chosen.contains(pair[0]), "true", "false"),
        on_click=part("toggle")(pair[0]),
        disabled=~editable,
        class_name="rt-chip",
    )


def _people(
    row: rx.Var[RuleRow], part: Callable[[str], Any], key: Any, test: str, editable: Any
) -> rx.Component:
    """How many are on the list; opened, who they are and a search to add others."""
    here = rule_id(row, key)

    def mark(icon: str) -> rx.Component:
        return rx.icon(icon, size=14, aria_hidden="true", flex="none")

    def person(pick: rx.Var[PersonPick]) -> rx.Component:
        return rx.el.button(
            rx.cond(row.chosen.contains(pick.id), mark("check"), mark("plus")),
            rx.el.span(pick.name, rx.cond(pick.about != "", " · " + pick.about, "")),
            type="button",
            aria_pressed=rx.cond(row.chosen.contains(pick.id), "true", "false"),
            on_click=part("person")(pick.id),
            class_name="rt-person",
        )

    return rx.fragment(
        rx.el.span(row.sentence, **tokens.text("small"), color=tokens.INK),
        rx.cond(
            editable,
            ui.quiet(
                rx.cond(RulePeople.open_at == here, "Done", "Choose people"),
                size="1",
                aria_expanded=RulePeople.open_at == here,
                on_click=RulePeople.toggle(here, row.chosen),
                data_testid=f"{test}-people",
            ),
        ),
        rx.cond(
            RulePeople.open_at == here,
            rx.el.div(
                ui.search(
                    "Name, email or phone", value=RulePeople.text, on_change=RulePeople.find, size="2",
                    data_testid=f"{test}-people-search",
                ),
                rx.foreach(RulePeople.rows, person),
                rx.cond(RulePeople.rows.length() == 0, ui.small("Nobody found. Try the last name.")),
                class_name="rt-people",
            ),
        ),
    )  # fmt: skip


def _words(content: Any) -> rx.Component:
    return rx.el.span(content, **tokens.text("small"), color=tokens.QUIET, white_space="nowrap")
