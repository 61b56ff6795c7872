"""`cm prove`: the engine against its slow model for as many operations as asked, resumable by seed.

Every seed is a fixed batch of random practices; the next seed and the sum so far are remembered
after each, so that a run that was stopped goes on where it was. A disagreement prints the shortest
history that shows it, and the seed.
"""

import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
from rich.table import Table

from cm_app.console import counting, screen
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import start_servers
from services.kit.errors import AppError
from services.kit.provision import provision
from services.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES, ACTS = 10, 100


@dataclass(frozen=True)
class Figures:
    """`seeds` are the first and the last of this run; operations of earlier runs are `before`."""

    operations: int
    before: int
    first_seed: int
    last_seed: int
    practices: int
    seconds: float
    disagreements: int


def main(operations: int, *, seed: int | None, progress_file: Path) -> Figures:
    """Run until `operations` acts are done in all; `seed` starts afresh from that one."""
    find_tests()
    done = Counter[str]()
    first, before = _resume(progress_file, seed)
    begun, number = time.perf_counter(), first
    with tempfile.TemporaryDirectory(prefix="cmv", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        servers = start_servers(home)
        try:
            config = Settings(home=home)
            provision(owner(servers.database_url), load_keyring(config))
            with counting("Proving") as bar:

                def acted(what: str) -> None:
                    done[what] += 1
                    bar(f"Seed {number}", before + done.total(), operations)

                while before + done.total() < operations:
                    _one(config, servers.database_url, servers.redis_url, number, acted)
                    number += 1
                    _remember(progress_file, number, before + done.total())
        finally:
            servers.stop()
    seconds = time.perf_counter() - begun
    figures = Figures(
        done.total(), before, first, max(first, number - 1), (number - first) * EXAMPLES, seconds, 0
    )
    _show(figures, done)
    return figures


def find_tests() -> None:
    """Make the tests' models importable. Raises AppError where there is no checkout."""
    if not (ROOT / "tests" / "factories" / "proof" / "machine.py").exists():
        raise AppError("`cm prove` needs the tests folder: run it from a checkout of the source.")
    sys.path.insert(0, str(ROOT))


def _one(
    config: Settings, database_url: str, redis_url: str, number: int, acted: Callable[[str], None]
) -> None:
    """One seed: its practices run and are compared. A disagreement is named with the way back to it."""
    from tests.factories.proof.drive import explore

    try:
        explore(config, database_url, redis_url, number, EXAMPLES, ACTS, acted=acted)
    except AssertionError as disagreement:
        shortest = "\n".join(getattr(disagreement, "__notes__", []))
        raise AppError(
            f"Seed {number}: the engine and the plain model disagree.\n{disagreement}\n{shortest}\n"
            f"See it again: cm prove --seed {number} --operations {EXAMPLES * ACTS}"
        ) from disagreement


def _resume(progress_file: Path, seed: int | None) -> tuple[int, int]:
    if seed is not None:
        return seed, 0
    if progress_file.exists():
        kept = orjson.loads(progress_file.read_bytes())
        return int(kept["next_seed"]), int(kept["operations"])
    return 0, 0


def _remember(progress_file: Path, next_seed: int, operations: int) -> None:
    progress_file.parent.mkdir(parents=True, exist_ok=True)
    progress_file.write_bytes(orjson.dumps({"next_seed": next_seed, "operations": operations}))


def _show(figures: Figures, done: Counter[str]) -> None:
    table = Table(title="The engine against its plain model")
    table.add_column("act")
    table.add_column("times", justify="right")
    for what, times in done.most_common():
        table.add_row(what, f"{times:,}")
    table.add_section()
    table.add_row("all, this run", f"{figures.operations:,}")
    table.add_row("with earlier runs", f"{figures.before + figures.operations:,}")
    table.add_row("disagreements", str(figures.disagreements))
    screen.print(table)
    per_minute = round(figures.operations / figures.seconds * 60) if figures.seconds else 0
    machine = {"cores": psutil.cpu_count(), "python": platform.python_version()}
    print(
        orjson.dumps(
            {"prove": "engine", **vars(figures), "per_minute": per_minute, "machine": machine}
        ).decode()
    )
