"""Rows of an audience or of a branch's path: one group of all or any, and the parts of one rule.

`rule_tree` edits groups inside groups. A new rule is unfinished until somebody gives its value, so
that adding one changes no count. An audience without rules is nobody, never everyone, so an empty
group is dropped there.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Any, Literal, get_args

from pydantic import TypeAdapter, ValidationError

from services.contracts.journey import Branch, Journey
from services.contracts.segment import (
    UNCHOSEN,
    Audience,
    Behaviour,
    Condition,
    Did,
    Group,
    InList,
    InSegment,
    Rule,
    Scalar,
)
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


def new_rule(name: str, operators: tuple[str, ...] = ()) -> Rule:
    """A behaviour (`did:opened`), `segment`, `list`, or a field with its first operator; unfilled."""
    if name.startswith("did:"):
        return _checked({"node": "did", "what": name.removeprefix("did:"), "at_least": 1, "days": None})
    if name == "segment":
        return InSegment(segment_id=UNCHOSEN)
    if name == "list":
        return _checked({"node": "list", "contacts": []})
    op = operators[0] if operators else "is"
    return _checked({"node": "field", "field": name, "op": op, "value": _blank(op)})


def change_rule(
    group: Group, index: int, part: str, value: str, kind: str, operators: tuple[str, ...]
) -> Group:
    """Change one part of a row: `name`, `op`, `value`, `value2`, `toggle` (one value of several),
    `times`, `most`, `days`, `person` (one of a list, on or off).

    `kind` is the field's type (text, choice, number, date, bool); typed text becomes its value.
    """
    if not 0 <= index < len(group.rules):
        raise Invalid("That rule no longer exists.")
    rules = list(group.rules)
    rule = rules[index]
    if part == "name":
        rules[index] = new_rule(value, operators)
    elif isinstance(rule, Did):
        rules[index] = _checked({**rule.model_dump(), **_behaviour(rule, part, value)})
    elif isinstance(rule, InList) and part == "person":
        rules[index] = _checked({"node": "list", "contacts": _toggled(rule, value)})
    elif isinstance(rule, InSegment):
        rules[index] = _checked({"node": "segment", "segment_id": value or str(UNCHOSEN)})
    elif isinstance(rule, Condition):
        rules[index] = _checked({**rule.model_dump(), **_condition(rule, part, value, kind)})
    return _with(group, rules)


def _toggled(rule: InList, person: str) -> list[str]:
    people = [str(one) for one in rule.contacts]
    return [one for one in people if one != person] if person in people else [*people, person]


def how_often(did: Did) -> str:
    """Which way of counting a behaviour's numbers mean: at_least, at_most, exactly, between, never."""
    if did.at_most == 0:
        return "never"
    if did.at_most is None:
        return "at_least"
    if did.at_least is None or did.at_least > did.at_most:
        return "at_most"
    return "exactly" if did.at_least == did.at_most else "between"


def _behaviour(did: Did, part: str, value: str) -> dict[str, Any]:
    if part == "days":
        return {"days": _number(value) if value.strip() else None}
    how = value if part == "op" else how_often(did)
    if part == "times" and how == "at_least" and not value.strip():
        return {"at_least": None, "at_most": None}
    low = _number(value) if part == "times" else (did.at_least or did.at_most or 1)
    high = _number(value) if part == "most" else (did.at_most or low + 1)
    numbers: dict[str, tuple[int | None, int | None]] = {
        "never": (None, 0),
        "at_least": (low, None),
        "at_most": (None, low if part == "times" else did.at_most or low),
        "exactly": (low, low),
        "between": (low, max(low + 1, high)),
    }
    if part == "most" and high <= low:
        raise Invalid("The second number has to be larger than the first.")
    if part not in ("op", "times", "most") or how not in numbers:
        raise Invalid("That part of the rule no longer exists.")
    if part == "times" and low == 0:
        how = "never"
    return dict(zip(("at_least", "at_most"), numbers[how], strict=True))


def _condition(rule: Condition, part: str, value: str, kind: str) -> dict[str, Any]:
    if part == "op":
        same = _shape(rule.op) == _shape(value)
        return {"op": value, "value": rule.value if same else _blank(value)}
    typed = _typed(value, "number" if rule.op in DAYS else kind)
    if part == "toggle":
        chosen = rule.value if isinstance(rule.value, list) else []
        return {"value": [v for v in chosen if v != value] if value in chosen else [*chosen, value]}
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
        "none": None, "list": [], "days": "", "two": ["", ""], "one": "",
    }  # fmt: skip
    return blanks[_shape(op)]


def _typed(value: str, kind: str) -> Scalar:
    """What was typed, as the field's type; half-typed values stay text for the check to name."""
    if kind == "bool":
        return value == "true" if value in ("true", "false") else ""
    if kind == "number":
        try:
            number = float(value)
        except ValueError:
            return value
        if not math.isfinite(number):
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
