"""Edits of what an event must say: its type, its conditions, all of them or any (EVT-3). Pure.

An event stands at a start, at a wait for it, or at a branch's path: then `path` is its index.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Literal

from pydantic import ValidationError

from services.builder.edits import find
from services.builder.event_fields import EventField, field_of, fields_of
from services.builder.step_edits import set_field
from services.contracts.journey import Branch, Entry, EventCondition, EventMatch, Journey, WaitEvent
from services.contracts.segment import Scalar
from services.kit.errors import Invalid

MOST = 10
MANY = ("in", "not_in")
NONE = -1
"""No path: the event of the step itself."""


def set_type(journey: Journey, step_id: str, type: str, *, path: int = NONE) -> Journey:
    """Another event; conditions stay where it has the same properties. Without a type a path looks
    at no event any more."""
    if not type and path != NONE:
        return set_field(journey, step_id, f"paths.{path}.event", None)
    known = {field.name for field in fields_of(type)}
    match = _named(journey, step_id, path) or EventMatch(type=type)
    kept = [c.model_dump() for c in match.where if c.property in known]
    return _with(journey, step_id, path, {"type": type, "where": kept, "join": match.join})


def add_condition(journey: Journey, step_id: str, *, path: int = NONE) -> Journey:
    """A new row on the event's first property, still to be filled in."""
    match = _match(journey, step_id, path)
    fields = fields_of(match.type)
    if not fields:
        raise Invalid("This event says nothing that could be compared.")
    if len(match.where) >= MOST:
        raise Invalid(f"An event takes {MOST} conditions at most.")
    return _where(journey, step_id, path, [*_dumped(match), _fresh(fields[0])])


def remove_condition(journey: Journey, step_id: str, index: int, *, path: int = NONE) -> Journey:
    match = _match(journey, step_id, path)
    _at(match, index)
    return _where(journey, step_id, path, [c for n, c in enumerate(_dumped(match)) if n != index])


def set_join(journey: Journey, step_id: str, join: Literal["all", "any"], *, path: int = NONE) -> Journey:
    return _with(journey, step_id, path, {**_match(journey, step_id, path).model_dump(), "join": join})


def change_condition(
    journey: Journey, step_id: str, index: int, part: str, value: str, *, path: int = NONE
) -> Journey:
    """Change one part of a row: `name` (the property), `op` or `value`, as typed."""
    match = _match(journey, step_id, path)
    condition = _at(match, index)
    field = field_of(match.type, value if part == "name" else condition.property)
    rows = _dumped(match)
    match part:
        case "name" if field is not None:
            rows[index] = _fresh(field)
        case "op":
            many = (value in MANY) is (condition.op in MANY)
            rows[index] |= {"op": value, "value": condition.value if many else _blank(value)}
        case "value":
            rows[index] |= {"value": _typed(value, condition.op, field)}
        case _:
            raise Invalid("That part of the condition no longer exists.")
    return _where(journey, step_id, path, rows)


def _fresh(field: EventField) -> dict[str, Any]:
    op = field.operators[0]
    first: Scalar | list[Scalar] = True if field.kind == "bool" else _blank(op)
    return {"property": field.name, "op": op, "value": first}


def _blank(op: str) -> Scalar | list[Scalar]:
    return [] if op in MANY else ""


def _typed(value: str, op: str, field: EventField | None) -> Scalar | list[Scalar]:
    """What was typed, as the property's kind; half-typed values stay text for the check to name."""
    kind = field.kind if field else "text"
    if op in MANY:
        return [_one(part.strip(), kind) for part in value.split(",") if part.strip()]
    return _one(value, kind)


def _one(value: str, kind: str) -> Scalar:
    if kind == "bool":
        return value == "true"
    if kind != "number":
        return value[:300]
    try:
        number = float(value)
    except ValueError:
        return value[:300]
    if not isfinite(number):
        return value[:300]
    return int(number) if number.is_integer() else number


def _named(journey: Journey, step_id: str, path: int) -> EventMatch | None:
    match find(journey, step_id):
        case Entry(event=event) | WaitEvent(event=event) if path == NONE:
            return event
        case Branch(paths=paths) if 0 <= path < len(paths):
            return paths[path].event
    raise Invalid("This step does not look at an event.")


def _match(journey: Journey, step_id: str, path: int) -> EventMatch:
    event = _named(journey, step_id, path)
    if event is None:
        raise Invalid("Choose the event first.")
    return event


def _at(match: EventMatch, index: int) -> EventCondition:
    if not 0 <= index < len(match.where):
        raise Invalid("That condition no longer exists.")
    return match.where[index]


def _dumped(match: EventMatch) -> list[dict[str, Any]]:
    return [c.model_dump() for c in match.where]


def _where(journey: Journey, step_id: str, path: int, rows: list[dict[str, Any]]) -> Journey:
    return _with(journey, step_id, path, {**_match(journey, step_id, path).model_dump(), "where": rows})


def _with(journey: Journey, step_id: str, path: int, event: dict[str, Any]) -> Journey:
    try:
        changed = EventMatch.model_validate(event).model_dump()
    except ValidationError as error:
        raise Invalid("That does not fit this condition; nothing was changed.") from error
    return set_field(journey, step_id, "event" if path == NONE else f"paths.{path}.event", changed)
