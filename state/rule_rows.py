"""Rows of the rule editor, made from the segment grammar and the field catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.audience.contracts import FieldInfo
from services.audience.fields import catalogue
from services.audience.sentence import read_back
from services.builder.event_fields import field_of, fields_of, operator_words
from services.builder.rule_edits import DAYS, LISTS, NO_VALUE
from services.builder.summary import condition_words
from services.contracts.journey import EventCondition, EventMatch
from services.contracts.segment import Audience, Condition, Did, Group, Rule

BEHAVIOUR_WORDS = {
    "opened": "opened a message",
    "clicked": "clicked a link",
    "replied": "replied to a message",
    "messaged": "was sent a message",
    "booked": "booked an appointment",
    "attended": "attended an appointment",
    "missed": "missed an appointment",
    "cancelled": "cancelled an appointment",
    "proposal_created": "was given a proposal",
    "proposal_accepted": "accepted a proposal",
}
Choices = Mapping[str, list[tuple[str, str]]]
FIELDS: dict[str, FieldInfo] = {info.name: info for info in catalogue()}


@dataclass(frozen=True)
class RuleRow:
    """One row. `shape` says which inputs it has: none, text, number, date, days, choice, bool, two,
    list, did, or fixed for a rule that is shown as a sentence only."""

    index: int
    name: str = ""
    op: str = ""
    shape: str = "fixed"
    input: str = "text"
    value: str = ""
    value2: str = ""
    operators: list[list[str]] = field(default_factory=list)
    choices: list[list[str]] = field(default_factory=list)
    sentence: str = ""


@dataclass(frozen=True)
class RuleBox:
    """A group of rows: all or any of them."""

    mode: str = "all"
    rows: list[RuleRow] = field(default_factory=list)


def names() -> list[list[str]]:
    """What a row may be about: [key, words], fields first, then behaviours."""
    fields = [[info.name, f"{info.group}: {info.label}"] for info in FIELDS.values()]
    return [*fields, *[[f"did:{key}", f"Behaviour: {words}"] for key, words in BEHAVIOUR_WORDS.items()]]


def event_names(match: EventMatch) -> list[list[str]]:
    """What a condition on this event may be about: [property, words]."""
    return [[one.name, one.label] for one in fields_of(match.type)]


def event_box(match: EventMatch) -> RuleBox:
    """An event's conditions as rows of the same editor."""
    return RuleBox(match.join, [_of_event(n, match.type, c) for n, c in enumerate(match.where)])


def _of_event(index: int, type: str, condition: EventCondition) -> RuleRow:
    known = field_of(type, condition.property)
    if known is None:
        # The API may name a property that the contract does not promise: shown, not edited.
        return RuleRow(index, sentence=condition_words(type, condition))
    many = condition.op in LISTS
    first = (
        ", ".join(map(_word, condition.value))
        if isinstance(condition.value, list)
        else _word(condition.value)
    )
    operators = dict.fromkeys((*known.operators, condition.op))
    return RuleRow(
        index,
        known.name,
        condition.op,
        "list" if many else "choice" if known.choices else "one",
        {"number": "number", "date": "date"}.get(known.kind, "text") if not many else "text",
        first,
        operators=[[op, operator_words(known, op)] for op in operators],
        choices=[["", "Choose…"], *[list(pair) for pair in known.choices]],
    )


def open_choice_fields(group: Group) -> set[str]:
    """Fields of this group whose choices have to be read from the data."""
    used = {rule.field for rule in group.rules if isinstance(rule, Condition)}
    return {name for name in used if name in FIELDS and FIELDS[name].open_choices}


def box(group: Group, choices: Choices) -> RuleBox:
    return RuleBox(group.node, [row(n, rule, choices) for n, rule in enumerate(group.rules)])


def row(index: int, rule: Rule, choices: Choices) -> RuleRow:
    if isinstance(rule, Did):
        times = 0 if rule.at_most == 0 else (rule.at_least or 1)
        return RuleRow(index, f"did:{rule.what}", shape="did", value=str(times), value2=str(rule.days))
    if isinstance(rule, Condition) and rule.field in FIELDS:
        return _condition(index, rule, FIELDS[rule.field], choices)
    return RuleRow(index, sentence=read_back(Audience(include=[rule])))


def _condition(index: int, rule: Condition, info: FieldInfo, choices: Choices) -> RuleRow:
    known = [list(pair) for pair in info.choices or choices.get(info.name, [])]
    first, second = _values(rule)
    return RuleRow(
        index,
        rule.field,
        rule.op,
        _shape(rule, info, bool(known)),
        {"number": "number", "date": "date"}.get(info.type, "text"),
        first,
        second,
        [list(pair) for pair in info.operators],
        [["", "Choose…"], *known] if known else [],
    )


def _shape(rule: Condition, info: FieldInfo, known: bool) -> str:
    if rule.op in NO_VALUE:
        return "none"
    if rule.op in DAYS:
        return "days"
    if rule.op == "between":
        return "two"
    if info.type == "bool":
        return "bool"
    if rule.op in LISTS:
        return "list"
    return "choice" if known else "one"


def _values(rule: Condition) -> tuple[str, str]:
    if isinstance(rule.value, list):
        words = [_word(value) for value in rule.value]
        if rule.op == "between":
            return (words[0], words[1]) if len(words) == 2 else ("", "")
        return ", ".join(words), ""
    return _word(rule.value), ""


def _word(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
