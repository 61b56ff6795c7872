"""The bus consumer: validate, de-duplicate, route; nothing it meets can stop it (D4, D17)."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from psycopg.errors import DeadlockDetected
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.events import SOURCES, contact_of
from services.intake.contracts import Rejected, Understood
from services.intake.rules import MAX_BYTES, practice_named, read
from services.intake.service import Handled, by_itself, handle_wave
from services.kit.actor import system
from services.kit.bus import Bus, Consumer, Received
from services.kit.errors import AppError
from services.kit.live import notify
from services.kit.loops import AWAY
from services.kit.metrics import EVENT_LAG_SECONDS, EVENTS_IN
from services.kit.tracing import Spans, spans
from services.kit.uow import UnitOfWork

log = structlog.get_logger("intake")
GROUP = "campaign-manager"
INBOUND_SOURCES = (*SOURCES, "other")


WAVE = 200
"""Events in one transaction. More are hardly faster, and the first waits for the last."""
ASIDE = 4
"""Waves whose busy people are waited for at the same time, each on its own connection."""


@dataclass
class Intake:
    """Reads every inbound stream. Several may run: events about one contact are serialised by
    that contact's lock, not by the order of readers."""

    uow: UnitOfWork
    bus: Bus
    name: str
    seen: Counter[str] = field(default_factory=Counter)
    _practices: frozenset[UUID] = frozenset()
    _aside: set["asyncio.Task[None]"] = field(default_factory=set)
    _behind: dict[UUID, list[Understood]] = field(default_factory=dict)
    """People with events put aside, and what came for them since: it waits its turn."""
    _held: set[tuple[str, str]] = field(default_factory=set)
    """Entries under way here: however long they take, this process does not take them over from itself."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.bus, GROUP, self.name, INBOUND_SOURCES)

    async def prepare(self) -> None:
        await self.consumer.prepare()

    async def run_once(self, *, block_ms: int = 0) -> int:
        """Take in what is there (waiting up to `block_ms`) and see it through; returns how many entries."""
        taken = await self.step(block_ms=block_ms)
        await self.settle()
        return taken

    async def step(self, *, block_ms: int = 0) -> int:
        """The same, but people who are busy may still be under way: `settle` waits for them."""
        entries = await self.consumer.read(block_ms=block_ms)
        await self.take(entries)
        return len(entries)

    async def reclaim_once(self) -> int:
        """Take over what a crashed reader left unacknowledged."""
        entries = await self.consumer.reclaim()
        await self.take(entries)
        await self.settle()
        return len(entries)

    async def drain(self) -> int:
        total = 0
        while taken := await self.run_once():
            total += taken
        return total

    async def settle(self) -> None:
        """Wait for those put aside. Raises what became of them: a server that is away."""
        while self._aside:
            tasks, self._aside = self._aside, set()
            await asyncio.gather(*tasks)

    async def take(self, entries: list[Received]) -> None:
        """Handle entries: one wave after another, of one practice each; a person's in their order."""
        new = [entry for entry in entries if _key(entry) not in self._held]
        self._held |= {_key(entry) for entry in new}
        async with self._turn:
            try:
                await self._take(new)
            except BaseException:
                self._held -= {_key(entry) for entry in new}
                raise

    async def _take(self, entries: list[Received]) -> None:
        wave: list[Understood] = []
        touched: set[UUID] = set()
        for entry in entries:
            understood = read(entry)
            if isinstance(understood, Rejected):
                await self._reject(understood)
                continue
            practice = understood.event.practiceid
            if not await self._known(practice):
                await self._reject(Rejected(entry, f"Nobody here knows practice {practice}."))
                continue
            touched.add(practice)
            alone = by_itself(understood)
            if wave and (alone or len(wave) >= WAVE or wave[-1].event.practiceid != practice):
                await self._wave(wave)
                wave = []
            if alone:
                await self.settle()
                await self._together([understood])
            else:
                wave.append(understood)
        if wave:
            await self._wave(wave)
        for practice in touched:
            await notify(self.bus, practice, "metrics")
            await notify(self.bus, practice, "people")

    async def _wave(self, wave: list[Understood]) -> None:
        """Those that are free now; the busy ones on a connection of their own, and nobody waits for them."""
        if len(self._aside) >= ASIDE:
            await asyncio.wait(self._aside, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in self._aside if task.done()]:
            self._aside.discard(task)
            task.result()
        free = [x for x in wave if (who := _who(x)) is None or who not in self._behind]
        for x in wave:
            if (who := _who(x)) is not None and who in self._behind:
                self._behind[who].append(x)
        if busy := await self._together(free, wait=False) if free else []:
            people = {who for x in busy if (who := _who(x)) is not None}
            self._behind |= {who: [] for who in people}
            self._aside.add(asyncio.create_task(self._later(busy, people)))

    async def _later(self, busy: list[Understood], people: set[UUID]) -> None:
        """Wait for whoever holds these people, then handle their events, and what came meanwhile."""
        try:
            while busy:
                await self._together(busy)
                busy = []
                for who in people:
                    busy += self._behind[who]
                    self._behind[who] = []
        finally:
            left = [x for who in people for x in self._behind.pop(who)]
            self._held -= {_key(x.received) for x in (*busy, *left)}

    async def _together(self, wave: list[Understood], *, wait: bool = True) -> list[Understood]:
        """One transaction for all, acknowledged after its commit; returns those of busy people. One
        that is wrong is found by handling each alone, and becomes a dead letter."""
        try:
            handled = await self._committed(wave, wait)
        except AWAY:
            raise  # leave the entries unacknowledged, try again
        except Exception as error:  # whatever one event does, those beside and behind it are handled
            if len(wave) > 1:
                for understood in wave:
                    await self._together([understood])
                return []
            (one,) = wave
            if isinstance(error, DBAPIError):  # its words may repeat the event's
                where = getattr(error.orig, "sqlstate", None)
                log.error("event not handled", type=one.event.type, event_id=one.event.id, sqlstate=where)
            else:
                log.exception("event not handled", type=one.event.type, event_id=one.event.id)
            await self._reject(Rejected(one.received, f"Could not be handled: {_why(error)}"))
            return []
        self.seen.update(outcome for outcome in handled.outcomes if outcome is not None)
        self._count(wave, handled)
        done = [x.received for x, outcome in zip(wave, handled.outcomes, strict=True) if outcome is not None]
        await self._done(done)
        return handled.busy(wave)

    def _count(self, wave: list[Understood], handled: Handled) -> None:
        now = self.uow.clock.now()
        for understood, outcome in zip(wave, handled.outcomes, strict=True):
            if outcome is not None:
                EVENTS_IN.labels(outcome).inc()
                if outcome != "duplicate":
                    EVENT_LAG_SECONDS.observe(max((now - understood.event.time).total_seconds(), 0))

    async def _committed(self, wave: list[Understood], wait: bool) -> Handled:
        """Two waves may count the same two numbers in opposite order: the one that PostgreSQL ends
        begins again, a few times."""
        for attempt in range(1, 4):
            try:
                with spans() as told:
                    async with self.uow(system(wave[0].event.practiceid, "intake")) as u:
                        u.notes["traces"] = _traces(wave, told)
                        return await handle_wave(u, wave, wait=wait)
            except OperationalError as error:
                if not isinstance(error.orig, DeadlockDetected) or attempt == 3:
                    raise
        raise AssertionError("unreachable")

    async def _reject(self, rejected: Rejected) -> None:
        self.seen["rejected"] += 1
        log.warning("event rejected", stream=rejected.received.stream, reason=rejected.reason)
        await self._note(rejected)
        await self.bus.dead_letter(rejected.received, rejected.reason, self.uow.clock.now())
        await self._done([rejected.received])

    async def _note(self, rejected: Rejected) -> None:
        """A dead letter of a practice we know is in its book (000 §8): why, and which, not what it said."""
        practice = practice_named(rejected.received)
        if practice is not None and len(rejected.received.raw) <= MAX_BYTES and await self._known(practice):
            async with self.uow(system(practice, "intake")) as u:
                await record(
                    u, AuditTag.EVENT_REJECTED, source=rejected.received.source,
                    entry=rejected.received.entry_id, why=rejected.reason,
                )  # fmt: skip

    async def _done(self, entries: list[Received]) -> None:
        await self.consumer.ack(entries)
        self._held -= {_key(entry) for entry in entries}

    async def _known(self, practice: UUID) -> bool:
        if practice not in self._practices:
            self._practices = frozenset(await practice_ids(self.uow))
        return practice in self._practices


def _why(error: Exception) -> str:
    """A sentence without the event's values: a database error would repeat them."""
    if isinstance(error, AppError):
        return error.message
    if isinstance(error, DBAPIError):
        return f"the database refused it ({type(error.orig).__name__})."
    return f"it broke the handler ({type(error).__name__}); the log says where."


def _traces(wave: list[Understood], told: Spans) -> dict[UUID, str]:
    """Whose event of this wave is part of which trace: it goes on from there, recorded or not."""
    found: dict[UUID, str] = {}
    for understood in wave:
        event = understood.event
        trace = told.begin(f"take in {event.type}", event.traceparent, source=event.source, event=event.id)
        if trace is not None and (who := _who(understood)) is not None:
            found[who] = trace
    return found


def _key(entry: Received) -> tuple[str, str]:
    return entry.stream, entry.entry_id


def _who(understood: Understood) -> UUID | None:
    return None if understood.data is None else contact_of(understood.data)


async def practice_ids(uow: UnitOfWork) -> list[UUID]:
    """Every practice, by the one function that may look across them."""
    async with uow.engine.connect() as connection:
        return list((await connection.execute(text("SELECT cm.practice_ids()"))).scalars())
