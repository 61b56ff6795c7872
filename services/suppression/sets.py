"""What suppression asks the database for, for many people at once (house rule 6).

Each function takes a list; the rules in `service` and `handlers` call it with one (see
`services.kit.together`). Within a list every person comes once. The ranks are the order in which a
command needs the answers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from services.audit.append import pseudonyms
from services.followups.rules import JUDGED_AS
from services.gates.reasons import Reason
from services.kit.together import set_based
from services.kit.uow import Unit
from services.suppression import queries
from services.suppression.contracts import HOLDING, Suppress

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Overtake:
    contact: UUID
    types: Sequence[str]
    after: datetime
    key: str | None
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Lift:
    contact: UUID
    reasons: Sequence[Reason]
    record_ref: str | None
    channel: str | None
    event_at: datetime | None
    why: str
    older_only: bool = False
    """What suppressed at the very moment of `event_at` stays."""


@dataclass(frozen=True, slots=True)
class Since:
    contact: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Stop:
    """End these enrolments of a contact, or hold them."""

    ids: Sequence[UUID]
    reason: Reason
    hold: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """What was requested of a contact within a scope, or for these enrolments."""

    within: Suppress
    ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that may be taken back, and the moment of entry by which it is stored."""

    dispatch_id: UUID
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    contact: UUID
    pending: Sequence[Pending]
    reason: Reason


async def lock_contacts(u: Unit, contacts: Iterable[UUID], *, wait: bool = True) -> set[UUID]:
    """Take these contacts until the transaction ends: nobody enrols or dispatches them. Returns whom
    it got; without `wait`, not those whose work somebody holds. The contact's own lock is waited for:
    who has it (a notice, another wave, an entry) has it for one batch at most."""
    locked: dict[UUID, UUID | None] = u.notes.setdefault("locked", {})
    wanted = sorted(set(contacts) - locked.keys())
    if not wanted:
        return set()
    await pseudonyms(u, wanted)
    who = {"practice": u.practice_id, "contacts": wanted}
    rows = await u.execute(queries.LOCK_SUBJECTS, **who)
    had = {row.contact_id: row.pseudonym for row in rows}
    if wait:
        await u.execute(queries.LOCK_WORK, **who)
    elif had:
        for row in await u.execute(queries.BUSY, practice=u.practice_id, contacts=list(had)):
            del had[row.contact_id]
    locked.update(had)
    return set(had)


@set_based(8)
async def lock(u: Unit, contacts: Sequence[UUID]) -> Sequence[None]:
    await lock_contacts(u, contacts)
    return [None] * len(contacts)


@set_based(30)
async def overtaken(u: Unit, asked: Sequence[Overtake]) -> list[bool]:
    rows = await u.execute(queries.OVERTAKEN, practice=u.practice_id, rows=_json(map(asdict, asked)))
    found = set(rows.scalars())
    return [one.contact in found for one in asked]


@set_based(35)
async def opened_since(u: Unit, asked: Sequence[Since]) -> list[set[str]]:
    """Channels that somebody has said yes to after that moment; `all` among them for all."""
    rows = await u.execute(queries.OPENED_SINCE, practice=u.practice_id, rows=_json(map(asdict, asked)))
    return [{row.channel for row in mine} for mine in _of_each([one.contact for one in asked], rows)]


@set_based(40)
async def lift_expired(u: Unit, contacts: Sequence[UUID]) -> list[list[Any]]:
    rows = await u.execute(queries.LIFT_EXPIRED, practice=u.practice_id, contacts=list(contacts), now=u.now)
    return _of_each(contacts, rows)


@set_based(45)
async def insert(u: Unit, commands: Sequence[Suppress]) -> list[bool]:
    """Is each new? Otherwise it is one that holds already, as long as the longer of both."""
    rows = [
        {
            "contact": c.contact_id, "reason": c.reason.value, "scope": c.scope, "channel": c.channel,
            "topic": c.topic, "types": list(c.types) or None, "campaign": c.campaign_id, "goal": c.goal,
            "record_ref": c.record_ref, "event_id": c.event_id, "event_at": c.event_at, "note": c.note,
            "expires": c.expires_at,
        }
        for c in commands
    ]  # fmt: skip
    done = await u.execute(
        queries.INSERT, practice=u.practice_id, by=u.actor.ref, now=u.now, rows=_json(rows)
    )
    fresh = {row.contact_id: row.fresh for row in done}
    return [fresh[c.contact_id] for c in commands]


@set_based(50)
async def affected(u: Unit, contacts: Sequence[UUID]) -> list[list[Any]]:
    rows = await u.execute(queries.AFFECTED, practice=u.practice_id, contacts=list(contacts))
    return _of_each(contacts, rows)


@set_based(60)
async def stop(u: Unit, asked: Sequence[Stop]) -> list[list[Any]]:
    done: dict[UUID, Any] = {}
    for sql, hold in ((queries.HOLD, True), (queries.EXIT, False)):
        reasons = {i: one.reason.value for one in asked if one.hold is hold for i in one.ids}
        if reasons:
            values = {"ids": list(reasons), "reasons": list(reasons.values()), "now": u.now}
            rows = await u.execute(sql, practice=u.practice_id, **values)
            done |= {row.enrolment_id: row for row in rows}
    ids = [i for one in asked for i in one.ids]
    await u.execute(queries.DROP_WORK, practice=u.practice_id, ids=ids)
    return [[done[i] for i in one.ids if i in done] for one in asked]


@set_based(75)
async def requested(u: Unit, asked: Sequence[Recall]) -> list[list[Pending]]:
    """What may still be taken back."""
    rows = [
        {
            "contact": x.within.contact_id, "scope": x.within.scope, "types": list(x.within.types),
            "campaign": x.within.campaign_id, "goal": x.within.goal, "topic": x.within.topic,
            "channel": x.within.channel, "ids": list(x.ids),
        }
        for x in asked
    ]  # fmt: skip
    found = await u.execute(
        queries.PENDING, practice=u.practice_id, now=u.now, judged_as=JUDGED_AS, rows=_json(rows)
    )
    by_contact = _grouped(found, lambda row: row.contact)
    return [
        [Pending(row.dispatch_id, row.enrolled_at) for row in by_contact[x.within.contact_id]] for x in asked
    ]


@set_based(80)
async def cancel(u: Unit, asked: Sequence[Cancel]) -> list[list[Any]]:
    """Out of the outbox, and the requests marked; the rows that changed."""
    what = {
        "practice": u.practice_id,
        "pending": [p.dispatch_id for one in asked for p in one.pending],
        "contacts": [one.contact for one in asked for _ in one.pending],
    }
    unsent = list((await u.execute(queries.UNSENT, **what)).scalars())
    reasons = [one.reason.value for one in asked for _ in one.pending]
    entered = [p.enrolled_at for one in asked for p in one.pending]
    rows = await u.execute(queries.CANCEL, **what, entered=entered, unsent=unsent, reasons=reasons, now=u.now)
    return _of_each([one.contact for one in asked], rows)


@set_based(85)
async def lift(u: Unit, asked: Sequence[Lift]) -> list[list[Any]]:
    rows = await u.execute(
        queries.LIFT, practice=u.practice_id, by=u.actor.ref, now=u.now, rows=_json(map(asdict, asked))
    )
    return _of_each([one.contact for one in asked], rows)


@set_based(90)
async def release(u: Unit, contacts: Sequence[UUID]) -> list[list[Any]]:
    """Let go of enrolments that nothing holds any more."""
    rows = await u.execute(
        queries.RELEASE, practice=u.practice_id, contacts=list(contacts), now=u.now,
        holding=[r.value for r in HOLDING],
    )  # fmt: skip
    return _of_each(contacts, rows)


def _of_each(contacts: Sequence[UUID], rows: Iterable[Any]) -> list[list[Any]]:
    """Rows with a contact_id, as one list a contact."""
    by_contact = _grouped(rows, lambda row: row.contact_id)
    return [by_contact[contact] for contact in contacts]


def _grouped(rows: Iterable[Any], key: Callable[[Any], Key]) -> defaultdict[Key, list[Any]]:
    groups: defaultdict[Key, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _json(rows: Iterable[Any]) -> str:
    return orjson.dumps(list(rows)).decode()
