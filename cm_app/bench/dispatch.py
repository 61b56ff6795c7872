"""`cm bench dispatch`: due enrolments through the real engine, every gate on, sealed audit included.

Two limits are measured in the same run, on the same server: the same work hand-written as one SQL
statement, in slices that alternate with the engine's so that both meet the same machine; and the same
rows copied by raw `INSERT … SELECT`. With `--minutes` it runs for that long on people who are due again
at once; with `--long-reader`, beside a transaction that keeps its snapshot open all the time.
"""

import asyncio
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cm_app.bench.dispatch_limits import BATCH, HandWritten, raw
from cm_app.bench.dispatch_long import sustained
from cm_app.bench.dispatch_work import crew, engines
from cm_app.bench.dispatch_world import prepare
from services.bootstrap import App, bootstrap
from services.kit.clock import SystemClock
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import start_servers
from services.kit.provision import provision
from services.kit.settings import Settings

SLICES = 5
SHARE = 4
"""For so many people that the engine moves, the hand-written statement moves one."""

Figures = dict[str, Any]


def main(rows: int = 1_000_000, workers: int = 3, minutes: float = 0, long_reader: bool = False) -> Figures:
    """Run on private servers in a temporary folder; print a table and one JSON line.

    Rates are people moved a minute; `requested` are those who passed every gate. `workers` is one more than
    the processors that the targets speak of: once a batch each waits for the disk.
    """
    with tempfile.TemporaryDirectory(prefix="cmb", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        config = Settings(home=home)
        servers = start_servers(home)
        try:
            provision(owner(servers.database_url), load_keyring(config))
            app = bootstrap(
                config=config, clock=SystemClock(), database_url=servers.database_url,
                redis_url=servers.redis_url,
            )  # fmt: skip
            url = servers.database_url
            if minutes:
                run = sustained(app, url, rows=rows, workers=workers, minutes=minutes, reader=long_reader)
            else:
                run = _compared(app, url, rows, workers)
            figures = asyncio.run(_closed(app, run))
        finally:
            servers.stop()
    _show(figures)
    machine = {
        "cores": psutil.cpu_count(),
        "python": platform.python_version(),
        "load": psutil.getloadavg()[0],
    }
    print(orjson.dumps({"bench": "dispatch", **figures, "workers": workers, "machine": machine}).decode())
    return figures


async def _closed(app: App, run: Any) -> Figures:
    try:
        figures: Figures = await run
    finally:
        await app.close()
    return figures


async def _compared(app: App, url: str, rows: int, workers: int) -> Figures:
    spare = max(rows // SHARE, 1)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        seeding = progress.add_task("Preparing", total=1)
        due = rows + spare + 6 * workers * BATCH  # whole turns: both may take more than their share
        ground = await asyncio.to_thread(prepare, app, url, due, forever=False)
        progress.update(seeding, completed=1)
        engine = progress.add_task("Engine", total=rows)
        by_hand = progress.add_task("Hand-written SQL", total=spare)
        moved, requested, seconds, sealed = 0, 0, 0.0, 0
        crewed = engines(app, workers)
        async with HandWritten.open(app, url, ground, workers) as hand:
            for turn in range(1, SLICES + 1):
                done = await crew(
                    app, ground.practice, crewed, _until(rows * turn // SLICES - moved),
                    advance=lambda n: progress.advance(engine, n),
                )  # fmt: skip
                moved, requested = moved + done.moved, requested + done.requested
                seconds, sealed = seconds + done.seconds, sealed + done.sealed
                await hand.until(spare * turn // SLICES, lambda n: progress.advance(by_hand, n))
        copying = progress.add_task("Raw rows", total=1)
        copied, raw_seconds = await asyncio.to_thread(raw, url, spare, workers)
        progress.update(copying, completed=1)
    return _figures(rows, (moved, requested, seconds), hand, (copied, raw_seconds), sealed)


def _until(rows: int) -> Callable[[int, float], bool]:
    return lambda moved, _seconds: moved >= rows


def _figures(
    rows: int, engine: tuple[int, int, float], hand: HandWritten, copied: tuple[int, float], sealed: int
) -> Figures:
    moved, requested, seconds = engine
    rate, by_hand, raw_rate = moved / seconds, hand.moved / max(hand.seconds, 1e-9), copied[0] / copied[1]
    return {
        "rows": rows,
        "moved": moved,
        "requested": requested,
        "seconds": round(seconds, 2),
        "steps_per_minute": round(rate * 60),
        "hand_written_per_minute": round(by_hand * 60),
        "hand_written_requested": round(hand.requested / max(hand.moved, 1), 3),
        "ratio_to_hand_written": round(rate / by_hand, 3) if by_hand else None,
        "raw_rows_per_minute": round(raw_rate * 60),
        "ratio_to_raw": round(rate / raw_rate, 3),
        "sealed_batches": sealed,
        "peak_memory_mb": round(psutil.Process().memory_info().rss / 2**20),
    }


def _show(figures: Figures) -> None:
    table = Table(title="Dispatch, every gate on, audit sealed")
    table.add_column("what")
    table.add_column("figure", justify="right")
    for name, value in figures.items():
        if isinstance(value, (int, float)):
            table.add_row(name.replace("_", " "), f"{value:,}")
    Console().print(table)
