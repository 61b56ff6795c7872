"""`cm bench intake`: how many events a second come in, and how soon a suppression holds.

The processes of production: an intake takes everything in through the streams. First flat out with
nothing else to do; then at a steady rate while two workers dispatch flat out and a relay publishes.

- *Accepted* is when the bus took the event: the milliseconds in its entry's id, by the bus's clock.
- *Effective* is when nobody decides about the person any more: the notice of the event had been
  committed, or the event taken in, whichever came first. *Taken in* is when the handler's own
  transaction had been. The workers note the time on the line after. All clocks are this machine's.
- A *violation* is a request that PostgreSQL committed after the suppression of the same person was
  effective, by the commit times that the server itself keeps.

Its limit, measured in the same run: the same rows of `inbound_event` inserted one by one, each its
own commit, by as many connections of the same driver, and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from cm_app.bench.intake_events import HISTORY, SOURCES, SUPPRESSING, events
from cm_app.bench.stage import (
    WORKERS,
    Stage,
    alive,
    campaign,
    messages,
    monitor,
    people,
    percentile,
    private_stage,
    show,
)
from services.bootstrap import App
from services.contracts.envelope import Envelope
from services.intake.consumer import GROUP
from services.kit.bus import STREAM
from services.kit.chance import seeded
from services.kit.db import owner

STEPS = 40
"""Messages one after another for everybody: due work for as long as the measurement lasts."""
TICK = 0.01
WORKER = "worker"
READERS = ("notices", "intake")
OTHERS = [["cm_app.workers", "journeys"]] * WORKERS + [["cm_app.workers", "relay"]]
"""Beside the intake: those who dispatch, and who publishes what they request."""

EFFECTIVE = (
    "CREATE TABLE IF NOT EXISTS bench_effective (contact_id uuid PRIMARY KEY, at timestamptz NOT NULL)",
    "INSERT INTO bench_effective SELECT t.contact, to_timestamp(t.ms / 1000) FROM json_to_recordset(CAST(:rows AS json))"
    " AS t(contact uuid, ms double precision)",
    "ANALYZE bench_effective",
)
VIOLATIONS = """
SELECT count(*) FROM bench_effective e
JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = e.contact_id
JOIN cm.audit a ON a.practice_id = :practice AND a.pseudonym = s.pseudonym AND a.tag = 'step.requested'
WHERE pg_xact_commit_timestamp(a.xmin) > e.at
"""
HANDLED = "SELECT count(*) FROM cm.inbound_event WHERE practice_id = :practice AND outcome = 'handled'"
STANDING = """
SELECT count(*) FROM cm.inbound_event i
JOIN cm.dispatch d ON d.practice_id = i.practice_id AND d.contact_id = i.contact_id AND d.status IN ('requested', 'accepted')
WHERE i.practice_id = :practice AND i.type = ANY (:types)
"""


Placed = dict[str, tuple[str, str | None]]
"""`stream id` → type and person."""


class Unfinished(RuntimeError):
    """Not everything that was published was handled."""


@dataclass(frozen=True)
class Figures:
    """Rates are a second, latencies milliseconds from accepted to effective (`p50_ms`, `p99_ms`,
    `worst_ms`) and to taken in. `standing` counts requests of suppressed people that were not taken back."""

    rows: int
    flat_out_events: int
    flat_out_per_second: float
    raw_per_second: float
    ratio: float
    offered_per_second: float
    events: int
    suppressions: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    taken_in_p50_ms: float
    taken_in_p99_ms: float
    dispatched_per_minute: float
    violations: int
    standing: int


def main(rate: int = 1_000, seconds: int = 60, rows: int = 300_000) -> Figures:
    """Run on private servers in a temporary folder; print a table and one JSON line."""
    with private_stage(database=["track_commit_timestamp = on"]) as stage:
        figures = asyncio.run(measure(stage, rate, seconds, rows))
    _show(figures)
    return figures


async def measure(stage: Stage, rate: int, seconds: int, rows: int) -> Figures:
    """Both phases and the limit. Needs `track_commit_timestamp`; people suffice for one event each."""
    steady = rate * seconds
    flat = max(100, min(20_000, steady // 3))
    with monitor() as progress:
        step = progress.add_task("Making people and due work", total=None)
        practice, everybody = people(stage, max(rows, steady + flat))
        sending = campaign(stage, practice, messages(STEPS), due="m0", state="paused")
        history = campaign(stage, practice, messages(1), state="completed")
        sent = {
            row.contact_id: row.dispatch_id
            for row in _write(stage, HISTORY, practice=practice, campaign=history)
        }
        stage.settle()
        app = stage.app()
        # Anybody, not one after another: those who are next in line are next for the dispatchers, too.
        anybody = seeded("bench.intake").sample(everybody, len(everybody))
        stream = events(practice, history, anybody, sent, app.clock)
        notes = {part: stage.config.home / f"{part}.json" for part in READERS}
        readers = [["cm_app.bench.intake_worker", part, str(path)] for part, path in notes.items()]
        commands = [*readers, *OTHERS]
        with stage.processes(commands, WORKER) as running:

            def check() -> None:
                alive(stage, running, WORKER)

            progress.update(step, description="Taking in, flat out", total=flat)
            await _ready(app, check)
            flat_ids = await _publish(app, list(islice(stream, flat)))
            await _taken(app, check)
            progress.update(step, completed=flat)
            step = progress.add_task("Taking in, while dispatching", total=steady)
            stage.run("UPDATE cm.campaign SET state = 'active' WHERE campaign_id = :c", c=sending)
            await _until(lambda: _dispatched(stage, sending) > 0, check)
            before, begun = _dispatched(stage, sending), time.perf_counter()
            steady_ids = await _steadily(app, stream, rate, steady, lambda n: progress.advance(step, n))
            offered = steady / (time.perf_counter() - begun)
            requested = _dispatched(stage, sending) - before
            minutes = (time.perf_counter() - begun) / 60
            await _taken(app, check)
            stage.run("UPDATE cm.campaign SET state = 'paused' WHERE campaign_id = :c", c=sending)
        await app.close()
        progress.add_task("Counting violations, measuring the limit", total=None)
        put_up, noted = (orjson.loads(path.read_bytes()) for path in notes.values())
        effective = {key: min(at, put_up.get(key, at)) for key, at in noted.items()}
        suppressed = {k: who for k, (type, who) in (flat_ids | steady_ids).items() if type in SUPPRESSING}
        rows_of = [{"contact": who, "ms": effective[k]} for k, who in suppressed.items()]
        stage.run(*EFFECTIVE, rows=orjson.dumps(rows_of).decode())
        violations, standing = judge(stage, practice)
        handled = stage.ask(HANDLED, practice=practice)[0][0]
        if handled != flat + steady:
            raise Unfinished(f"{flat + steady:,} events went in and {handled:,} were handled: no figures.")
        raw = await _raw(stage, flat)
    flat_out = flat / ((max(noted[k] for k in flat_ids) - min(_accepted(k) for k in flat_ids)) / 1000)
    steadily = suppressed.keys() & steady_ids.keys()
    waits, whole = ([at[k] - _accepted(k) for k in steadily] for at in (effective, noted))
    return Figures(
        rows=len(everybody), flat_out_events=flat, flat_out_per_second=flat_out, raw_per_second=raw,
        ratio=flat_out / raw, offered_per_second=offered, events=steady, suppressions=len(waits),
        p50_ms=percentile(waits, 0.5), p99_ms=percentile(waits, 0.99), worst_ms=max(waits),
        taken_in_p50_ms=percentile(whole, 0.5), taken_in_p99_ms=percentile(whole, 0.99),
        dispatched_per_minute=requested / minutes, violations=violations, standing=standing,
    )  # fmt: skip


def judge(stage: Stage, practice: UUID) -> tuple[int, int]:
    """Requests committed after a suppression of the same person, and requests that still stand."""
    late = stage.ask(VIOLATIONS, practice=practice)[0][0]
    return late, stage.ask(STANDING, practice=practice, types=list(SUPPRESSING))[0][0]


def _accepted(key: str) -> float:
    """Milliseconds, by the bus: an entry's id begins with them."""
    return float(key.split()[1].split("-")[0])


async def _publish(app: App, batch: Sequence[Envelope]) -> Placed:
    """Append to the streams as their modules would."""
    placed: Placed = {}
    for low in range(0, len(batch), 500):
        pipe = app.bus.redis.pipeline(transaction=False)
        part = batch[low : low + 500]
        for event in part:
            pipe.xadd(STREAM + event.source, {"event": event.wire()})
        for event, entry in zip(part, await pipe.execute(), strict=True):
            placed[f"{event.source} {entry.decode()}"] = event.type, event.subject
    return placed


async def _steadily(
    app: App, stream: object, rate: int, total: int, advance: Callable[[int], None]
) -> Placed:
    """Publish by the clock: what is late is caught up, so that a slow moment hides nothing."""
    placed: Placed = {}
    begun = time.perf_counter()
    while len(placed) < total:
        owed = min(total, int((time.perf_counter() - begun) * rate)) - len(placed)
        if owed > 0:
            placed |= await _publish(app, list(islice(stream, owed)))  # type: ignore[call-overload]
            advance(owed)
        await asyncio.sleep(TICK)
    return placed


async def _ready(app: App, check: Callable[[], None]) -> None:
    """The intake reads: it is a consumer of the group once it has asked for the first time."""

    async def reading() -> bool:
        if not await app.bus.redis.exists(STREAM + SOURCES[0]):
            return False
        groups = await app.bus.redis.xinfo_groups(STREAM + SOURCES[0])
        return any(g["name"] == GROUP.encode() and g["consumers"] for g in groups)

    while not await reading():
        check()
        await asyncio.sleep(0.05)


async def _taken(app: App, check: Callable[[], None], *, patience: float = 600.0) -> None:
    """Everything published was acknowledged. Raises TimeoutError when it takes too long."""

    async def left() -> int:
        total = 0
        for source in SOURCES:
            for group in await app.bus.redis.xinfo_groups(STREAM + source):
                if group["name"] == GROUP.encode():
                    total += int(group["lag"] or 0) + int(group["pending"])
        return total

    async with asyncio.timeout(patience):
        while await left():
            check()
            await asyncio.sleep(0.1)


async def _until(true: Callable[[], bool], check: Callable[[], None], *, patience: float = 120.0) -> None:
    async with asyncio.timeout(patience):
        while not true():
            check()
            await asyncio.sleep(0.05)


def _dispatched(stage: Stage, campaign_id: UUID) -> int:
    """The engine's own count, a few rows."""
    counted = "SELECT coalesce(sum(value), 0) FROM cm.metric WHERE campaign_id = :c AND name = 'requested'"
    return int(stage.ask(counted, c=campaign_id)[0][0])


def _write(stage: Stage, sql: str, **values: object) -> list:
    from sqlalchemy import create_engine

    from services.kit.clock import SystemClock

    engine = create_engine(owner(stage.database_url))
    with engine.begin() as connection:
        rows = list(connection.execute(text(sql), {**values, "now": SystemClock().now()}))
    engine.dispose()
    return rows


async def _raw(stage: Stage, number: int) -> float:
    """Rows a second when the same rows are inserted one by one, and nothing else is done."""
    stage.run(
        "DROP TABLE IF EXISTS raw_inbound", "CREATE TABLE raw_inbound (LIKE cm.inbound_event INCLUDING ALL)"
    )
    source = [dict(r._mapping) for r in stage.ask("SELECT * FROM cm.inbound_event LIMIT :n", n=number)]
    for row in source:
        row["data"] = orjson.dumps(row["data"]).decode()
    insert = text(
        f"INSERT INTO raw_inbound ({', '.join(source[0])}) VALUES ({', '.join(':' + c for c in source[0])})"
    )
    engine = create_async_engine(owner(stage.database_url), isolation_level="AUTOCOMMIT", pool_size=WORKERS)

    async def one_by_one(rows: list[dict]) -> None:
        async with engine.connect() as connection:
            for row in rows:
                await connection.execute(insert, row)

    begun = time.perf_counter()
    await asyncio.gather(*(one_by_one(source[n::WORKERS]) for n in range(WORKERS)))
    elapsed = time.perf_counter() - begun
    await engine.dispose()
    return len(source) / elapsed


def _show(f: Figures) -> None:
    show(
        "intake",
        f"Events in: {f.flat_out_events:,} flat out, then {f.events:,} while dispatching",
        [
            ("events a second, flat out", f"{f.flat_out_per_second:,.0f}"),
            ("raw single-row INSERTs a second", f"{f.raw_per_second:,.0f}"),
            ("ratio to raw", f"{f.ratio:.2f}"),
            ("offered a second while dispatching", f"{f.offered_per_second:,.0f}"),
            ("requests a minute meanwhile", f"{f.dispatched_per_minute:,.0f}"),
            ("suppressions", f"{f.suppressions:,}"),
            ("accepted to effective, p50 / p99 / worst", f"{f.p50_ms:.0f} / {f.p99_ms:.0f} / {f.worst_ms:.0f} ms"),
            ("accepted to taken in, p50 / p99", f"{f.taken_in_p50_ms:.0f} / {f.taken_in_p99_ms:.0f} ms"),
            ("requests committed after a suppression was effective", f"{f.violations:,}"),
            ("requests of suppressed people not taken back", f"{f.standing:,}"),
        ],
        asdict(f),
    )  # fmt: skip
