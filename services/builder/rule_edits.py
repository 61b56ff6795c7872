"""Rows of an audience or of a branch's path: one group of all or any, made of simple rules.

What people build in the panel is one group of conditions and behaviours; groups inside it are kept
as they are. An audience without rules is nobody, never everyone, so an empty group is dropped there.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from services.contracts.journey import Branch, Journey
from services.contracts.segment import Audience, Behaviour, Condition, Did, Group, Rule, Scalar
from services.kit.errors import Invalid

Mode = Literal["all", "any"]
Part = Literal["include", "exclude"]
_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
BEHAVIOURS: tuple[str, ...] = get_args(Behaviour)
NO_VALUE = ("is_set", "is_not_set")
LISTS = ("in", "not_in")
DAYS = ("within_last_days", "more_than_days_ago", "within_next_days")


def group_of(rules: Rule | list[Rule], default: Mode = "all") -> Group:
    """Any rule or list of rules as the one group the panel edits."""
    if isinstance(rules, Group) and rules.node != "none":
        return rules
    listed = rules if isinstance(rules, list) else [rules]
    if len(listed) == 1 and isinstance(listed[0], Group) and listed[0].node != "none":
        return listed[0]
    return Group(node=default, rules=listed)


def audience_group(audience: Audience, part: Part) -> Group:
    """Who is in (`include`, all by default) or left out (`exclude`, any by default)."""
    return group_of(audience.include, "all") if part == "include" else group_of(audience.exclude, "any")


def with_audience_group(audience: Audience, part: Part, group: Group) -> Audience:
    """An empty group says nothing, so it is stored as no rule at all."""
    return audience.model_copy(update={part: [group] if group.rules else []})


def path_group(journey: Journey, step_id: str, index: int) -> Group:
    step = next((s for s in journey.steps if s.id == step_id), None)
    if not isinstance(step, Branch) or not 0 <= index < len(step.paths):
        raise Invalid("That path no longer exists.")
    return group_of(step.paths[index].when)


def add_rule(group: Group, name: str, operators: tuple[str, ...] = ()) -> Group:
    """A new row: a behaviour (`did:opened`) or a field with its first operator, still unfilled."""
    return _with(group, [*group.rules, new_rule(name, operators)])


def new_rule(name: str, operators: tuple[str, ...] = ()) -> Rule:
    if name.startswith("did:"):
        return _checked({"node": "did", "what": name.removeprefix("did:"), "at_least": 1, "days": 365})
    op = operators[0] if operators else "is"
    return _checked({"node": "field", "field": name, "op": op, "value": _blank(op)})


def remove_rule(group: Group, index: int) -> Group:
    return _with(group, [r for n, r in enumerate(group.rules) if n != index])


def set_mode(group: Group, mode: Mode) -> Group:
    return group.model_copy(update={"node": mode})


def change_rule(
    group: Group, index: int, part: str, value: str, kind: str, operators: tuple[str, ...]
) -> Group:
    """Change one part of a row: `name`, `op`, `value`, `value2`, `times`, `most`, `days`.

    `kind` is the field's type (text, choice, number, date, bool); typed text becomes its value.
    """
    if not 0 <= index < len(group.rules):
        raise Invalid("That rule no longer exists.")
    rules = list(group.rules)
    rule = rules[index]
    if part == "name":
        rules[index] = new_rule(value, operators)
    elif isinstance(rule, Did):
        rules[index] = _checked({**rule.model_dump(), **_behaviour(part, value)})
    elif isinstance(rule, Condition):
        rules[index] = _checked({**rule.model_dump(), **_condition(rule, part, value, kind)})
    return _with(group, rules)


def _behaviour(part: str, value: str) -> dict[str, Any]:
    number = _number(value)
    match part:
        case "times" if number == 0:
            return {"at_least": None, "at_most": 0}
        case "times":
            return {"at_least": number, "at_most": None}
        case "days":
            return {"days": number}
    raise Invalid("That part of the rule no longer exists.")


def _condition(rule: Condition, part: str, value: str, kind: str) -> dict[str, Any]:
    if part == "op":
        same = _shape(rule.op) == _shape(value)
        return {"op": value, "value": rule.value if same else _blank(value)}
    typed = _typed(value, "number" if rule.op in DAYS else kind)
    if rule.op in LISTS:
        return {"value": [_typed(one.strip(), kind) for one in value.split(",") if one.strip()]}
    if rule.op == "between":
        low, high = rule.value if isinstance(rule.value, list) and len(rule.value) == 2 else ("", "")
        return {"value": [typed, high] if part == "value" else [low, typed]}
    return {"value": typed}


def _shape(op: str) -> str:
    if op in NO_VALUE:
        return "none"
    if op in LISTS:
        return "list"
    if op in DAYS:
        return "days"
    return "two" if op == "between" else "one"


def _blank(op: str) -> Scalar | list[Scalar] | None:
    blanks: dict[str, Scalar | list[Scalar] | None] = {
        "none": None, "list": [], "days": 30, "two": ["", ""], "one": "",
    }  # fmt: skip
    return blanks[_shape(op)]


def _typed(value: str, kind: str) -> Scalar:
    """What was typed, as the field's type; half-typed values stay text for the check to name."""
    if kind == "bool":
        return value == "true"
    if kind == "number":
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else number
    if kind == "date":
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            return value
    return value


def _number(value: str) -> int:
    if not value.strip().isdigit():
        raise Invalid("Type a whole number.")
    return int(value)


def _checked(data: dict[str, Any]) -> Rule:
    try:
        return _RULE.validate_python(data)
    except ValidationError as error:
        raise Invalid("That does not fit this rule; nothing was changed.") from error


def _with(group: Group, rules: list[Rule]) -> Group:
    if len(rules) > 100:
        raise Invalid("A group takes 100 rules at most.")
    return group.model_copy(update={"rules": rules})
