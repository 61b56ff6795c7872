"""Notices: whoever something has come in about is left alone until it has been taken in (SUP-1).

Taking an event in is much work: journeys, suppressions, numbers, audit. While many come, the last of
them wait, and nobody knows yet what they mean. So they are read twice. This reader puts up one row
a person, in a transaction that does nothing else; the dispatcher passes over people with a notice,
and what it holds at that moment it finishes first. From that commit on the event is in effect: the
worst it can do to somebody is to be believed. The transaction that takes the event in takes the
notice down.

An event that could not be handled keeps its notice: marketing to that person stays off until the
event is put back or set aside for good (`services.intake.dead_letters`). Without this reader
everything works as before, only later.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.events import contact_of
from services.intake.consumer import INBOUND_SOURCES, practice_ids
from services.intake.contracts import Understood
from services.intake.notice_board import Notice, put_up, put_up_at_once
from services.intake.rules import only_a_number, read
from services.kit.actor import system
from services.kit.bus import Bus, Consumer, Received
from services.kit.loops import AWAY
from services.kit.uow import UnitOfWork

log = structlog.get_logger("notices")
GROUP = "campaign-manager-notices"
WRITTEN = text("SELECT pg_logical_emit_message(false, 'cm.notices', '', true)")
"""A word in the log, and everything before it, on the disk when this returns. A commit that has written nothing
would not wait."""
ASIDE = 8
"""Lots of busy people that are waited for at the same time, each on its own connection."""


@dataclass
class Notices:
    """Reads every inbound stream beside the intake, in a group of its own. Several may run."""

    uow: UnitOfWork
    bus: Bus
    name: str
    _practices: frozenset[UUID] = frozenset()
    _aside: set["asyncio.Task[None]"] = field(default_factory=set)
    _connection: AsyncConnection | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unproven: list[tuple[UUID, list[tuple[Received, Notice]]]] = field(default_factory=list)
    """In effect, and not known to survive the server: acknowledged by `prove`."""
    _doubt: bool = False
    """The server was away: what is unproven may be gone with it."""

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.bus, GROUP, self.name, INBOUND_SOURCES)

    async def prepare(self) -> None:
        await self.consumer.prepare()

    async def run_once(self, *, block_ms: int = 0) -> int:
        """Put up what is there (waiting up to `block_ms`) and see it through; returns how many entries."""
        taken = await self.step(block_ms=block_ms)
        await self.settle()
        await self.prove()
        return taken

    async def step(self, *, block_ms: int = 0) -> int:
        """The same, but people whose work is held may still be waited for: `settle` sees to them."""
        if self._doubt:
            again, self._unproven, self._doubt = self._unproven, [], False
            for practice, news in again:
                await self._put_up(practice, news)
        entries = await self.consumer.read(block_ms=block_ms)
        await self._take(entries)
        return len(entries)

    async def reclaim_once(self) -> int:
        """Take over what a crashed reader left."""
        entries = await self.consumer.reclaim()
        await self._take(entries)
        await self.settle()
        await self.prove()
        return len(entries)

    async def prove(self) -> int:
        """Acknowledge what is on the server's disk; returns how many entries.

        A notice does not wait for the disk: everybody sees it once it is committed. This does wait.
        """
        waiting, self._unproven = self._unproven, []
        entries = [entry for _, news in waiting for entry, _ in news]
        if not entries:
            return 0
        try:
            async with self.uow.engine.connect() as connection:
                at_once = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await at_once.execute(WRITTEN)
            await self.consumer.ack(entries)
        except BaseException:
            self._unproven, self._doubt = [*waiting, *self._unproven], True
            raise
        return len(entries)

    async def in_effect(self, entries: Sequence[Received]) -> None:
        """From here on nobody decides about whom these are about, until they have been taken in."""

    async def settle(self) -> None:
        """Wait for those put aside. Raises what became of them."""
        while self._aside:
            tasks, self._aside = self._aside, set()
            await asyncio.gather(*tasks)

    async def _take(self, entries: Sequence[Received]) -> None:
        by_practice: dict[UUID, list[tuple[Received, Notice]]] = defaultdict(list)
        nothing: list[Received] = []
        for entry in entries:
            understood = read(entry)
            found = _notice(understood) if isinstance(understood, Understood) else None
            if found is None or not await self._known(found[0]):
                nothing.append(entry)  # what cannot be read is the intake's to say
            else:
                by_practice[found[0]].append((entry, found[1]))
        await self.consumer.ack(nothing)
        for practice, news in by_practice.items():
            await self._put_up(practice, news)

    async def _put_up(self, practice: UUID, news: list[tuple[Received, Notice]]) -> None:
        left_out = await self._at_once(practice, [notice for _, notice in news])
        put_up = [one for one in news if one[1] not in left_out]
        self._unproven.append((practice, put_up))
        await self.in_effect([entry for entry, _ in put_up])
        if not left_out:
            return
        while len(self._aside) >= ASIDE:
            await asyncio.wait(self._aside, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in self._aside if task.done()]:
                self._aside.discard(task)
                task.result()
        held = [(entry, notice) for entry, notice in news if notice in left_out]
        self._aside.add(asyncio.create_task(self._later(practice, held)))

    async def _at_once(self, practice: UUID, notices: Sequence[Notice]) -> set[Notice]:
        """One round trip for all who can be had without waiting; returns those left out."""
        try:
            async with self._turn:
                if self._connection is None:
                    connection = await self.uow.engine.connect()
                    self._connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
                return await put_up_at_once(self._connection, practice, notices, self.uow.clock.now())
        except AWAY:
            self._doubt = True
            await self._disconnect()
            raise
        except DBAPIError:
            await self._disconnect()
            return set(notices)  # an id that no database takes: which of them, each is asked alone

    async def _later(self, practice: UUID, held: list[tuple[Received, Notice]]) -> None:
        await self._one_by_one(practice, [notice for _, notice in held])
        entries = [entry for entry, _ in held]
        await self.in_effect(entries)
        await self.consumer.ack(entries)

    async def _one_by_one(self, practice: UUID, notices: Sequence[Notice]) -> None:
        """Wait for whoever holds these people. What is wrong with one does not concern the others."""
        try:
            async with self.uow(system(practice, "notices")) as u:
                await put_up(u, notices)
        except AWAY:
            raise
        except DBAPIError:
            if len(notices) > 1:
                for one in notices:
                    await self._one_by_one(practice, [one])
            else:
                log.warning("no notice", practice=str(practice))  # the intake says what is wrong with it

    async def close(self) -> None:
        """See through what is under way, and let the connection go."""
        await self.settle()
        await self.prove()
        await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _known(self, practice: UUID) -> bool:
        if practice not in self._practices:
            self._practices = frozenset(await practice_ids(self.uow))
        return practice in self._practices


def _notice(understood: Understood) -> tuple[UUID, Notice] | None:
    """With its practice. None for what says nothing about anybody's marketing, or about nobody known."""
    contact = None if understood.data is None else contact_of(understood.data)
    if contact is None or only_a_number(understood):
        return None
    event = understood.event
    return event.practiceid, Notice(event.source, event.id, contact)
