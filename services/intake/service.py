"""Events in waves, a transaction each: remember them, suppress, end, move and enrol as they demand.

Order inside the transaction: suppression first, then what waits for the event, then entries. So a
booking ends journeys before it could start one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any
from uuid import UUID

import orjson

from services.access.contracts import PracticeSettings
from services.access.service import practice_settings
from services.audit.append import record, write_noted
from services.audit.tags import AuditTag
from services.contracts.events import (
    ContactErased,
    ContactMerged,
    EventData,
    HubMessageEvent,
    LoyaltyHandoff,
    contact_of,
)
from services.engine.claim import BY_INDEX
from services.engine.executions import heard_of
from services.engine.handoffs import take_handoff
from services.engine.signals import enter_on_event, signal
from services.insights.service import record_conversions
from services.intake.contracts import Outcome, Understood
from services.intake.hub_status import Status, apply_statuses
from services.intake.notice_board import take_down
from services.intake.rules import only_a_number
from services.kit.together import side_by_side
from services.kit.uow import Unit
from services.suppression.handlers import suppress
from services.suppression.merging import about_survivor, merged_among
from services.suppression.service import lock_contacts

REMEMBER = """
INSERT INTO cm.inbound_event (practice_id, source, event_id, type, contact_id, occurred_at, received_at, outcome, data)
SELECT :practice, t.source, t.id, t.type, t.contact, t.occurred, :now, t.outcome, t.data
FROM json_to_recordset(CAST(:rows AS json)) AS t(source text, id text, type text, contact uuid, occurred timestamptz,
  outcome text, data jsonb)
ON CONFLICT DO NOTHING RETURNING source, event_id
"""
IGNORED = """
UPDATE cm.inbound_event SET outcome = 'ignored' WHERE practice_id = :practice AND source = :source AND event_id = :id
"""
FUTURE = timedelta(minutes=5)
"""A sender's clock may run ahead by this much; what claims to be later is taken as this late."""
LATE = timedelta(days=30)
"""What happened longer ago suppresses and ends, but starts no journey."""
CONVERSIONS = {
    "appointment.booked": "booking",
    "pipeline.opportunity.converted": "revenue",
    "pipeline.opportunity.won_future_potential": "opportunity",
    "proposal.accepted": "revenue",
}


@dataclass(frozen=True)
class Taken:
    """One event on its way in: about the record that lives on, with the moment it counts for."""

    understood: Understood
    data: EventData | None
    contact: UUID | None
    at: datetime

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The data as journeys match it: JSON values, with what the contract adds."""
        return {} if self.data is None else self.data.model_dump(mode="json")

    @property
    def type(self) -> str:
        return self.understood.event.type

    @property
    def key(self) -> tuple[str, str]:
        return self.understood.event.source, self.understood.event.id

    @property
    def status(self) -> bool:
        """A report of the Hub that is nothing but a number: it touches no journey, and no lock."""
        return only_a_number(self.understood)


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of each event, in order; None for those of `busy` people, which are not touched."""

    outcomes: list[Outcome | None]

    def busy(self, batch: Sequence[Understood]) -> list[Understood]:
        return [x for x, outcome in zip(batch, self.outcomes, strict=True) if outcome is None]


def by_itself(understood: Understood) -> bool:
    """Events that concern several people or move what others rely on have a transaction of their own."""
    return isinstance(understood.data, ContactMerged | ContactErased | LoyaltyHandoff)


async def handle(u: Unit, understood: Understood) -> Outcome:
    """Take in one event. Idempotent by (source, id): the second time is a `duplicate`."""
    (outcome,) = (await handle_wave(u, [understood])).outcomes
    assert outcome is not None  # nobody is busy for who waits
    return outcome


async def handle_wave(u: Unit, batch: Sequence[Understood], *, wait: bool = True) -> Handled:
    """Take in events of one practice together, as if one after another: of each person one at a time,
    in order, and different people side by side.

    Everybody's locks first. With `wait` they are waited for; without, people whose work a dispatcher
    holds are left alone, and the others do not wait with them. Raises what any of the events raises.
    """
    await u.execute(BY_INDEX)
    taken = await _about_survivors(u, batch)
    if len(taken) == 1 and by_itself(taken[0].understood):
        outcome = await _by_itself(u, taken[0])
        await take_down(u, [taken[0].key])
        return Handled([outcome])
    wanted = {t.contact for t in taken if t.contact is not None and not t.status}
    got = await lock_contacts(u, wanted, wait=wait)
    settings = await practice_settings(u)
    busy = wanted - got
    outcomes: dict[int, Outcome | None] = {
        n: None for n, t in enumerate(taken) if t.contact in busy and not t.status
    }
    waiting = [(n, t) for n, t in enumerate(taken) if n not in outcomes]
    while waiting:
        turn, waiting = _one_each(waiting)
        done = await _turn(u, [t for _, t in turn], settings)
        outcomes |= {n: outcome for (n, _), outcome in zip(turn, done, strict=True)}
    over = [t for n, t in enumerate(taken) if outcomes[n] is not None]
    await take_down(u, [t.key for t in over if t.contact is not None and not t.status])
    return Handled([outcomes[n] for n in range(len(taken))])


async def handle_statuses(u: Unit, batch: Sequence[Understood]) -> int:
    """Take in reports of the Hub together; returns how many were new."""
    return sum(outcome != "duplicate" for outcome in (await handle_wave(u, batch)).outcomes)


async def _about_survivors(u: Unit, batch: Sequence[Understood]) -> list[Taken]:
    named = {c for x in batch if x.data is not None and (c := contact_of(x.data)) is not None}
    merged = await merged_among(u, named) if named else set()
    taken = []
    for x in batch:
        data = x.data
        if data is not None and contact_of(data) in merged:
            data = await about_survivor(u, data)
        # A clock that runs ahead must not reorder a timeline.
        at = min(x.event.time, u.now + FUTURE)
        taken.append(Taken(x, data, contact_of(data) if data is not None else None, at))
    return taken


def _one_each(waiting: list[tuple[int, Taken]]) -> tuple[list[tuple[int, Taken]], list[tuple[int, Taken]]]:
    """The next event of each person, and the rest. Plain statuses go with it while nothing of that
    person's came before them."""
    turn, rest = [], []
    seen: set[UUID] = set()
    for n, t in waiting:
        if t.contact is not None and t.contact in seen:
            rest.append((n, t))
            continue
        turn.append((n, t))
        if t.contact is not None and not t.status:
            seen.add(t.contact)
    return turn, rest


async def _turn(u: Unit, taken: Sequence[Taken], settings: PracticeSettings) -> list[Outcome]:
    fresh = await _remember(u, taken)
    outcomes: list[Outcome] = []
    new: list[Taken] = []
    for t in taken:
        if t.key not in fresh:
            outcomes.append("duplicate")
            continue
        fresh.discard(t.key)  # the bus may deliver one event twice in a batch: the first counts
        outcomes.append(_outcome(u, t))
        new.append(t)
    statuses = [
        Status(t.type.removeprefix("hub.message."), t.at, t.data)
        for t in new
        if isinstance(t.data, HubMessageEvent)
    ]
    await apply_statuses(u, statuses)
    await heard_of(u, [s.data.dispatch_id for s in statuses if s.what in _OF_A_RUN])
    await side_by_side(u, [partial(_one, u, t, settings) for t in new if not t.status])
    await write_noted(u)
    return outcomes


async def _remember(u: Unit, taken: Sequence[Taken]) -> set[tuple[str, str]]:
    rows = [
        {
            "source": t.understood.event.source, "id": t.understood.event.id, "type": t.type,
            "contact": t.contact, "occurred": t.at, "outcome": _outcome(u, t), "data": _kept(t),
        }
        for t in taken
    ]  # fmt: skip
    new = await u.execute(REMEMBER, practice=u.practice_id, now=u.now, rows=orjson.dumps(rows).decode())
    return {(row.source, row.event_id) for row in new}


def _outcome(u: Unit, t: Taken) -> Outcome:
    if t.data is None:
        return "unknown"
    if isinstance(t.data, HubMessageEvent):
        return "handled"
    return "late" if t.at < u.now - LATE else "handled"


def _kept(t: Taken) -> dict[str, Any]:
    """What is kept of an event's data: what its contract declares and no more, so that a neighbour that
    adds names or addresses leaves none with us (D2); of reports of the Hub only their effect."""
    if t.data is None or isinstance(t.data, HubMessageEvent):
        return {}
    return t.plain


async def _one(u: Unit, t: Taken, settings: PracticeSettings) -> None:
    """All that one new event demands; runs side by side with others, of other people."""
    source, event_id = t.key
    if t.data is None:
        await record(u, AuditTag.EVENT_UNKNOWN, type=t.type, event=event_id, source=source)
        return
    await record(u, AuditTag.EVENT_CONSUMED, contact_id=t.contact, type=t.type, event=event_id, source=source)
    if isinstance(t.data, HubMessageEvent):
        await suppress(u, t.type, event_id, t.data, settings, at=t.at)
        await _signal(u, t)
    else:
        await _act(u, t, settings)
    if t.contact is not None and t.at >= u.now - LATE:
        await enter_on_event(u, t.type, t.plain, t.contact)


async def _by_itself(u: Unit, t: Taken) -> Outcome:
    if not await _remember(u, [t]):
        return "duplicate"
    source, event_id = t.key
    assert t.data is not None
    await record(u, AuditTag.EVENT_CONSUMED, contact_id=t.contact, type=t.type, event=event_id, source=source)
    await _act(u, t, await practice_settings(u))
    outcome = _outcome(u, t)
    if t.contact is None or outcome != "handled":
        return outcome
    if isinstance(t.data, LoyaltyHandoff):
        if await take_handoff(u, t.type, t.data):
            return outcome
        await u.execute(IGNORED, practice=u.practice_id, source=source, id=event_id)
        return "ignored"
    await enter_on_event(u, t.type, t.plain, t.contact)
    return outcome


_OF_A_RUN = frozenset({"delivered", "failed", "bounced"})


async def _act(u: Unit, t: Taken, settings: PracticeSettings) -> None:
    _, event_id = t.key
    assert t.data is not None
    if t.contact is not None and t.type in CONVERSIONS:
        await record_conversions(
            u,
            t.contact,
            what=CONVERSIONS[t.type],
            event_ref=_reference(t.data, event_id),
            value=float(getattr(t.data, "value", None) or 0),
            at=min(t.at, u.now),
        )
    # Goals and exit events first: they name the better reason when a booking is also the goal.
    await _signal(u, t)
    await suppress(u, t.type, event_id, t.data, settings, at=t.at)


async def _signal(u: Unit, t: Taken) -> None:
    if t.contact is not None:
        await signal(u, t.type, t.plain, t.contact)


def _reference(data: EventData, event_id: str) -> str:
    for name in ("appointment_id", "opportunity_id", "proposal_id"):
        value: Any = getattr(data, name, None)
        if value is not None:
            return f"{name.removesuffix('_id')}:{value}"
    return event_id
