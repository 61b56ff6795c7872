"""What came of a hand-off: states, retries, bounces, and the reports of each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never
from uuid import UUID

from services.kit.uow import Unit
from services.neighbours.hub import queries, rules
from services.neighbours.hub.contracts import Later, Never, Outcome, Outgoing, Report, Sent, Unknown
from services.neighbours.hub.service import Closing, Hub, close, report, rows


async def record_outcomes(
    u: Unit, hub: Hub, messages: Sequence[Outgoing], outcomes: Sequence[Outcome]
) -> None:
    """Move `sending` messages on and report. A hard bounce closes its channel (HUB-4)."""
    attempts = {
        row.dispatch_id: row.attempts
        for row in await u.execute(
            queries.ATTEMPTS, practice=u.practice_id, ids=[m.dispatch_id for m in messages]
        )
    }
    values, reasons, closings = [], {}, []
    for message, outcome in zip(messages, outcomes, strict=True):
        value = _value(u, message, outcome, attempts.get(message.dispatch_id, 0))
        values.append(value)
        reasons[message.dispatch_id] = getattr(outcome, "reason", "")
        if isinstance(outcome, Never) and outcome.address_dead:
            closings.append(Closing(message.contact_id, message.channel, "all", "bounced", u.now))
    finished = await record(u, values, reasons)
    await close(u, closings)
    if hub.settings.simulates_engagement:
        await _plan(u, hub, [m for m in messages if m.dispatch_id in finished])


def _value(u: Unit, message: Outgoing, outcome: Outcome, attempts: int) -> dict[str, Any]:
    value: dict[str, Any] = {"dispatch_id": message.dispatch_id}
    match outcome:
        case Sent(provider_id, delivered):
            return value | {"state": "delivered" if delivered else "sent", "provider_id": provider_id}
        case Later(reason):
            again = rules.retry_at(attempts, u.now)
            return value | {"state": "queued" if again else "failed", "due_at": again, "failure": reason}
        case Never(reason, _):
            return value | {"state": "bounced", "failure": reason}
        case Unknown(reason):
            return value | {"state": "failed", "failure": f"send_unknown: {reason}"}
        case _:
            assert_never(outcome)


async def record(u: Unit, values: Sequence[Mapping[str, Any]], reasons: Mapping[UUID, str]) -> set[UUID]:
    """Write the new states of messages that are still `sending`, report each, and return those
    that were delivered."""
    if not values:
        return set()
    answer = await u.execute(queries.FINISH, practice=u.practice_id, rows=rows(dict(v) for v in values))
    moved = answer.all()
    await report(u, [r for row in moved for r in reports_of(row, reasons.get(row.dispatch_id, ""))])
    return {row.dispatch_id for row in moved if row.state == "delivered"}


def reports_of(row: Any, reason: str) -> Iterator[Report]:
    """What a message's state amounts to, in the words of the contract."""
    went = {"language": row.language, "rendered": row.rendered}
    statuses: dict[str, dict[str, dict[str, Any]]] = {
        "sent": {"sent": went},
        "delivered": {"sent": went, "delivered": {}},
        "bounced": {"bounced": {"permanent": True, "reason": reason}},
        "failed": {"failed": {"permanent": True, "reason": reason}},
        "queued": {},
    }
    for status, fields in statuses[row.state].items():
        yield Report(
            status,
            row.dispatch_id,
            row.contact_id,
            row.campaign_id,
            row.channel,
            row.test,
            row.traceparent,
            fields,
        )


async def _plan(u: Unit, hub: Hub, delivered: Sequence[Outgoing]) -> None:
    """In a demo, decide now what these recipients will do soon."""
    key = hub.keyring.derive("hub.engagement")
    plan = [
        {"dispatch_id": m.dispatch_id, "what": what, "due_at": u.now + after}
        for m in delivered
        if hub.adapters[m.channel].simulated
        for what, after in rules.simulated(key, m.dispatch_id, m.channel, len(m.links)).items()
    ]
    if plan:
        await u.execute(queries.PLAN_SIMULATED, practice=u.practice_id, rows=rows(plan))
