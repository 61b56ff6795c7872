"""Signs of life: every process says every few seconds that it is there, and what it has counted.

Both go to the bus's server under a key that runs out by itself, so that one place (the portal's `/metrics` and
status page) knows of every process on every machine, and a dead one is missed within seconds.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version

import orjson
import structlog
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from services.kit.bus import STREAM, Bus
from services.kit.clock import Clock
from services.kit.metrics import REGISTRY

log = structlog.get_logger("vitals")
KEY = "cm:vitals:"
EVERY = 5.0
GONE_AFTER = 20
"""Seconds without a sign after which a process counts as gone."""


@dataclass(frozen=True, slots=True)
class Vital:
    """One process: what it is for, where it runs, since when, when it was last heard, and its numbers."""

    process: str
    instance: str
    version: str
    started_at: datetime
    seen_at: datetime
    numbers: str


@asynccontextmanager
async def alive(bus: Bus, clock: Clock, process: str, *, every: float = EVERY) -> AsyncIterator[None]:
    """Give signs of life while inside; wrap a process's main loop in it."""
    instance = f"{socket.gethostname()}-{os.getpid()}"
    started = clock.now()
    task = asyncio.create_task(_beat(bus, clock, process, instance, started, every))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def give_sign(bus: Bus, clock: Clock, process: str, instance: str, started: datetime) -> None:
    """One sign of life."""
    sign = Vital(
        process,
        instance,
        version("campaign-manager"),
        started,
        clock.now(),
        generate_latest(REGISTRY).decode(),
    )
    await bus.redis.set(f"{KEY}{process}:{instance}", orjson.dumps(asdict(sign)), ex=GONE_AFTER)


async def signs(bus: Bus) -> list[Vital]:
    """Every process that is alive, by name."""
    keys = [key async for key in bus.redis.scan_iter(match=KEY + "*", count=500)]
    found = await bus.redis.mget(keys) if keys else []
    read = [orjson.loads(one) for one in found if one is not None]
    times = ("started_at", "seen_at")
    vitals = [Vital(**{**one, **{name: datetime.fromisoformat(one[name]) for name in times}}) for one in read]
    return sorted(vitals, key=lambda v: (v.process, v.instance))


@dataclass(frozen=True, slots=True)
class Queue:
    """Events on a stream that a group of readers has not finished with."""

    group: str
    stream: str
    waiting: int


async def queues(bus: Bus) -> list[Queue]:
    """Every stream of the bus and each group that reads it."""
    found = []
    async for key in bus.redis.scan_iter(match=STREAM + "*", count=500, _type="stream"):
        for group in await bus.redis.xinfo_groups(key):
            waiting = int(group["pending"]) + int(group.get("lag") or 0)
            found.append(Queue(group["name"].decode(), key.decode().removeprefix(STREAM), waiting))
    return sorted(found, key=lambda q: (q.group, q.stream))


def exposition(vitals: Iterable[Vital], waiting: Iterable[Queue]) -> bytes:
    """The numbers of all processes in Prometheus' text form, each labelled with whose it is."""
    registry = CollectorRegistry()
    registry.register(_Everybody(list(vitals), list(waiting)))
    return generate_latest(registry)


class _Everybody(Collector):
    def __init__(self, vitals: list[Vital], waiting: list[Queue]) -> None:
        self.vitals, self.waiting = vitals, waiting

    def collect(self) -> Iterable[Metric]:
        up = Metric("cm_process_up", "Processes that gave a sign of life in the last 20 seconds.", "gauge")
        lag = Metric("cm_stream_waiting", "Events on a stream that a group has not acknowledged.", "gauge")
        for queue in self.waiting:
            lag.add_sample(lag.name, {"group": queue.group, "stream": queue.stream}, queue.waiting)
        families = {up.name: up, lag.name: lag}
        for vital in self.vitals:
            mine = {"process": vital.process, "instance": vital.instance}
            up.add_sample(up.name, {**mine, "version": vital.version}, 1.0)
            for family in text_string_to_metric_families(vital.numbers):
                merged = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    merged.add_sample(sample.name, {**sample.labels, **mine}, sample.value)
        return families.values()


async def _beat(bus: Bus, clock: Clock, process: str, instance: str, started: datetime, every: float) -> None:
    while True:
        try:
            await give_sign(bus, clock, process, instance, started)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("no sign of life could be given", error=type(error).__name__)
        await asyncio.sleep(every)
