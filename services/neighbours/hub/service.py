"""The Hub's own use cases: reporting what became of messages, closing and reopening channels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.contracts.events import HubMessageEvent
from services.contracts.journey import CHANNELS
from services.kit.actor import system
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.crypto import Keyring
from services.kit.outbox import Relay
from services.kit.settings import Settings
from services.kit.uow import Unit, UnitOfWork
from services.neighbours.hub import queries
from services.neighbours.hub.contracts import Adapters, Practice, Report


@dataclass(frozen=True)
class Hub:
    """Everything the Hub needs, wired once a process (role `cm_hub`)."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    bus: Bus
    uow: UnitOfWork
    relay: Relay
    adapters: Adapters

    async def practices(self) -> list[UUID]:
        """Every practice of this database."""
        async with AsyncSession(self.uow.engine) as session:
            return list((await session.execute(text(queries.PRACTICES))).scalars())

    def unit(self, practice_id: UUID) -> Any:
        """One transaction of the Hub itself in a practice."""
        return self.uow(system(practice_id, "hub"))


def rows(values: Iterable[dict[str, Any]]) -> str:
    """Rows as the one JSON value that the set-based statements take."""
    return orjson.dumps(list(values)).decode()


async def report(u: Unit, reports: Sequence[Report]) -> None:
    """Put `hub.message.*` events in the outbox of this transaction, in the given order."""
    if not reports:
        return
    events = [
        {
            "type": f"hub.message.{r.status}",
            "contact_id": r.contact_id,
            "dispatch_id": r.dispatch_id,
            "traceparent": r.traceparent,
            "data": HubMessageEvent(
                dispatch_id=r.dispatch_id,
                contact_id=r.contact_id,
                practice_id=u.practice_id,
                campaign_id=r.campaign_id,
                channel=r.channel,
                test=r.test,
                **r.more,
            ).model_dump(mode="json", exclude_none=True),
        }
        for r in reports
    ]
    await u.execute(queries.REPORT, practice=u.practice_id, now=u.now, rows=rows(events))


@dataclass(frozen=True, slots=True)
class Closing:
    """What a person no longer wants. `channel` None: every channel. `topic`: one, or all."""

    contact_id: UUID
    channel: str | None
    topic: str
    reason: str
    at: datetime


async def close(u: Unit, closings: Sequence[Closing]) -> bool:
    """Close channels or topics for good; True if any of it was open before.

    Locks the contacts' waiting messages first, so that nothing decided at this moment slips by,
    then lets the sender look at them again at once.
    """
    if not closings:
        return False
    contacts = list({c.contact_id for c in closings})
    await u.execute(queries.LOCK_CONTACT, practice=u.practice_id, contacts=contacts)
    latest: dict[tuple[UUID, str, str], Closing] = {}
    for closing in sorted(closings, key=lambda c: c.at):
        for channel in [closing.channel] if closing.channel else CHANNELS:
            latest[closing.contact_id, channel, closing.topic] = closing
    values = [
        {"contact_id": contact, "channel": channel, "topic": topic, "reason": c.reason, "at": c.at}
        for (contact, channel, topic), c in latest.items()
    ]
    answer = await u.execute(queries.CLOSE, practice=u.practice_id, rows=rows(values))
    fresh = any(answer.scalars())
    await u.execute(queries.RECONSIDER, practice=u.practice_id, contacts=contacts, now=u.now)
    return fresh


async def reopen(u: Unit, grants: Sequence[Closing]) -> None:
    """A consent given after a closing lifts it on that channel. A topic a person chose to stop
    stays stopped."""
    values = [
        {"contact_id": g.contact_id, "channel": channel, "at": g.at}
        for g in grants
        for channel in ([g.channel] if g.channel else CHANNELS)
    ]
    if values:
        await u.execute(queries.REOPEN, practice=u.practice_id, rows=rows(values))


async def inherit(u: Unit, merges: Sequence[tuple[UUID, UUID]]) -> None:
    """(who lives on, who was merged into them): what the second had closed is closed for the first."""
    for survivor, merged in merges:  # in order: one may be merged into the next
        values = rows([{"contact_id": survivor, "merged_id": merged}])
        await u.execute(queries.LOCK_CONTACT, practice=u.practice_id, contacts=[survivor])
        await u.execute(queries.INHERIT, practice=u.practice_id, rows=values)


async def practice_of(u: Unit) -> Practice:
    """The practice as its platform knows it."""
    found = (await u.execute(queries.PRACTICE, practice=u.practice_id)).mappings().one()
    return Practice(**cast(dict[str, Any], dict(found)))
