"""`cm bench forecast`: ninety days of a journey over a whole practice, next to the gates alone.

A generated practice is multiplied in the database to the size asked for. The limit is asking the
gates once for each message, over the same people, in the same run, and doing nothing else with the answer.
"""

from __future__ import annotations

import asyncio
import pathlib
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from uuid import UUID

import psutil

from cm_app.bench.audience import practice_of
from cm_app.bench.stage import monitor, percentile, private_stage, show
from services.audience.service import members, over_everyone
from services.bootstrap import App
from services.contracts.journey import (
    Branch,
    ChannelContent,
    Entry,
    EventMatch,
    Exit,
    Journey,
    Message,
    Path,
    SendWindow,
    Variant,
    Wait,
    WaitEvent,
    WaitFor,
    WaitUntilWindow,
)
from services.contracts.segment import Audience, Condition
from services.engine.plan import Plan
from services.engine.plans import policy_for
from services.engine.reach import NOBODY
from services.forecast.contracts import Forecast
from services.forecast.parts import parts_for
from services.forecast.service import forecast
from services.gates.service import breakdown
from services.kit.actor import Actor
from services.kit.ids import new_id
from services.kit.settings import Settings

DAYS = 90
DAY = 60 * 24


@dataclass(frozen=True)
class Figures:
    """Seconds of one forecast, in so many parts at once; the limit is the gates alone for as many messages, as
    a preview asks them. `processor`: what the database worked for it, whatever else the machine did."""

    contacts: int
    days: int
    steps: int
    parts: int
    messages: int
    entered: int
    requested: int
    refused: int
    p50_s: float
    worst_s: float
    processor_s: float
    gates_p50_s: float
    gates_processor_s: float
    ratio: float


def main(contacts: int = 100_000, runs: int = 5) -> Figures:
    """Run on private servers in a temporary folder; print a table and one JSON line."""
    with private_stage() as stage:
        figures = asyncio.run(
            _measure(stage.app(), stage.config, stage.database_url, stage.redis_url, contacts, runs)
        )
    rows = [(name.replace("_", " "), f"{value:,}") for name, value in asdict(figures).items()]
    show("forecast", f"A forecast of {DAYS} days over {contacts:,} contacts", rows, asdict(figures))
    return figures


async def _measure(
    app: App, config: Settings, database_url: str, redis_url: str, contacts: int, runs: int
) -> Figures:
    with monitor() as progress:
        practice = await practice_of(app, config, database_url, redis_url, contacts, progress)
        bar = progress.add_task("Forecasting", total=runs)
        actor, journey = Actor(practice, "bench", frozenset({"read"})), a_journey()
        taken, alone = [], []
        for _ in range(runs + 1):  # the first warms the cache and does not count
            with _timed(config.home, taken):
                async with app.uow(actor) as u:
                    found = await forecast(u, new_id(), journey, days=DAYS)
            with _timed(config.home, alone):
                await _gates(app, actor, journey)
            progress.advance(bar)
        async with app.uow(actor) as u:
            parts = await parts_for(u, Plan.of(journey))
    await app.close()
    return _figures(contacts, journey, found, parts, taken[1:], alone[1:])


@contextmanager
def _timed(home: pathlib.Path, taken: list[tuple[float, float]]) -> Iterator[None]:
    """Adds the seconds that went by and those the database's processes worked."""
    begun, worked = time.perf_counter(), _worked(home)
    yield
    taken.append((time.perf_counter() - begun, _worked(home) - worked))


def _worked(home: pathlib.Path) -> float:
    """Processor seconds of the database so far, of its sessions that have ended too."""
    (pid,) = home.rglob("postmaster.pid")
    server = psutil.Process(int(pid.read_text().split()[0]))
    ended = server.cpu_times()
    living = [child.cpu_times() for child in server.children()]
    return sum(t.user + t.system for t in living) + ended.children_user + ended.children_system


async def _gates(app: App, actor: Actor, journey: Journey) -> None:
    """The production gates asked about the whole audience, once a message."""
    async with app.uow(actor) as u:
        source = await members(u, journey.audience)
        for step in journey.steps:
            if isinstance(step, Message):
                policy = await policy_for(u, UUID(int=1), NOBODY, Plan.of(journey), step)
                own = {k: v for k, v in source.params.items() if k not in policy.params()}
                async with over_everyone(u):
                    await breakdown(u, source.sql, own, policy)


def _figures(
    contacts: int,
    journey: Journey,
    found: Forecast,
    parts: int,
    taken: list[tuple[float, float]],
    alone: list[tuple[float, float]],
) -> Figures:
    seconds = [wall for wall, _ in taken]
    middle, limit = statistics.median(seconds), statistics.median(wall for wall, _ in alone)
    return Figures(
        contacts, DAYS, len(journey.steps), parts, sum(step.kind == "message" for step in journey.steps),
        found.entered, found.requested, found.refused.total(),
        round(middle, 2), round(percentile(seconds, 1.0), 2), round(statistics.median(work for _, work in taken), 2),
        round(limit, 2), round(statistics.median(work for _, work in alone), 2), round(middle / limit, 2),
    )  # fmt: skip


def a_journey() -> Journey:
    """A quarter of reminders as a practice writes them: three messages, answers waited for, office hours."""
    content = {
        channel: ChannelContent(subject="Hello", body="Hello")
        for channel in ("in_app", "email", "sms", "whatsapp")
    }
    office = SendWindow()

    def say(name: str, to: str) -> Message:
        return Message(
            id=name,
            channels=["in_app", "email", "sms"],
            variants=[Variant(content=content)],
            window=office,
            next=to,
        )

    kinds = ["patient", "lead", "partner"]
    return Journey(
        campaign_type="reactivation",
        audience=Audience(kinds=kinds, include=[Condition(field="contact.kind", op="in", value=kinds)]),
        steps=[
            Entry(id="entry", next="office"),
            Wait(id="office", until=WaitUntilWindow(window=office), next="first"),
            say("first", "opens"),
            WaitEvent(
                id="opens", event=EventMatch(type="hub.message.opened"), timeout_minutes=7 * DAY,
                on_event="fork", on_timeout="fork",
            ),
            Branch(
                id="fork",
                paths=[Path(label="Lately here", when=Condition(field="appointment.last_attended", op="within_last_days", value=180), next="month")],
                otherwise="second",
            ),
            say("second", "month"),
            Wait(id="month", until=WaitFor(minutes=30 * DAY), next="third"),
            say("third", "later"),
            Wait(id="later", until=WaitFor(minutes=30 * DAY), next="end"),
            Exit(id="end"),
        ],
    )  # fmt: skip
