"""What a condition on an event may speak of (EVT-3): the properties its contract promises.

Read off the contracts themselves, so that a field added there is offered at once. References
(ids) are left out: nobody can type one, and everything they lead to is the audience's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from math import isfinite
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from services.contracts.campaign_types import LABELS
from services.contracts.events import INBOUND
from services.contracts.journey import EventCondition

Kind = Literal["text", "number", "date", "bool", "choice", "list"]
Operator = Literal["is", "is_not", "contains", "not_contains", "gt", "gte", "lt", "lte", "in", "not_in"]

OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    "text": ("is", "is_not", "contains", "not_contains", "in", "not_in"),
    "number": ("gt", "gte", "lt", "lte", "is", "is_not"),
    "date": ("gte", "lt"),
    "bool": ("is",),
    "choice": ("is", "is_not"),
    "list": ("contains", "not_contains"),
}
WORDS: dict[Operator, str] = {
    "is": "is", "is_not": "is not", "contains": "contains", "not_contains": "does not contain",
    "gt": "is more than", "gte": "is at least", "lt": "is less than", "lte": "is at most",
    "in": "is one of", "not_in": "is none of",
}  # fmt: skip
DATE_WORDS: dict[str, str] = {
    "gt": "is after",
    "lt": "is before",
    "gte": "is on or after",
    "lte": "is at the latest",
}
LABELLED: dict[str, str] = {
    "kind": "Kind of appointment", "starts_at": "Moment of the appointment", "value": "Value",
    "source_channel": "Where they came from", "cold_since_timestamp": "Cold since",
    "eligible_campaign_types": "Kinds of campaign suggested", "nurture_reason": "Reason to nurture",
    "lost_reason": "Reason it was lost", "lost_at_timestamp": "Lost on", "deferred_until_date": "Put off until",
    "won_at_timestamp": "Won on", "future_potential_context": "What may follow", "closed_at": "Closed on",
    "ended_at": "Ended on", "enrolled_at": "Started on", "exit_reason": "Why it ended", "goal": "Goal",
    "campaign_type": "Kind of campaign", "priority": "Priority", "reason": "Reason", "expires_at": "Good until",
    "name": "Name", "years": "Years", "treatment": "Treatment", "plan": "Plan", "channel": "Channel",
    "purpose": "Purpose", "method": "How it was given", "permanent": "For good", "link": "Link",
    "topic": "Topic", "all_topics": "All topics",
}  # fmt: skip
HIDDEN = frozenset({"test"})
CHANNELS = {
    "in_app": "in the app", "email": "email", "sms": "text message", "whatsapp": "WhatsApp",
    "all": "all channels",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventField:
    """One property of an event: what it is called, what kind of value it has, what may be asked.
    “On or after” and “before” a day mean its midnight in UTC."""

    name: str
    label: str
    kind: Kind
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        return OPERATORS[self.kind]


@cache
def fields_of(type: str) -> tuple[EventField, ...]:
    """What can be asked of an event, in the order of its contract; nothing of a type nobody knows."""
    model = INBOUND.get(type)
    if model is None:
        return ()
    made = (_field(name, info) for name, info in model.model_fields.items() if not _hidden(name))
    return tuple(field for field in made if field is not None)


def field_of(type: str, name: str) -> EventField | None:
    return next((field for field in fields_of(type) if field.name == name), None)


def operator_words(field: EventField | None, op: Operator) -> str:
    """“is after” for a date, “is more than” for a number."""
    return DATE_WORDS.get(op, WORDS[op]) if field and field.kind == "date" else WORDS[op]


def plain_name(name: str) -> str:
    """A property without words of its own: `details.about` → “details about”."""
    return name.replace("_", " ").replace(".", " ")


def misfit(type: str, condition: EventCondition) -> str | None:
    """What is wrong with a condition, as the end of a sentence; None when nothing is."""
    field = field_of(type, condition.property)
    if field is None:
        # A neighbour may add fields to its contract: one that we do not know is no mistake.
        return None
    listed = condition.value if isinstance(condition.value, list) else [condition.value]
    if not listed or any(isinstance(one, str) and not one.strip() for one in listed):
        return "has no value to compare with yet"
    if field.kind == "number" and not all(_is_number(one) for one in listed):
        return "needs a number"
    if field.kind == "date" and not all(_is_day(one) for one in listed):
        return "needs a date"
    return None


def _is_number(value: object) -> bool:
    try:
        return not isinstance(value, bool) and isfinite(float(str(value)))
    except ValueError:
        return False


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _hidden(name: str) -> bool:
    return name in HIDDEN or name.endswith("_id")


def _field(name: str, info: FieldInfo) -> EventField | None:
    label = LABELLED.get(name, plain_name(name).capitalize())
    kind = _kind(name, info.annotation)
    if kind is None:
        return None
    choices: tuple[tuple[str, str], ...] = ()
    if kind == "choice":
        choices = tuple((one, CHANNELS.get(one, plain_name(one))) for one in _literals(info.annotation))
    if name in ("campaign_type", "eligible_campaign_types"):
        choices = tuple(LABELS.items())
    if kind == "bool":
        choices = (("true", "yes"), ("false", "no"))
    return EventField(name, label, "choice" if choices and kind == "text" else kind, choices)


def _kind(name: str, annotation: Any) -> Kind | None:
    """The kind of a contract's annotation, optional or not."""
    if _literals(annotation):
        return "choice"
    if get_origin(annotation) is list:
        return "list"
    members = {one for one in get_args(annotation) if one is not NoneType} or {annotation}
    if bool in members:
        return "bool"
    if members & {int, float}:
        return "number"
    if "AwareDatetime" in str(annotation) or "datetime" in str(annotation) or name.endswith("_date"):
        return "date"
    return "text" if str in members else None


def _literals(annotation: Any) -> tuple[str, ...]:
    """Every value of the Literals in an annotation, in order."""
    if get_origin(annotation) is Literal:
        return tuple(get_args(annotation))
    return tuple(value for part in get_args(annotation) for value in _literals(part))
