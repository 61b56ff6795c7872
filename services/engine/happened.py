"""Did an event come about this person, and what did it say? As SQL, for a branch's path (BLD-2, EVT-3).

The same comparisons as `services.engine.signals.matches` makes of one event in memory; a test holds
the two together. Looked at are the raw events of the last thirty days, for as long as they are kept
(D26).
"""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

from services.contracts.journey import EventCondition, EventMatch
from services.engine.binding import Binding
from services.engine.signals import A_NUMBER, moment_of, number_of

KEPT = timedelta(days=30)

HAPPENED = """EXISTS (SELECT 1 FROM cm.inbound_event v WHERE v.practice_id = :practice AND v.contact_id = k.contact_id
  AND v.received_at > :now - {kept} AND v.type = {type} AND ({said}))"""
A_MOMENT = r"'^\d{4}-\d{2}-\d{2}([T ]|$)'"
WITH_ZONE = r"'(Z|[+-]\d{2}:?\d{2})$'"
SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def happened_sql(match: EventMatch, binding: Binding) -> str:
    """A condition on the claimed person `k`: true when such an event came in the last thirty days."""
    tests = [_holds(condition, binding) for condition in match.where]
    joined = (" OR " if match.join == "any" else " AND ").join(tests) or "true"
    return HAPPENED.format(kept=binding.add(KEPT), type=binding.add(match.type), said=joined)


def _holds(condition: EventCondition, binding: Binding) -> str:
    path = binding.add(condition.property.split("."))
    at = f"(v.data #> CAST({path} AS text[]))"
    wanted = condition.value
    listed = wanted if isinstance(wanted, list) else []
    match condition.op:
        case "is" | "is_not":
            sql = _same(at, wanted, binding)
        case "in" | "not_in":
            sql = " OR ".join(_same(at, one, binding) for one in listed) or "false"
        case "contains" | "not_contains":
            sql = _contains(at, wanted, binding)
        case "gt" | "gte" | "lt" | "lte":
            sql = _ordered(at, SIGNS[condition.op], wanted, binding)
    sure = f"coalesce(({sql}), false)"
    return f"NOT {sure}" if condition.op in ("is_not", "not_in", "not_contains") else sure


def _same(at: str, wanted: Any, binding: Binding) -> str:
    number = number_of(wanted)
    if number is not None:
        return f"{_number(at)} = {_numeric(number, binding)}"
    if isinstance(wanted, bool):
        return f"{at} = CAST({binding.add('true' if wanted else 'false')} AS jsonb)"
    if isinstance(wanted, str):
        return f"jsonb_typeof({at}) = 'string' AND lower({_text(at)}) = lower({_words(wanted, binding)})"
    return "false"


def _contains(at: str, wanted: Any, binding: Binding) -> str:
    if isinstance(wanted, list):
        return "false"
    one = _same("x.one", wanted, binding)
    among = (
        f"EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof({at}) = 'array' THEN {at} ELSE '[]' END)"
        f" AS x(one) WHERE {one})"
    )
    within = f"position(lower({_words(_plain(wanted), binding)}) IN lower({_text(at)})) > 0"
    return f"CASE jsonb_typeof({at}) WHEN 'array' THEN {among} WHEN 'null' THEN false ELSE {within} END"


def _ordered(at: str, sign: str, wanted: Any, binding: Binding) -> str:
    """Numbers as numbers, moments as moments, text as text; nothing else is greater or less."""
    if isinstance(wanted, list | bool):
        return "false"
    number = number_of(wanted)
    if number is not None:
        return f"{_number(at)} {sign} {_numeric(number, binding)}"
    moment = moment_of(wanted)
    if moment is not None:
        return f"{_moment(at)} {sign} CAST({binding.add(moment.astimezone(UTC))} AS timestamptz)"
    text = _words(str(wanted).casefold(), binding)
    return f'jsonb_typeof({at}) = \'string\' AND lower({_text(at)}) COLLATE "C" {sign} {text} COLLATE "C"'


def _text(at: str) -> str:
    return f"({at} #>> '{{}}')"


def _number(at: str) -> str:
    text = _text(at)
    return f"CASE WHEN jsonb_typeof({at}) IN ('number', 'string') AND {text} ~ '^\\s*{A_NUMBER}\\s*$' THEN CAST({text} AS numeric) END"


def _moment(at: str) -> str:
    """A moment without a zone is meant in UTC."""
    text = _text(at)
    return (
        f"CASE WHEN jsonb_typeof({at}) = 'string' AND {text} ~ {A_MOMENT} AND pg_input_is_valid({text}, 'timestamptz')"
        f" THEN CASE WHEN {text} ~ {WITH_ZONE} THEN CAST({text} AS timestamptz)"
        f" ELSE CAST({text} AS timestamp) AT TIME ZONE 'UTC' END END"
    )


def _numeric(number: Decimal, binding: Binding) -> str:
    return f"CAST({binding.add(number)} AS numeric)"


def _words(text: str, binding: Binding) -> str:
    return f"CAST({binding.add(text)} AS text)"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
