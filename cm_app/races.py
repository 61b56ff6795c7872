"""`cm prove races`: workers against events that suppress, for as many operations as asked.

Every round is a fresh practice on private servers, its events drawn from the round's seed; what
happened is recorded in the order PostgreSQL knows and judged when the round is over. How things
interleave is never twice the same: a seed repeats the events, not the race.
"""

import asyncio
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import psutil
from rich.table import Table

from cm_app.bench.stage import Stage, private_stage
from cm_app.console import counting, problem, screen
from cm_app.prove import find_tests

if TYPE_CHECKING:
    from tests.factories.race import Judged

EVENTS, PEOPLE = 400, 140
"""A round: few people, so that their events, entries and requests meet."""


@dataclass(frozen=True)
class Figures:
    """`operations` are events, entries and requests; `taken_back` of the requests were cancelled."""

    operations: int
    events: int
    entries: int
    requests: int
    taken_back: int
    rounds: int
    first_seed: int
    seconds: float
    violations: int
    invariants_broken: int

    @property
    def holds(self) -> bool:
        return not (self.violations or self.invariants_broken)


def main(operations: int, *, seed: int = 0, events: int = EVENTS, people: int = PEOPLE) -> Figures:
    """Race until so many operations are done or one round does not hold; prints what it found."""
    find_tests()
    begun = time.perf_counter()
    rounds: list[Judged] = []
    with private_stage() as stage, counting("Racing") as bar:
        while (before := sum(r.operations for r in rounds)) < operations:
            number = seed + len(rounds)

            def done(acknowledged: int, number: int = number, before: int = before) -> None:
                bar(f"Round {number}", before + acknowledged, operations)

            rounds.append(asyncio.run(_round(stage, number, events, people, done)))
            if rounds[-1].violations or rounds[-1].invariants:
                break
    figures = _add_up(rounds, seed, time.perf_counter() - begun)
    _show(figures, rounds)
    return figures


async def _round(stage: Stage, seed: int, events: int, people: int, done: Callable[[int], None]) -> "Judged":
    from tests.factories.race import judge, prepare, race

    app = stage.app()
    try:
        practice, contacts = await prepare(app, stage.database_url, people=people)
        return await judge(await race(app, practice, contacts, events=events, seed=seed, done=done))
    finally:
        await app.close()


def _add_up(rounds: "list[Judged]", seed: int, seconds: float) -> Figures:
    def total(name: str) -> int:
        return sum(getattr(judged, name) for judged in rounds)

    return Figures(
        operations=total("operations"),
        events=total("events"),
        entries=total("entries"),
        requests=total("requests"),
        taken_back=total("taken_back"),
        rounds=len(rounds),
        first_seed=seed,
        seconds=round(seconds, 1),
        violations=sum(len(judged.violations) for judged in rounds),
        invariants_broken=sum(len(judged.invariants) for judged in rounds),
    )


def _show(figures: Figures, rounds: "list[Judged]") -> None:
    table = Table("what", title="Workers against what suppresses")
    table.add_column("times", justify="right")
    for name in ("events", "entries", "requests", "taken_back", "violations", "invariants_broken"):
        table.add_row(name.replace("_", " "), f"{getattr(figures, name):,}")
    screen.print(table)
    for judged in rounds:
        for found in (*judged.violations, *judged.invariants):
            problem(str(found))
    per_minute = round(figures.operations / figures.seconds * 60) if figures.seconds else 0
    machine = {"cores": psutil.cpu_count(), "python": platform.python_version()}
    print(
        orjson.dumps(
            {"prove": "races", **vars(figures), "per_minute": per_minute, "machine": machine}
        ).decode()
    )
