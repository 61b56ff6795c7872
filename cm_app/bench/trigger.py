"""`cm bench trigger`: from an event to the message it asks for, and from a planned time to the start.

One engine worker, as `cm up` starts it, does everything: intake, enrolment, dispatch, outbox and
relay. Both ends are the bus's own times: the milliseconds in the id of the event's entry, and in the
id of the entry with its `campaign.step.requested`. The limit is how long a bare entry takes from
one stream to another through a reader that does nothing else, in the same run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID

import orjson

from cm_app.bench.stage import (
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
from services.contracts.envelope import envelope
from services.contracts.journey import Entry, EventMatch
from services.kit.bus import STREAM
from services.kit.ids import new_id

WORKER = "trigger-worker"
EVENT = "proposal.stalled"
AHEAD = 3.0
"""Seconds from now to the planned start."""
SCHEDULED = """
INSERT INTO cm.approval (practice_id, approval_id, campaign_id, version_id, content_hash, state, activate_at,
  audience_count, requested_by, requested_at, decided_by, decided_at)
SELECT practice_id, uuidv7(), campaign_id, active_version_id, '-', 'approved', :at, :people, created_by, created_at, created_by, created_at
FROM cm.campaign WHERE campaign_id = :campaign
"""


@dataclass(frozen=True)
class Figures:
    """Latencies in milliseconds, from event accepted to request published; `start_ms` from the
    planned time to the first request of the planned campaign."""

    events: int
    offered_per_second: float
    requested: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    start_ms: float
    bare_p50_ms: float
    ratio: float


class Missing(RuntimeError):
    """An event did not lead to its request in time: there are no figures."""


def main(rate: int = 50, seconds: int = 60) -> Figures:
    """Run on private servers in a temporary folder; print a table and one JSON line."""
    with private_stage() as stage:
        figures = asyncio.run(measure(stage, rate, seconds))
    _show(figures)
    return figures


async def measure(stage: Stage, rate: int, seconds: int) -> Figures:
    number = rate * seconds
    # One in twenty has no consent and gets no message: they are left out of the events.
    practice, everybody = people(stage, number + number // 19 + 20)
    willing = [c for n, c in enumerate(everybody, 1) if n % 20][:number]
    entry = Entry(id="entry", how="event", event=EventMatch(type=EVENT), next="m0")
    campaign(stage, practice, messages(1, entry=entry), kind="event")
    planned = campaign(stage, practice, messages(1), kind="scheduled", state="scheduled")
    stage.settle()
    app = stage.app()
    with monitor() as progress:
        step = progress.add_task("Events to requests", total=number)
        bare = await _bare(app)
        with stage.processes([["cm_app.workers", "engine"]], WORKER) as running:

            def check() -> None:
                alive(stage, running, WORKER)

            await _ready(app, check)
            seen: dict[str, float] = {}
            listening = asyncio.create_task(_listen(app, seen))
            begun = time.perf_counter()
            accepted = await _publish(app, practice, willing, rate)
            offered = number / (time.perf_counter() - begun)
            # Each person's, and the campaign's own first.
            await _wait(lambda: len(seen) > number, check, lambda: progress.update(step, completed=len(seen)))
            progress.add_task("Planned start", total=None)
            start = await _planned(app, stage, planned, len(everybody), seen, check)
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
    await app.close()
    waits = [seen[str(contact)] - at for contact, at in accepted.items()]
    p50 = percentile(waits, 0.5)
    return Figures(
        events=number, offered_per_second=offered, requested=len(waits), p50_ms=p50,
        p99_ms=percentile(waits, 0.99), worst_ms=max(waits), start_ms=start, bare_p50_ms=bare,
        ratio=p50 / max(bare, 0.001),
    )  # fmt: skip


async def _publish(app: App, practice: UUID, contacts: list[UUID], rate: int) -> dict[UUID, float]:
    """One event a person, by the clock; returns when the bus took each, in its milliseconds."""
    accepted: dict[UUID, float] = {}
    begun = time.perf_counter()
    for nth, contact in enumerate(contacts):
        await asyncio.sleep(max(0.0, begun + nth / rate - time.perf_counter()))
        body = envelope(
            id=new_id(), source="proposals", type=EVENT, time=app.clock.now(), practice_id=practice,
            data={"proposal_id": str(new_id()), "patient_id": str(contact), "practice_id": str(practice)},
        )  # fmt: skip
        accepted[contact] = _ms(await app.bus.redis.xadd(f"{STREAM}proposals", {"event": body.wire()}))
    return accepted


async def _listen(app: App, seen: dict[str, float]) -> None:
    """When the bus took each person's first request; a planned campaign's under its own name."""
    last: bytes | str = "0"
    while True:
        for _, entries in (
            await app.bus.redis.xread({f"{STREAM}campaigns": last}, count=1_000, block=200) or []
        ):
            for entry, fields in entries:
                last = entry
                event = orjson.loads(fields[b"event"])
                if event["type"] == "campaign.step.requested":
                    seen.setdefault(event["data"]["contact_id"], _ms(entry))
                    seen.setdefault(event["data"]["campaign_id"], _ms(entry))


async def _planned(
    app: App,
    stage: Stage,
    campaign_id: UUID,
    audience: int,
    seen: dict[str, float],
    check: Callable[[], None],
) -> float:
    """Milliseconds from the planned time to the first request of that campaign."""
    at = app.clock.now() + timedelta(seconds=AHEAD)
    stage.run(
        SCHEDULED,
        "UPDATE cm.campaign SET scheduled_at = :at, activated_at = NULL, active_version_id = NULL"
        " WHERE campaign_id = :campaign",
        at=at, campaign=campaign_id, people=audience,
    )  # fmt: skip
    await _wait(lambda: str(campaign_id) in seen, check)
    return seen[str(campaign_id)] - at.timestamp() * 1000


async def _bare(app: App, number: int = 200) -> float:
    """Median milliseconds of an entry read from one stream and written to another, nothing else."""
    bus, waits = app.bus.redis, []
    for _ in range(number):
        begun = time.perf_counter()
        entry = await bus.xadd("bench:in", {"event": b"{}"})
        await bus.xread({"bench:in": b"0"}, count=1)
        await bus.xadd("bench:out", {"event": b"{}"})
        await bus.xdel("bench:in", entry)
        waits.append((time.perf_counter() - begun) * 1000)
    await bus.delete("bench:in", "bench:out")
    return percentile(waits, 0.5)


async def _ready(app: App, check: Callable[[], None]) -> None:
    while True:
        check()
        if await app.bus.redis.exists(f"{STREAM}proposals"):
            groups = await app.bus.redis.xinfo_groups(f"{STREAM}proposals")
            if any(group["consumers"] for group in groups):
                return
        await asyncio.sleep(0.05)


async def _wait(
    true: Callable[[], bool], check: Callable[[], None], beat: Callable[[], None] = lambda: None
) -> None:
    for _ in range(1_200):
        if true():
            return
        check()
        beat()
        await asyncio.sleep(0.05)
    raise Missing("After a minute some events have led to no request.")


def _ms(entry: bytes) -> float:
    return float(entry.split(b"-")[0])


def _show(f: Figures) -> None:
    show(
        "trigger",
        "From an event to its message's request",
        [
            ("events", f"{f.events:,} at {f.offered_per_second:,.0f} a second"),
            ("event accepted to request published, p50 / p99 / worst", f"{f.p50_ms:.0f} / {f.p99_ms:.0f} / {f.worst_ms:.0f} ms"),
            ("planned time to first request", f"{f.start_ms:.0f} ms"),
            ("bare entry from stream to stream, p50", f"{f.bare_p50_ms:.1f} ms"),
            ("ratio to bare", f"{f.ratio:.0f}"),
        ],
        asdict(f),
    )  # fmt: skip
