"""The event bus (D4): CloudEvents over Redis Streams, consumer groups, at least once.

One stream a source module. A consumer reads, handles, then acknowledges; what it did not
acknowledge is claimed by the next reader of its group after `stale_ms`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.contracts.envelope import Envelope
from services.kit.telemetry import logger

log = logger("bus")

STREAM = "cm:events:"
DEAD = "cm:dead"
MAXLEN = 1_000_000
DURABLE_MS = 10_000
STALE_MS = 5_000
"""A reader that has not acknowledged an entry for this long is taken for dead and its entries are
taken over. Should it be alive after all, both do the work and the key of the event keeps one."""


@dataclass(frozen=True, slots=True)
class Received:
    """One entry as it came off a stream: `raw` is the untouched JSON, it may be malformed."""

    stream: str
    entry_id: str
    raw: bytes

    @property
    def source(self) -> str:
        return self.stream.removeprefix(STREAM)


class Bus:
    def __init__(self, url: str) -> None:
        # A server that starts again is back within a second: ask again soon, then say it is away.
        self.redis: redis.Redis = redis.from_url(url, retry=Retry(ExponentialBackoff(cap=0.4, base=0.05), 3))

    async def publish(self, source: str, events: Sequence[Envelope]) -> None:
        """Append in order, in one round trip."""
        await self.publish_raw(source, [event.wire() for event in events])

    async def publish_raw(self, source: str, bodies: Sequence[bytes]) -> None:
        """Returns when the bus has them on its disk: only then may the sender forget them. Raises
        RedisError when it has not within `DURABLE_MS`; they may be there then, or not."""
        if not bodies:
            return
        pipe = self.redis.pipeline(transaction=False)
        for body in bodies:
            pipe.xadd(STREAM + source, {"event": body}, maxlen=MAXLEN, approximate=True)
        pipe.execute_command("WAITAOF", 1, 0, DURABLE_MS)
        *added, durable = await pipe.execute(raise_on_error=False)
        for answer in added:
            if isinstance(answer, Exception):
                raise answer
        _check_durable(durable)

    async def dead_letter(self, received: Received, reason: str, at: datetime) -> None:
        """Keep what could not be understood, with why, for replay (D17)."""
        await self.redis.xadd(
            DEAD,
            {
                "event": received.raw,
                "stream": received.stream,
                "entry": received.entry_id,
                "reason": reason,
                "at": at.isoformat(),
            },
        )

    async def close(self) -> None:
        await self.redis.aclose()


class Consumer:
    """Reads for one group. `name` must be stable and unique a process."""

    def __init__(self, bus: Bus, group: str, name: str, sources: Sequence[str]) -> None:
        self.bus, self._redis = bus, bus.redis
        self.group, self.name = group, name
        self.streams = [STREAM + source for source in sources]

    async def prepare(self) -> None:
        """Create the group on every stream; from the start, so that nothing is missed."""
        for stream in self.streams:
            try:
                await self._redis.xgroup_create(stream, self.group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def read(self, *, count: int = 500, block_ms: int = 1_000) -> list[Received]:
        """New entries in stream order; waits up to `block_ms` for the first (0: not at all)."""
        try:
            answer = await self._redis.xreadgroup(
                self.group,
                self.name,
                dict.fromkeys(self.streams, ">"),
                count=count,
                block=block_ms or None,
            )
        except ResponseError as error:
            await self._begin_again(error)
            return await self.read(count=count, block_ms=block_ms)
        return [r for stream, entries in answer or [] for r in _received(stream, entries)]

    async def reclaim(self, *, stale_ms: int = STALE_MS, count: int = 500) -> list[Received]:
        """Entries that a reader of this group took and never acknowledged."""
        found: list[Received] = []
        for stream in self.streams:
            try:
                answer = await self._redis.xautoclaim(
                    stream, self.group, self.name, min_idle_time=stale_ms, count=count
                )
            except ResponseError as error:
                await self._begin_again(error)
                continue
            found += _received(stream, answer[1])
        return found

    async def _begin_again(self, error: ResponseError) -> None:
        """A bus that lost its data has no groups either: make them anew, from the start."""
        if "NOGROUP" not in str(error):
            raise error
        log.warning("the bus lost its groups, reading from the start", group=self.group)
        await self.prepare()

    async def ack(self, entries: Sequence[Received]) -> None:
        by_stream: dict[str, list[str]] = {}
        for entry in entries:
            by_stream.setdefault(entry.stream, []).append(entry.entry_id)
        pipe = self._redis.pipeline(transaction=False)
        for stream, ids in by_stream.items():
            pipe.xack(stream, self.group, *ids)
        if entries:
            await pipe.execute()


def _check_durable(answer: Any) -> None:
    """`WAITAOF` answers how many disks have it. A server that keeps no file, or is too old to be
    asked, cannot promise anything: `cm preflight` says so, and events go on."""
    if isinstance(answer, ResponseError):
        if "WAITAOF" not in str(answer).upper():
            raise answer
        return
    if isinstance(answer, Exception):
        raise answer
    if int(answer[0]) < 1:
        raise RedisTimeoutError("The bus did not write the events to its disk in time.")


def _received(stream: Any, entries: Any) -> list[Received]:
    name = stream.decode() if isinstance(stream, bytes) else str(stream)
    return [
        Received(name, entry_id.decode(), fields.get(b"event", b"") if fields else b"")
        for entry_id, fields in entries
    ]
