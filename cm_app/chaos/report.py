"""What `cm chaos` prints: who was killed, the balance as a table, one JSON line."""

import os
import platform

import orjson
import psutil
from rich.table import Table

from cm_app.chaos.run import Told
from cm_app.console import screen


def show(told: Told) -> None:
    """The table for people, then the line for machines, last."""
    who = ", ".join(f"{name} {n}" for name, n in sorted(told.killed.items(), key=lambda x: -x[1]))
    screen.print(
        f"Killed {sum(told.killed.values())} times in {told.seconds:.0f} s (seed {told.wish.seed}): {who}."
    )
    screen.print(
        f"{told.events:,} events went in, {told.messages:,} messages left, {told.days:.1f} days passed."
    )
    for line in told.by_itself[:10]:
        screen.print(f"Ended by itself and was started again: {line}", markup=False)
    screen.print(_table(told))
    for line in told.lines:
        for wrong in line.wrong[:8]:
            screen.print(f"{line.name}: {wrong}", style="bold red", markup=False)
        if len(line.wrong) > 8:
            screen.print(f"{line.name}: and {len(line.wrong) - 8} more", style="bold red", markup=False)
    screen.print("The books balance." if told.ok else "THE BOOKS DO NOT BALANCE.", style="bold")
    print(orjson.dumps(figures(told)).decode())


def figures(told: Told) -> dict[str, object]:
    return {
        "chaos": "ok" if told.ok else "imbalance",
        "kills": sum(told.killed.values()),
        "seed": told.wish.seed,
        "seconds": round(told.seconds, 1),
        "killed": told.killed,
        "ended_by_itself": len(told.by_itself),
        "events": told.events,
        "messages": told.messages,
        "days": round(told.days, 1),
        "longest_rest_seconds": round(max(told.rests, default=0.0), 1),
        "lines": {line.name: {"ok": line.ok, **line.figures} for line in told.lines},
        "machine": {"cores": psutil.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()},
    }  # fmt: skip


def _table(told: Told) -> Table:
    table = Table(title="The books")
    table.add_column("line")
    table.add_column("what must be true")
    table.add_column("figures")
    table.add_column("")
    for line in told.lines:
        found = ", ".join(f"{name} {n:,}" for name, n in line.figures.items())
        table.add_row(line.name, line.sentence, found, "[green]ok[/green]" if line.ok else "[red]WRONG[/red]")
    return table
