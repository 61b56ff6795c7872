"""`cm bench audience`: counts of twelve segments over a large practice group, next to SQL by hand.

A generated practice is multiplied in the database to the size asked for. Every segment is counted
several times as the application's own role under row-level security; the hand-written statement
runs right after it, on the same server, and has to find the same number.
"""

from __future__ import annotations

import asyncio
import math
import platform
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import create_engine, text

from cm_app.bench.audience_cases import CASES, Case
from services.audience.service import count, over_everyone
from services.bootstrap import App, bootstrap
from services.kit.actor import system
from services.kit.clock import SystemClock
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import start_servers
from services.kit.provision import provision
from services.kit.settings import Settings
from services.kit.uow import Unit
from services.neighbours.platform.generator.service import generate

BASE = 50_000
ZONE = "Europe/London"
CHILDREN = ("consent", "appointment", "opportunity", "proposal", "engagement", "loyalty", "care_plan")


@dataclass(frozen=True)
class Timed:
    """One segment: people found, seconds of every run, compiled and by hand."""

    name: str
    people: int
    by_hand_people: int
    compiled: list[float]
    by_hand: list[float]


def main(contacts: int = 1_000_000, runs: int = 7) -> None:
    """Run on private servers in a temporary folder; print a table and one JSON line."""
    with tempfile.TemporaryDirectory(prefix="cmb", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        config = Settings(home=home)
        servers = start_servers(home)
        try:
            provision(owner(servers.database_url), load_keyring(config))
            results = asyncio.run(_measure(config, servers.database_url, servers.redis_url, contacts, runs))
        finally:
            servers.stop()
    _show(contacts, results)


async def _measure(
    config: Settings, database_url: str, redis_url: str, contacts: int, runs: int
) -> list[Timed]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        app = bootstrap(config=config, clock=SystemClock(), database_url=database_url, redis_url=redis_url)
        practice = await practice_of(app, config, database_url, redis_url, contacts, progress)
        bar = progress.add_task("Counting segments", total=len(CASES))
        results = []
        for case in CASES:
            results.append(await _time(app, practice, case, runs))
            progress.advance(bar)
        await app.close()
    return results


async def practice_of(
    app: App, config: Settings, database_url: str, redis_url: str, contacts: int, progress: Progress
) -> UUID:
    """A generated practice, multiplied in the database to so many contacts."""
    base = min(BASE, contacts)
    making = progress.add_task("Making people and their history", total=base)
    platform_app = bootstrap(
        config=config, clock=app.clock, database_url=database_url, redis_url=redis_url, role="cm_platform"
    )
    practice = await generate(
        platform_app.uow,
        contacts=base,
        seed=1,
        now=app.clock.now(),
        progress=lambda _, done, __: progress.update(making, completed=done),
    )
    await platform_app.close()
    copies = math.ceil(contacts / base)
    copying = progress.add_task("Multiplying them", total=copies - 1)
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = {"practice": practice, "zone": ZONE, "now": app.clock.now()}
        connection.execute(
            text(
                "INSERT INTO cm.practice (practice_id, label, timezone, created_at) VALUES (:practice, 'Bench', :zone, :now)"
            ),
            known,
        )
        copier = _copies(connection)
        for number in range(1, copies):
            for sql in copier:
                connection.execute(text(sql), {"copy": number, "practice": practice})
            progress.advance(copying)
        connection.exec_driver_sql("SELECT cm.note_practices()")  # as each start of the product does
        connection.exec_driver_sql("VACUUM (ANALYZE)")
        connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()
    return practice


def _copies(connection: Any) -> list[str]:
    """Statements that add one more copy of the base practice; ids keep the time they start with."""
    statements = []
    for table in ("contact", *CHILDREN):
        connection.exec_driver_sql(f"CREATE TEMP TABLE base_{table} AS SELECT * FROM canonical.{table}")
        names = [
            row[0]
            for row in connection.execute(
                text(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'canonical'"
                    " AND table_name = :t AND is_generated = 'NEVER' ORDER BY ordinal_position"
                ),
                {"t": table},
            )
        ]
        renewed = {"contact_id", "household_id", f"{table}_id"}
        picked = [
            f"(left({n}::text, 24) || left(md5({n}::text || CAST(:copy AS integer)), 12))::uuid"
            if n in renewed
            else n
            for n in names
        ]
        statements.append(
            f"INSERT INTO canonical.{table} ({', '.join(names)}) SELECT {', '.join(picked)} FROM base_{table}"
            " WHERE practice_id = :practice"
        )
    return statements


async def _time(app: App, practice: UUID, case: Case, runs: int) -> Timed:
    compiled: list[float] = []
    by_hand: list[float] = []
    people = hand_people = 0
    for _ in range(runs + 1):  # the first warms the cache and does not count
        async with app.uow(system(practice, "bench")) as u:
            begun = time.perf_counter()
            people = await count(u, case.audience)
            compiled.append(time.perf_counter() - begun)
        async with app.uow(system(practice, "bench")) as u:
            begun = time.perf_counter()
            hand_people = await _hand(u, case)
            by_hand.append(time.perf_counter() - begun)
    return Timed(case.name, people, hand_people, compiled[1:], by_hand[1:])


async def _hand(u: Unit, case: Case) -> int:
    moments = _moments(u.now).items()
    wanted = {name: value for name, value in moments if re.search(rf":{name}\b", case.by_hand)}
    async with over_everyone(u):
        found = await u.execute(case.by_hand, practice=u.practice_id, **wanted)
    return int(found.scalar_one())


def _moments(now: datetime) -> dict[str, Any]:
    midnight = now.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {f"d{n}": midnight - timedelta(days=n) for n in (730, 365, 180, 90, 60, 30, 14, 7)}
    return {**days, "tomorrow": midnight + timedelta(days=1), "now": now, "local": midnight.date()}


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] * 1000


def _show(contacts: int, results: list[Timed]) -> None:
    table = Table(title=f"Audience counts over {contacts:,} contacts, milliseconds")
    for name in ("segment", "people", "p50", "p95", "by hand p50", "ratio"):
        table.add_column(name, justify="left" if name == "segment" else "right")
    for one in results:
        p50, hand = statistics.median(one.compiled) * 1000, statistics.median(one.by_hand) * 1000
        same = "" if one.people == one.by_hand_people else f" (by hand {one.by_hand_people:,})"
        table.add_row(
            one.name, f"{one.people:,}{same}", f"{p50:,.0f}", f"{_percentile(one.compiled, 0.95):,.0f}",
            f"{hand:,.0f}", f"{p50 / hand:.2f}",
        )  # fmt: skip
    Console().print(table)
    every = [seconds for one in results for seconds in one.compiled]
    hand = [seconds for one in results for seconds in one.by_hand]
    figures = {
        "bench": "audience",
        "contacts": contacts,
        "segments": len(results),
        "p50_ms": round(_percentile(every, 0.5)),
        "p95_ms": round(_percentile(every, 0.95)),
        "by_hand_p50_ms": round(_percentile(hand, 0.5)),
        "by_hand_p95_ms": round(_percentile(hand, 0.95)),
        "ratio": round(sum(every) / sum(hand), 2),
        "same_answers": all(one.people == one.by_hand_people for one in results),
        "different": [one.name for one in results if one.people != one.by_hand_people],
        "worst_ratio": round(
            max(statistics.median(o.compiled) / statistics.median(o.by_hand) for o in results), 2
        ),
        "machine": {
            "cores": psutil.cpu_count(),
            "python": platform.python_version(),
            "load": round(psutil.getloadavg()[0], 1),
        },
    }
    print(orjson.dumps(figures).decode())
