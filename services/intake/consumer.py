"""The bus consumer: validate, de-duplicate, route; nothing it meets can stop it (D4, D17)."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from services.contracts.events import SOURCES, HubMessageEvent
from services.intake.contracts import Rejected, Understood
from services.intake.rules import read
from services.intake.service import handle, handle_statuses
from services.kit.actor import system
from services.kit.bus import Bus, Consumer, Received
from services.kit.errors import AppError
from services.kit.live import notify
from services.kit.uow import UnitOfWork

log = structlog.get_logger("intake")
GROUP = "campaign-manager"
AWAY = (OperationalError, InterfaceError, RedisError, OSError, TimeoutError)
"""A server cannot be reached, or two transactions met: nothing is wrong with the event."""
INBOUND_SOURCES = (*SOURCES, "other")


@dataclass
class Intake:
    """Reads every inbound stream. Several may run: events about one contact are serialised by
    that contact's lock, not by the order of readers."""

    uow: UnitOfWork
    bus: Bus
    name: str
    seen: Counter[str] = field(default_factory=Counter)
    _practices: frozenset[UUID] = frozenset()

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.bus, GROUP, self.name, INBOUND_SOURCES)

    async def prepare(self) -> None:
        await self.consumer.prepare()

    async def run_once(self, *, block_ms: int = 0) -> int:
        """Take in what is there (waiting up to `block_ms`); returns how many entries."""
        entries = await self.consumer.read(block_ms=block_ms)
        await self.take(entries)
        return len(entries)

    async def reclaim_once(self) -> int:
        """Take over what a crashed reader left unacknowledged."""
        entries = await self.consumer.reclaim()
        await self.take(entries)
        return len(entries)

    async def drain(self) -> int:
        total = 0
        while taken := await self.run_once():
            total += taken
        return total

    async def take(self, entries: list[Received]) -> None:
        """Handle entries in order; runs of Hub statuses of one practice go together."""
        run: list[Understood] = []
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
            together = isinstance(understood.data, HubMessageEvent)
            if run and not (together and _alike(run[-1], understood)):
                await self._statuses(run)
                run = []
            if together:
                run.append(understood)
            else:
                await self._one(understood)
        if run:
            await self._statuses(run)
        for practice in touched:
            await notify(self.bus, practice, "metrics")
            await notify(self.bus, practice, "people")

    async def _one(self, understood: Understood) -> None:
        try:
            async with self.uow(system(understood.event.practiceid, "intake")) as u:
                outcome = await handle(u, understood)
        except AWAY:
            raise  # leave the entry unacknowledged, try again
        except Exception as error:  # whatever one event does, those behind it are handled
            log.exception("event not handled", type=understood.event.type, event_id=understood.event.id)
            await self._reject(Rejected(understood.received, f"Could not be handled: {_why(error)}"))
            return
        self.seen[outcome] += 1
        await self.consumer.ack([understood.received])

    async def _statuses(self, run: list[Understood]) -> None:
        try:
            async with self.uow(system(run[0].event.practiceid, "intake")) as u:
                new = await handle_statuses(u, run)
        except AWAY:
            raise
        except Exception:  # noqa: BLE001 - handled again below, each with its own outcome
            for understood in run:  # one of them is wrong: find it, the rest carries on
                await self._one(understood)
            return
        self.seen["handled"] += new
        self.seen["duplicate"] += len(run) - new
        await self.consumer.ack([understood.received for understood in run])

    async def _reject(self, rejected: Rejected) -> None:
        self.seen["rejected"] += 1
        log.warning("event rejected", stream=rejected.received.stream, reason=rejected.reason)
        await self.bus.dead_letter(rejected.received, rejected.reason, self.uow.clock.now())
        await self.consumer.ack([rejected.received])

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


def _alike(a: Understood, b: Understood) -> bool:
    return a.event.practiceid == b.event.practiceid and a.event.source == b.event.source


async def practice_ids(uow: UnitOfWork) -> list[UUID]:
    """Every practice, by the one function that may look across them."""
    async with uow.engine.connect() as connection:
        return list((await connection.execute(text("SELECT cm.practice_ids()"))).scalars())
