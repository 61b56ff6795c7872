"""From the bus to the endpoints: the fan-out, the deliveries, and forgetting old ones (EVT-6).

The fan-out has its own consumer group, so nothing here can delay the engine; deliveries run one
task an endpoint, so a slow endpoint delays nobody else's. At least once, always with the event's own
id: a crash between sending and recording lets the lease run out, and the event is sent again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.envelope import Envelope
from services.contracts.events import OWN_SOURCE
from services.kit.actor import system
from services.kit.bus import Bus, Consumer, Received
from services.kit.live import notify
from services.kit.practices import practices_with
from services.kit.uow import Unit, UnitOfWork
from services.webhooks import queries
from services.webhooks.contracts import Answer, Due, Target
from services.webhooks.rules import KEPT, STOP_AFTER, next_try, pause_after
from services.webhooks.sending import TIMEOUT, Sender
from services.webhooks.service import place

log = structlog.get_logger("webhooks")
GROUP = "webhooks"
LEASE = timedelta(seconds=2 * TIMEOUT + 10)
"""Longer than any attempt takes, recording included."""
GONE = "It answered 410: it wants no more events."
SILENT = "It accepted nothing for three days."


@dataclass
class FanOut:
    """Queues our own events for the endpoints that asked for their type."""

    uow: UnitOfWork
    bus: Bus
    name: str

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.bus, GROUP, self.name, (OWN_SOURCE,))

    async def prepare(self) -> None:
        await self.consumer.prepare()

    async def run_once(self, *, block_ms: int = 0) -> int:
        """Queue what is on the stream; returns how many entries were read."""
        return await self._take(await self.consumer.read(count=2_000, block_ms=block_ms))

    async def reclaim_once(self) -> int:
        """Take over what a crashed reader left unacknowledged."""
        return await self._take(await self.consumer.reclaim())

    async def _take(self, entries: Sequence[Received]) -> int:
        by_practice: dict[UUID, list[tuple[Envelope, bytes]]] = defaultdict(list)
        for entry in entries:
            event = _read(entry)
            if event is not None:
                by_practice[event.practiceid].append((event, entry.raw))
        for practice_id, events in by_practice.items():
            async with self.uow(system(practice_id, "webhooks")) as u:
                await u.execute(queries.FAN_OUT, practice=practice_id, now=u.now, **_columns(events))
        await self.consumer.ack(entries)
        return len(entries)


@dataclass
class Deliverer:
    """Sends what is due. `start_due` keeps one task an endpoint; `run_once` waits for them."""

    uow: UnitOfWork
    bus: Bus
    sender: Sender
    _busy: dict[UUID, asyncio.Task[int]] = field(default_factory=dict)

    async def run_once(self) -> int:
        """Start what is due and wait for it; returns how many requests were made."""
        await self.start_due()
        return sum(await asyncio.gather(*self._busy.values()))

    async def start_due(self) -> int:
        """Start a task for each endpoint with something due and none running; returns how many."""
        ended = [self._busy.pop(key) for key, task in list(self._busy.items()) if task.done()]
        for task in ended:
            task.result()  # a server was away: raised here, where the worker backs off
        started = 0
        for waiting in await practices_with(self.uow.engine, "deliveries", self.uow.clock.now()):
            practice_id = waiting.practice_id
            async with self.uow(system(practice_id, "webhooks")) as u:
                due = await u.execute(queries.DUE_ENDPOINTS, practice=practice_id, now=u.now)
                ids = [x for x in due.scalars() if x not in self._busy]
            for endpoint_id in ids:
                self._busy[endpoint_id] = asyncio.create_task(self.deliver(practice_id, endpoint_id))
                started += 1
        return started

    async def deliver(self, practice_id: UUID, endpoint_id: UUID) -> int:
        """Send to one endpoint until nothing is due or it fails; returns how many requests."""
        total, well = 0, True
        while well:
            target, due = await self._claim(practice_id, endpoint_id)
            if target is None or not due:
                break
            answers = await asyncio.gather(*(self.sender.post(target, d.event_id, d.body) for d in due))
            well = await self._record(practice_id, endpoint_id, due, answers)
            total += len(due)
        if total:
            await notify(self.bus, practice_id, "webhooks")
        return total

    async def close(self) -> None:
        """Let what is under way end; nothing new is begun."""
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        await self.sender.close()

    async def _claim(self, practice_id: UUID, endpoint_id: UUID) -> tuple[Target | None, list[Due]]:
        where = {"practice": practice_id, "endpoint": endpoint_id}
        async with self.uow(system(practice_id, "webhooks")) as u:
            row = (await u.execute(queries.SECRETS, **where, now=u.now)).one_or_none()
            if row is None:
                return None, []
            failing = (await u.execute(queries.FAILURES, **where)).scalar_one() > 0
            sql = queries.CLAIM_ONE if failing else queries.CLAIM
            rows = await u.execute(sql, **where, now=u.now, lease=u.now + LEASE)
            due = [Due(r.event_id, bytes(r.body), r.attempts) for r in rows]
            secrets = tuple(
                u.keyring.open(bytes(sealed), place=place(endpoint_id)).decode()
                for sealed in (row.secret, row.old_secret)
                if sealed is not None
            )
        return Target(row.url, secrets), due

    async def _record(
        self, practice_id: UUID, endpoint_id: UUID, due: Sequence[Due], answers: Sequence[Answer]
    ) -> bool:
        """Write what became of a batch. Returns whether the endpoint accepted anything."""
        where = {"practice": practice_id, "endpoint": endpoint_id}
        async with self.uow(system(practice_id, "webhooks")) as u:
            await u.execute(queries.RECORD, **where, now=u.now, **_outcomes(due, answers, u.now))
            if any(answer.gone for answer in answers):
                await _stop(u, endpoint_id, GONE)
                return False
            if any(answer.ok for answer in answers):
                await u.execute(queries.WELL, **where, now=u.now)
                return True
            row = (await u.execute(queries.UNWELL, **where, now=u.now)).one_or_none()
            if row is not None and u.now - row.failing_since >= STOP_AFTER:
                await _stop(u, endpoint_id, SILENT)
            elif row is not None:
                await u.execute(queries.QUIET, **where, until=u.now + pause_after(row.failures))
        return False


async def forget_old(u: Unit) -> int:
    """Delete deliveries older than the log keeps; called by the scheduler."""
    done: Any = await u.execute(queries.EXPIRE, practice=u.practice_id, before=u.now - KEPT)
    return int(done.rowcount)


async def _stop(u: Unit, endpoint_id: UUID, why: str) -> None:
    where = {"practice": u.practice_id, "endpoint": endpoint_id}
    if (await u.execute(queries.STOP, **where, why=why)).rowcount:
        await u.execute(queries.PARK, **where, why="The endpoint was stopped.")
        await record(u, AuditTag.WEBHOOK_STOPPED, endpoint=endpoint_id, why=why)
        log.warning("webhook endpoint stopped", endpoint=str(endpoint_id), why=why)


def _read(entry: Received) -> Envelope | None:
    """Our own relay wrote it; what it did not write is nobody's event."""
    try:
        event = Envelope.model_validate_json(entry.raw)
        UUID(event.id)
    except (ValidationError, ValueError):
        log.warning("not an event of ours", entry=entry.entry_id)
        return None
    return event


def _columns(events: Sequence[tuple[Envelope, bytes]]) -> dict[str, list[Any]]:
    return {
        "ids": [UUID(event.id) for event, _ in events],
        "types": [event.type for event, _ in events],
        "contacts": [_uuid(event.subject) for event, _ in events],
        "ats": [event.time for event, _ in events],
        "bodies": [raw for _, raw in events],
    }


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _outcomes(due: Sequence[Due], answers: Sequence[Answer], now: datetime) -> dict[str, list[Any]]:
    tries = [
        None if a.ok else next_try(d.event_id, d.attempt, now) for d, a in zip(due, answers, strict=True)
    ]
    return {
        "ids": [d.event_id for d in due],
        "statuses": [
            "delivered" if a.ok else "waiting" if again else "failed"
            for a, again in zip(answers, tries, strict=True)
        ],
        "codes": [a.code for a in answers],
        "problems": [a.problem for a in answers],
        "dues": tries,
    }
