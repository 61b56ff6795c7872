"""Events that could not be understood: kept with the reason, shown, and put back (D17, EVT-4).

What was in such an event is never shown: it may be anything, and anybody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.intake.notice_board import take_down
from services.kit.actor import Actor, system
from services.kit.bus import DEAD, STREAM, Bus
from services.kit.uow import UnitOfWork

SHOWN = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`practice_id` is None when the event does not say whose it is; `source` is the stream
    it came on, `key` the source and the id it gives itself, "" without."""

    letter_id: str
    source: str
    type: str
    reason: str
    at: datetime
    practice_id: UUID | None
    key: tuple[str, str]
    body: bytes


async def dead_letters(
    bus: Bus, *, practice_id: UUID | None = None, limit: int | None = SHOWN
) -> list[DeadLetter]:
    """Newest first. With a practice: its own and those that name nobody; without: all there are."""
    entries = await bus.redis.xrevrange(DEAD, count=limit)
    letters = [_letter(entry_id.decode(), fields) for entry_id, fields in entries]
    return [x for x in letters if practice_id is None or x.practice_id in (None, practice_id)]


async def replay(bus: Bus, ids: Sequence[str], *, practice_id: UUID | None = None) -> list[DeadLetter]:
    """Put letters back on the streams they came from, oldest first; returns those found.

    Put back first and deleted after: a crash between the two repeats one, and consumers are
    idempotent. What still cannot be understood becomes a dead letter again.
    """
    wanted = set(ids)
    letters = [
        x for x in await dead_letters(bus, practice_id=practice_id, limit=None) if x.letter_id in wanted
    ]
    for letter in reversed(letters):
        await bus.publish_raw(letter.source, [letter.body])
        await bus.redis.xdel(DEAD, letter.letter_id)
    return letters


async def replay_for(uow: UnitOfWork, bus: Bus, actor: Actor, ids: Sequence[str]) -> int:
    """Put letters of the actor's practice back. Needs `administer`; returns how many.

    Audited before it happens: nothing is put back that is not on record.
    """
    actor.require("administer")
    wanted = set(ids)
    known = [
        x for x in await dead_letters(bus, practice_id=actor.practice_id, limit=None) if x.letter_id in wanted
    ]
    async with uow(actor) as u:
        for letter in known:
            await record(
                u, AuditTag.EVENT_REPLAYED, reason=letter.reason, type=letter.type, source=letter.source,
                letter=letter.letter_id,
            )  # fmt: skip
    return len(await replay(bus, [x.letter_id for x in known], practice_id=actor.practice_id))


async def replay_everything(uow: UnitOfWork, bus: Bus, practices: Sequence[UUID]) -> int:
    """All of them, for whoever runs the server; on record with each practice that is named."""
    letters = await dead_letters(bus, limit=None)
    for practice_id in practices:
        mine = [x for x in letters if x.practice_id == practice_id]
        if mine:
            async with uow(system(practice_id, "operator")) as u:
                await record(u, AuditTag.EVENT_REPLAYED, letters=len(mine))
    return len(await replay(bus, [x.letter_id for x in letters]))


async def set_aside(uow: UnitOfWork, bus: Bus, actor: Actor, ids: Sequence[str]) -> int:
    """Give letters of the actor's practice up for good. Needs `administer`; returns how many.

    Whoever an event that could not be handled was about has been left alone until now; from here on
    their journeys go on as if it had never come. So it is on record, with the reason it failed for.
    """
    actor.require("administer")
    wanted = set(ids)
    letters = await dead_letters(bus, practice_id=actor.practice_id, limit=None)
    known = [x for x in letters if x.letter_id in wanted]
    async with uow(actor) as u:
        for letter in known:
            await record(
                u, AuditTag.EVENT_SET_ASIDE, reason=letter.reason, type=letter.type, source=letter.source,
                letter=letter.letter_id,
            )  # fmt: skip
            await take_down(u, [letter.key])
    for letter in known:
        await bus.redis.xdel(DEAD, letter.letter_id)
    return len(known)


def _letter(letter_id: str, fields: dict[bytes, bytes]) -> DeadLetter:
    body = fields.get(b"event", b"")
    type, practice_id, key = _named(body)
    return DeadLetter(
        letter_id=letter_id,
        source=fields.get(b"stream", b"").decode(errors="replace").removeprefix(STREAM),
        type=type,
        reason=fields.get(b"reason", b"").decode(errors="replace")[:300],
        at=datetime.fromisoformat(fields[b"at"].decode()),
        practice_id=practice_id,
        key=key,
        body=body,
    )


def _named(body: bytes) -> tuple[str, UUID | None, tuple[str, str]]:
    """What an unreadable event says about itself: its type, its practice, its source and id, if any."""
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "not readable", None, ("", "")
    if not isinstance(event, dict):
        return "not an event", None, ("", "")
    try:
        practice_id = UUID(str(event.get("practiceid")))
    except ValueError:
        practice_id = None
    return (
        str(event.get("type", "?"))[:120],
        practice_id,
        (str(event.get("source", "")), str(event.get("id", ""))),
    )
