"""Rows of what an event must say: one group of conditions on the event's own properties (EVT-3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.builder.event_fields import field_of, fields_of, operator_words
from services.builder.rule_edits import LISTS
from services.builder.summary import condition_words
from services.contracts.journey import EventCondition, EventMatch


@dataclass(frozen=True)
class EventRow:
    """One row. `shape` says which inputs it has: one, choice, list, or fixed for a sentence only."""

    index: int
    name: str = ""
    op: str = ""
    shape: str = "fixed"
    input: str = "text"
    value: str = ""
    operators: list[list[str]] = field(default_factory=list)
    choices: list[list[str]] = field(default_factory=list)
    sentence: str = ""


@dataclass(frozen=True)
class EventBox:
    """All or any of the rows."""

    mode: str = "all"
    rows: list[EventRow] = field(default_factory=list)


def event_names(match: EventMatch) -> list[list[str]]:
    """What a condition on this event may be about: [property, words]."""
    return [[one.name, one.label] for one in fields_of(match.type)]


def event_box(match: EventMatch) -> EventBox:
    """An event's conditions as rows of the same editor."""
    return EventBox(match.join, [_of_event(n, match.type, c) for n, c in enumerate(match.where)])


def _of_event(index: int, type: str, condition: EventCondition) -> EventRow:
    known = field_of(type, condition.property)
    if known is None:
        # The API may name a property that the contract does not promise: shown, not edited.
        return EventRow(index, sentence=condition_words(type, condition))
    many = condition.op in LISTS
    first = (
        ", ".join(map(_word, condition.value))
        if isinstance(condition.value, list)
        else _word(condition.value)
    )
    operators = dict.fromkeys((*known.operators, condition.op))
    return EventRow(
        index,
        known.name,
        condition.op,
        "list" if many else "choice" if known.choices else "one",
        {"number": "number", "date": "date"}.get(known.kind, "text") if not many else "text",
        first,
        operators=[[op, operator_words(known, op)] for op in operators],
        choices=[["", "Choose…"], *[list(pair) for pair in known.choices]],
    )


def _word(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
