"""`cm bench dispatch --minutes N`: the same people due again and again, with and without a long reader.

A reader that keeps its snapshot keeps every dead row of the time since: what was moved can be neither
removed nor skipped for good. The tables of requests and audit are emptied now and then, as relay and
retention do, so that the disk holds: after so many people in both halves of the comparison, and before
each of them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cm_app.bench.dispatch_work import crew, engines
from cm_app.bench.dispatch_world import prepare
from services.bootstrap import App
from services.engine.service import Engine
from services.kit.db import owner

BASELINE = 5.0
"""Minutes without the reader, before it opens; fewer when the run itself is shorter."""
EMPTY_AT = 3_000_000
"""People moved between two clear-outs."""
EMPTY = """
ALTER TABLE cm.audit DISABLE TRIGGER audit_no_truncate;
TRUNCATE cm.outbox, cm.dispatch, cm.refusal, cm.audit;
ALTER TABLE cm.audit ENABLE TRIGGER audit_no_truncate;
"""


async def sustained(
    app: App, database_url: str, *, rows: int, workers: int, minutes: float, reader: bool
) -> dict[str, Any]:
    """Rates in people moved a minute. `slowdown` compares the last half with the reader to the last
    half without; positive is slower."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        seeding = progress.add_task("Preparing", total=1)
        ground = await asyncio.to_thread(prepare, app, database_url, rows, forever=True)
        progress.update(seeding, completed=1)
        crewed = engines(app, workers)
        info = owner(database_url).set(drivername="postgresql").render_as_string(hide_password=False)

        async def run(what: str, length: float) -> list[float]:
            bar = progress.add_task(what, total=length * 60)
            return await _minutes(
                app, info, ground.practice, crewed, length, lambda s: progress.update(bar, completed=s)
            )

        if not reader:
            rates = await run("Without interruption", minutes)
            return {
                "rows": rows,
                "minutes": minutes,
                "steps_per_minute": _steady(rates),
                "each": _round(rates),
            }
        before = await run("Without a reader", min(BASELINE, minutes))
        async with _snapshot(info):
            rates = await run("Beside a long reader", minutes)
    base, beside = _steady(before), _steady(rates)
    return {
        "rows": rows, "minutes": minutes, "steps_per_minute": base, "beside_reader_per_minute": beside,
        "slowdown": round(1 - beside / base, 3), "each_before": _round(before), "each": _round(rates),
    }  # fmt: skip


async def _minutes(
    app: App, info: str, practice: UUID, crewed: list[Engine], minutes: float, show: Callable[[float], None]
) -> list[float]:
    """The rate of each tenth of the time; emptying the tables is in none of them."""
    begun, part, since = time.perf_counter(), minutes * 60 / 10, 0
    await _empty(info)

    async def tenth() -> float:
        nonlocal since
        moved, spent = 0, 0.0
        while spent < part:
            done = await crew(
                app, practice, crewed, partial(_over, part - spent, EMPTY_AT - since),
                advance=lambda _n: show(time.perf_counter() - begun),
            )  # fmt: skip
            moved, spent, since = moved + done.moved, spent + done.seconds, since + done.moved
            if since >= EMPTY_AT:
                since = 0
                await _empty(info)
        return moved / spent * 60

    return [await tenth() for _ in range(10)]


def _over(seconds: float, people: int, moved: int, spent: float) -> bool:
    return spent >= seconds or moved >= people


async def _empty(info: str) -> None:
    async with await psycopg.AsyncConnection.connect(info) as connection:
        await connection.execute(EMPTY)


@asynccontextmanager
async def _snapshot(info: str) -> AsyncIterator[None]:
    """A transaction that reads once and stays open, which the server would otherwise end."""
    async with await psycopg.AsyncConnection.connect(info, autocommit=True) as connection:
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("SELECT 1 FROM cm.campaign LIMIT 1")
        yield
        await connection.execute("ROLLBACK")


def _steady(rates: list[float]) -> int:
    half = rates[len(rates) // 2 :]
    return round(sum(half) / len(half))


def _round(rates: list[float]) -> list[int]:
    return [round(rate) for rate in rates]
