"""`cm prove`: the engine against its slow model for as many operations as asked, resumable by seed.

Every seed is a fixed batch of random practices; the next seed and the sum so far are remembered
after each, so that a run that was stopped goes on where it was. A disagreement prints the shortest
history that shows it, and the seed.
"""

import platform
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import orjson
import psutil
from rich.table import Table
from sqlalchemy import create_engine, text

from cm_app.console import Advance, counting, screen
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import Servers, start_servers
from services.kit.errors import AppError
from services.kit.provision import provision
from services.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES, ACTS = 10, 100


@dataclass(frozen=True)
class Figures:
    """`seeds` are the first and the last of this run; operations and seconds of earlier runs are
    `before` and `seconds_before`. `lies`: those told to the product, if any, and how many were heard."""

    operations: int
    before: int
    first_seed: int
    last_seed: int
    practices: int
    seconds: float
    seconds_before: float
    violations: int = 0
    lies: int = 0
    heard: int = 0


@dataclass
class Kept:
    """What a run leaves to the next: where it goes on, and the sum so far."""

    next_seed: int = 0
    operations: int = 0
    seconds: float = 0.0

    @classmethod
    def read(cls, path: Path, seed: int | None) -> "Kept":
        if seed is not None:
            return cls(seed)
        return cls(**orjson.loads(path.read_bytes())) if path.exists() else cls()

    def write(self, path: Path) -> None:
        """All or nothing: a run that is killed here goes on from one seed or from the next."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_bytes(orjson.dumps(vars(self)))
        new.replace(path)


class Stage:
    """Servers of the proof's own in a folder of its own, and a fresh database for every seed. What a
    killed run left there is taken over."""

    def __init__(self, folder: Path, servers: Servers | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.config = Settings(home=folder)
        self.servers = servers or start_servers(folder)
        self.owner = owner(self.servers.database_url)
        self._fresh("cm_prove_template", "template0")
        provision(self.owner.set(database="cm_prove_template"), load_keyring(self.config))
        make_room(self.url("cm_prove_template"))

    def url(self, name: str) -> str:
        return self.owner.set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of one, as long as it is needed."""
        self._fresh("cm_prove_seed", "cm_prove_template")
        yield self.url("cm_prove_seed")

    def _fresh(self, name: str, template: str) -> None:
        engine = create_engine(self.owner, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        engine.dispose()


def main(
    operations: int,
    *,
    seed: int | None,
    progress_file: Path,
    lies: bool = False,
    examples: int = EXAMPLES,
    servers: Servers | None = None,
) -> Figures:
    """Run until `operations` acts are done in all; `seed` starts afresh from that one. Interrupted, it
    goes on the next time with the seed it was at. `lies` are told after that, one by one."""
    find_tests()
    kept = Kept.read(progress_file, seed)
    first, before, seconds_before = kept.next_seed, kept.operations, kept.seconds
    done, told = Counter[str](), dict[str, str | None]()
    stage = Stage(progress_file.parent / "prove", servers)
    begun = time.perf_counter()
    try:
        with counting("Proving") as bar, _interruptible() as check:
            while kept.operations < operations:
                number = kept.next_seed
                check()

                def acted(what: str, number: int = number) -> None:
                    check()
                    done[what] += 1
                    bar(f"Seed {number}", before + done.total(), operations)

                with stage.database() as url:
                    _one(stage, url, number, examples, acted)
                kept = Kept(number + 1, before + done.total(), seconds_before + time.perf_counter() - begun)
                kept.write(progress_file)
                if not screen.is_terminal:
                    screen.print(f"Seed {number}: {kept.operations:,} of {operations:,} acts agree.")
            if lies:
                told = _tell_lies(stage, bar)
    except KeyboardInterrupt:
        screen.print(
            f"Stopped at seed {kept.next_seed}, {kept.operations:,} acts done. Run it again to go on."
        )
        raise SystemExit(130) from None
    finally:
        stage.servers.stop()
    seconds = time.perf_counter() - begun
    figures = Figures(
        done.total(), before, first, max(first, kept.next_seed - 1), (kept.next_seed - first) * examples,
        round(seconds, 1), round(seconds_before, 1), 0, len(told), sum(how is not None for how in told.values()),
    )  # fmt: skip
    _show(figures, done, told)
    return figures


@contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Yields what raises KeyboardInterrupt once somebody has asked to stop. Asked twice, it is raised wherever
    the program is: there Python loses one now and then, in a finalizer or on its way through a driver."""
    asked = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def _tell_lies(stage: Stage, bar: Advance) -> dict[str, str | None]:
    """Every planted fault, in a database of its own, and how the machine told of it."""
    from tests.factories.proof.lies import LIES, heard

    told: dict[str, str | None] = {}
    for n, lie in enumerate(LIES):
        bar(f"Lie: {lie}", n, len(LIES))
        with stage.database() as url:
            told[lie] = heard(lie, stage.config, url, stage.servers.redis_url)
    return told


def make_room(database_url: str) -> None:
    from tests.factories.proof.drive import make_room as months

    months(database_url)


def find_tests() -> None:
    """Make the tests' models importable. Raises AppError where there is no checkout."""
    if not (ROOT / "tests" / "factories" / "proof" / "machine.py").exists():
        raise AppError("`cm prove` needs the tests folder: run it from a checkout of the source.")
    sys.path.insert(0, str(ROOT))


def _one(stage: Stage, database_url: str, number: int, examples: int, acted: Callable[[str], None]) -> None:
    """One seed: its practices run and are compared. A disagreement is named with the way back to it."""
    from tests.factories.proof.drive import explore

    try:
        explore(stage.config, database_url, stage.servers.redis_url, number, examples, ACTS, acted=acted)
    except AssertionError as disagreement:
        shortest = "\n".join(getattr(disagreement, "__notes__", []))
        raise AppError(
            f"Seed {number}: the engine and the plain model disagree.\n{disagreement}\n{shortest}\n"
            f"See it again: cm prove --seed {number} --operations {examples * ACTS}"
        ) from disagreement


def _show(figures: Figures, done: Counter[str], told: dict[str, str | None]) -> None:
    table = Table(title="The engine against its plain model")
    table.add_column("act")
    table.add_column("times", justify="right")
    for what, times in done.most_common():
        table.add_row(what, f"{times:,}")
    table.add_section()
    table.add_row("all, this run", f"{figures.operations:,}")
    table.add_row("with earlier runs", f"{figures.before + figures.operations:,}")
    table.add_row("disagreements", str(figures.violations))
    for lie, how in told.items():
        table.add_row(f"lie: {lie}", "not heard" if how is None else "heard")
    screen.print(table)
    per_minute = round(figures.operations / figures.seconds * 60) if figures.seconds else 0
    machine = {"cores": psutil.cpu_count(), "python": platform.python_version()}
    print(
        orjson.dumps(
            {"prove": "engine", **vars(figures), "per_minute": per_minute, "machine": machine}
        ).decode()
    )
