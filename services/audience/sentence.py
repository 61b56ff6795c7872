"""Reads an audience back in plain English (AUD-4): what the SQL asks, in words a person checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.audience.errors import RuleInvalid
from services.audience.fields import FIELDS, Field
from services.audience.reading import times
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
)

_KINDS = {"lead": "leads", "patient": "patients", "partner": "referral partners"}
_DID: dict[Behaviour, tuple[str, str]] = {
    "opened": ("opened a message", "opened messages"),
    "clicked": ("clicked a link", "clicked links"),
    "replied": ("replied to a message", "replied to messages"),
    "messaged": ("been sent a message", "been sent messages"),
    "booked": ("booked an appointment", "booked appointments"),
    "attended": ("attended an appointment", "attended appointments"),
    "missed": ("missed an appointment", "missed appointments"),
    "cancelled": ("had an appointment cancelled", "had appointments cancelled"),
    "proposal_created": ("been given a proposal", "been given proposals"),
    "proposal_accepted": ("accepted a proposal", "accepted proposals"),
}
_BOOL = {
    "contact.app_user": ("who use the patient app", "who do not use the patient app"),
    "contact.has_email": ("who have an email address", "who have no email address"),
    "contact.has_phone": ("who have a phone number", "who have no phone number"),
    "contact.in_household": ("who share a household", "who share no household"),
}
_UNKNOWN = {
    "appointment.last_attended": ("who have visited before", "who have never visited"),
    "appointment.next_booked": ("who have an appointment booked", "who have no appointment booked"),
    "appointment.last_no_show": (
        "who have missed an appointment before",
        "who have never missed an appointment",
    ),
    "loyalty.tier": ("who are in the loyalty scheme", "who are not in the loyalty scheme"),
    "care_plan.status": ("who have a care plan on record", "who have no care plan on record"),
}


def read_back(audience: Audience, names: Mapping[UUID, str] | None = None) -> str:
    """One sentence for the whole audience. `names` gives saved segments their names."""
    if not audience.include:
        return "Nobody yet: add a rule that says who to include."
    known = names or {}
    who = _joined([_KINDS[kind] for kind in dict.fromkeys(audience.kinds)], "and")
    included = _joined([_clause(rule, known) for rule in audience.include], "and")
    sentence = f"{who[0].upper()}{who[1:]} {included}"
    if audience.exclude:
        left_out = _joined([_clause(rule, known) for rule in audience.exclude], "or")
        sentence += f", but not those {left_out}"
    return sentence + "."


def rule_sentence(rule: Rule, names: Mapping[UUID, str] | None = None) -> str:
    """One rule as a clause that follows “people”, for a branch or a list of rules."""
    return _clause(rule, names or {})


def _clause(rule: Rule, names: Mapping[UUID, str]) -> str:
    match rule:
        case Group():
            return _group(rule, names)
        case Condition():
            return _condition(rule)
        case Did():
            return f"who {_behaviour(rule)}"
        case InSegment():
            unknown = "…" if rule.segment_id == UNCHOSEN else "deleted segment"
            return f"in the segment “{names.get(rule.segment_id, unknown)}”"
        case InList():
            count = len(rule.contacts)
            return f"on a list of {count} {'person' if count == 1 else 'people'}"


def _group(group: Group, names: Mapping[UUID, str]) -> str:
    parts = [_inner(rule, names) for rule in group.rules]
    match group.node:
        case "all":
            return _joined(parts, "and") if parts else "without further condition"
        case "any":
            return _either(parts) if parts else "who meet a rule that nobody meets"
        case "none":
            return (
                f"to whom none of this applies: {_joined(parts, 'or')}"
                if parts
                else "without further condition"
            )


def _either(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"either {_joined(parts, 'or')}"


def _inner(rule: Rule, names: Mapping[UUID, str]) -> str:
    text = _clause(rule, names)
    return f"({text})" if isinstance(rule, Group) and len(rule.rules) > 1 else text


def _joined(parts: Sequence[str], word: str) -> str:
    if len(parts) <= 1:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def _behaviour(did: Did) -> str:
    once, often = _DID[did.what]
    when = (
        " in the last … days" if did.days is None else f" in the last {_days(did.days)}" if did.days else ""
    )
    try:
        low, high = times(did.model_copy(update={"days": did.days or 0}))
    except RuleInvalid:
        return f"have {often} an unstated number of times"
    if high == 0:
        return f"have not {once}{when}"
    if high is None:
        return f"have {once}{when}" if low <= 1 else f"have {often} at least {low} times{when}"
    if low == 0:
        return f"have {often} at most {_times(high)}{when}"
    return f"have {often} {_exactly(low, high)}{when}"


def _exactly(low: int, high: int) -> str:
    return f"exactly {_times(low)}" if low == high else f"{low} to {high} times"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _days(count: object) -> str:
    if count in (None, ""):
        return "… days"
    return "day" if count == 1 else f"{count} days"


def _condition(condition: Condition) -> str:
    field = FIELDS.get(condition.field)
    if field is None:
        return f"with an unknown field “{condition.field}”"
    if field.name in _BOOL:
        return _BOOL[field.name][0 if condition.value is True else 1]
    if condition.op in ("is_set", "is_not_set"):
        yes, no = _UNKNOWN.get(
            field.name, (f"whose {field.label} is known", f"whose {field.label} is not known")
        )
        return yes if condition.op == "is_set" else no
    return f"whose {field.label} {_verb(field, condition)}"


def _verb(field: Field, condition: Condition) -> str:
    value = condition.value
    match condition.op:
        case "within_last_days":
            return "is today" if value == 0 else f"was in the last {_days(value)}"
        case "more_than_days_ago":
            return "was before today" if value == 0 else f"was more than {_days_count(value)} ago"
        case "within_next_days":
            return "is today" if value == 0 else f"is in the next {_days(value)}"
        case "before" | "after":
            return f"is {condition.op} {_value(field, value)}"
        case "between":
            low, high = value if isinstance(value, list) and len(value) == 2 else (None, None)
            return f"is from {_value(field, low)} to {_value(field, high)}"
        case "in" | "not_in":
            given = value if isinstance(value, list) else [value]
            words = _joined([_value(field, one) for one in given], "or")
            return f"is {'not ' if condition.op == 'not_in' else ''}{words}"
        case "contains" | "starts_with":
            return f"{condition.op.replace('_', ' ')} {_value(field, value)}"
        case _:
            word = {"is": "is", "is_not": "is not", "gt": "is more than", "gte": "is at least",
                    "lt": "is less than", "lte": "is at most"}[condition.op]  # fmt: skip
            return f"{word} {_value(field, value)}"


def _days_count(value: object) -> str:
    if value in (None, ""):
        return "… days"
    return "1 day" if value == 1 else f"{value} days"


def _value(field: Field, value: object) -> str:
    label = dict(field.choices).get(str(value))
    if label:
        return label.lower()
    if field.type == "date" and isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return f"“{value}”"
        return f"{day.day} {day:%B %Y}"
    if value in (None, ""):
        return "…"
    if isinstance(value, str):
        return f"“{value}”"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
