"""Records what workers and readers do, in the order PostgreSQL knows, as a history to be judged.

Moments are PostgreSQL's own snapshots, never clocks. A transaction counts as committed from the
moment others can see it, and of two snapshots the later sees all that the earlier saw: put in that
order, each tells exactly which transactions were over. An event's transaction is known by the
`xmin` of its row in `cm.inbound_event`, a request's and an entry's by that of its append-only
audit row (an update of the request itself would hide it).

An event's span is taken in two ways:
- `commit`: the one snapshot that its own transaction took as its last act. Whoever holds the locks
  then keeps them until the commit, so a request that this snapshot does not see came later, without
  the slack between commit and acknowledgement. Nothing found this way is nothing in truth.
- `acknowledged`: from before it was published until the bus was told that it is done. This is the
  promise made to others; breaking it is beyond any doubt.
"""

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import text

from services.bootstrap import App
from services.contracts.envelope import Envelope
from services.contracts.events import source_of
from services.intake.consumer import INBOUND_SOURCES, Intake
from services.intake.notices import Notices
from services.kit.actor import Actor, system
from services.kit.bus import Bus, Consumer, Received
from services.kit.uow import Unit, UnitOfWork
from tests.factories.history import Enter, Op, Release, Request, Suppress

SNAPSHOT = "SELECT CAST(pg_current_snapshot() AS text)"
INSIDE = "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint), CAST(pg_current_snapshot() AS text)"
EVENTS = """
SELECT event_id, CAST(contact_id AS text) AS contact, CAST(CAST(xmin AS text) AS bigint) AS xid
FROM cm.inbound_event WHERE practice_id = :practice AND contact_id IS NOT NULL
"""
ENTRIES = """
SELECT CAST(s.contact_id AS text) AS contact, CAST(a.enrolment_id AS text) AS entry, CAST(CAST(a.xmin AS text) AS bigint) AS xid
FROM cm.audit a JOIN cm.subject s USING (practice_id, pseudonym)
WHERE a.practice_id = :practice AND a.tag = 'enrolment.entered'
"""
REQUESTS = """
SELECT CAST(s.contact_id AS text) AS contact, CAST(a.enrolment_id AS text) AS entry, CAST(CAST(a.xmin AS text) AS bigint) AS xid,
  EXISTS (SELECT 1 FROM cm.dispatch d WHERE d.practice_id = a.practice_id AND d.enrolment_id = a.enrolment_id
    AND d.step_id = CAST(a.detail AS jsonb) ->> 'step' AND d.status IN ('requested', 'accepted')) AS stands
FROM cm.audit a JOIN cm.subject s USING (practice_id, pseudonym)
WHERE a.practice_id = :practice AND a.tag = 'step.requested'
"""
By = Literal["commit", "acknowledged"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """PostgreSQL's own words: all below `xmin` are over, none from `xmax` on, nor those `running`."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, words: str) -> "Snapshot":
        xmin, xmax, running = words.split(":")
        return cls(int(xmin), int(xmax), frozenset(map(int, running.split(",") if running else [])))

    @property
    def order(self) -> tuple[int, int, int]:
        """Later snapshots see more: their bounds never fall, and between the same bounds fewer run."""
        return self.xmin, self.xmax, -len(self.running)

    def sees(self, xid: int) -> bool:
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)


@dataclass(frozen=True, slots=True)
class Told:
    """What an event means: suppress, end or release, for the `reason` that it is about."""

    what: Literal["suppress", "release", "enter"]
    reason: str = ""
    ends: bool = False


@dataclass(frozen=True)
class Witnessed(UnitOfWork):
    """Units whose last act is to look around."""

    inside: dict[int, Snapshot] = field(default_factory=dict)

    @asynccontextmanager
    async def __call__(self, actor: Actor, *, now: datetime | None = None) -> AsyncIterator[Unit]:
        async with super().__call__(actor, now=now) as u:
            yield u
            u.before_commit(self._look)

    async def _look(self, u: Unit) -> None:
        xid, words = (await u.execute(INSIDE)).one()
        seen = Snapshot.parse(words)
        # Nobody is told of themselves, and yet they run.
        self.inside[xid] = replace(seen, running=seen.running | {xid}) if xid < seen.xmax else seen


class Telling(Consumer):
    """A consumer that takes little at a time, so that readers race, and says what it acknowledged."""

    def __init__(
        self, instead: Consumer, acknowledged: Callable[[Sequence[str]], Awaitable[None]], most: int
    ) -> None:
        super().__init__(instead.bus, instead.group, instead.name, INBOUND_SOURCES)
        self._acknowledged, self._most = acknowledged, most

    async def read(self, *, count: int = 500, block_ms: int = 1_000) -> list[Received]:
        return await super().read(count=min(count, self._most), block_ms=block_ms)

    async def ack(self, entries: Sequence[Received]) -> None:
        await super().ack(entries)
        await self._acknowledged([orjson.loads(entry.raw)["id"] for entry in entries])


async def _nothing(_: Sequence[str]) -> None:
    """An acknowledgement says that a notice survives the server; in effect it was before."""


class Watched(Notices):
    """A reader of notices that says what is in effect."""

    def __init__(
        self, uow: UnitOfWork, bus: Bus, name: str, told: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        super().__init__(uow, bus, name)
        self._told = told

    async def in_effect(self, entries: Sequence[Received]) -> None:
        await self._told([orjson.loads(entry.raw)["id"] for entry in entries])


@dataclass
class Witness:
    app: App
    practice_id: UUID
    told: dict[str, tuple[Told, float]] = field(default_factory=dict)
    invoked: dict[str, Snapshot] = field(default_factory=dict)
    acknowledged: dict[str, Snapshot] = field(default_factory=dict)
    noticed: dict[str, Snapshot] = field(default_factory=dict)
    """Events by the moment after their notice was put up."""
    moments: list[Snapshot] = field(default_factory=list)
    news: list[asyncio.Event] = field(default_factory=list)
    """Set whenever something was acknowledged: what workers wait for when they have nothing to do."""

    def __post_init__(self) -> None:
        uow = self.app.uow
        self.uow = Witnessed(uow.engine, uow.clock, uow.keyring, uow.schema)

    async def reader(self, name: str, *, most: int = 8) -> Intake:
        """An intake of the product; its units and its acknowledgements are seen."""
        intake = Intake(self.uow, self.app.bus, name)
        intake.consumer = Telling(intake.consumer, self.acknowledge, most)
        await intake.prepare()
        return intake

    async def notices(self, name: str, *, most: int = 8) -> Notices:
        """The product's reader of notices; what it acknowledged is seen."""
        reader = Watched(self.uow, self.app.bus, name, self._noticed)
        reader.consumer = Telling(reader.consumer, _nothing, most)
        await reader.prepare()
        return reader

    async def _noticed(self, ids: Sequence[str]) -> None:
        after = await self.moment()
        self.noticed.update(dict.fromkeys(ids, after))

    async def slipped(self) -> list[tuple[str, str]]:
        """(event, person) of every request that committed after the notice of an event and before
        the event was taken in: nobody may decide about them then."""
        async with self.app.uow(system(self.practice_id, "test")) as u:
            events = (await u.execute(EVENTS, practice=self.practice_id)).all()
            requests = (await u.execute(REQUESTS, practice=self.practice_id)).all()
        made: dict[str, list[int]] = defaultdict(list)
        for row in requests:
            made[row.contact].append(row.xid)
        found = []
        for row in events:
            put_up, taken_in = self.noticed.get(row.event_id), self.uow.inside.get(row.xid)
            if put_up is not None and taken_in is not None:
                late = [x for x in made[row.contact] if taken_in.sees(x) and not put_up.sees(x)]
                found += [(row.event_id, row.contact)] * bool(late)
        return found

    async def publish(self, events: Sequence[tuple[Envelope, Told]]) -> None:
        await self.announce(events)
        for event, _ in events:
            await self.app.bus.publish(source_of(event.type), [event])

    async def announce(self, events: Sequence[tuple[Envelope, Told]]) -> None:
        """From now on these may take effect."""
        before = await self.moment()
        for event, told in events:
            self.told[event.id] = told, event.time.timestamp()
            self.invoked[event.id] = before

    async def moment(self) -> Snapshot:
        """What is over now, as PostgreSQL sees it."""
        async with self.app.uow.engine.connect() as connection:
            snapshot = Snapshot.parse((await connection.execute(text(SNAPSHOT))).scalar_one())
        self.moments.append(snapshot)
        return snapshot

    def waiter(self) -> asyncio.Event:
        self.news.append(asyncio.Event())
        return self.news[-1]

    async def history(self, by: By) -> list[Op]:
        """All that happened; call it when all is done."""
        await self.moment()
        line = Line([*self.moments, *self.uow.inside.values()])
        async with self.app.uow(system(self.practice_id, "test")) as u:
            events = (await u.execute(EVENTS, practice=self.practice_id)).all()
            entries = (await u.execute(ENTRIES, practice=self.practice_id)).all()
            requests = (await u.execute(REQUESTS, practice=self.practice_id)).all()
        lost = self.acknowledged.keys() - {row.event_id for row in events}
        assert not lost, f"acknowledged, and never taken in: {lost}"
        ops = [op for row in events if (op := self._event(line, row, by)) is not None]
        for row in entries:
            # Entered by an event: then it was over with that event, and not a moment later.
            begin, end = line.inside(self.uow.inside.get(row.xid)) or line.commit(row.xid)
            ops.append(Enter(contact=row.contact, begin=begin, end=end, entry=row.entry))
        for row in requests:
            begin, end = line.commit(row.xid)
            ops.append(Request(contact=row.contact, begin=begin, end=end, entry=row.entry, stands=row.stands))
        return ops

    def _event(self, line: "Line", row: Any, by: By) -> Op | None:
        if row.event_id not in self.told:
            return None
        told, at = self.told[row.event_id]
        if by == "commit":
            begin = end = line.place[self.uow.inside[row.xid]]
        else:
            begin = line.place[self.invoked[row.event_id]]
            end = line.place[self.acknowledged[row.event_id]]
        match told.what:
            case "suppress":
                return Suppress(
                    contact=row.contact, begin=begin, end=end, reason=told.reason, ends=told.ends, at=at
                )
            case "release":
                return Release(contact=row.contact, begin=begin, end=end, reason=told.reason, at=at)
            case "enter":
                return None

    async def acknowledge(self, ids: Sequence[str]) -> None:
        """The outside has been told that these are done."""
        after = await self.moment()
        self.acknowledged.update(dict.fromkeys(ids, after))
        self.wake()

    def wake(self) -> None:
        for waiter in self.news:
            waiter.set()


class Line:
    """Every snapshot at its place in the one order they have."""

    def __init__(self, taken: Iterable[Snapshot]) -> None:
        self.ordered = sorted(set(taken), key=lambda s: s.order)
        self.place = {snapshot: n for n, snapshot in enumerate(self.ordered)}

    def inside(self, seen: Snapshot | None) -> tuple[int, int] | None:
        return None if seen is None else (self.place[seen], self.place[seen])

    def commit(self, xid: int) -> tuple[int, int]:
        """After the last snapshot that does not see it, and not after the first that does."""
        first = bisect_right(self.ordered, 0, key=lambda s: int(s.sees(xid)))
        return first - 1, first
