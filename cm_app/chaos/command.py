"""`cm chaos` from its options to its exit code."""

from pathlib import Path

from cm_app.chaos import report
from cm_app.chaos.run import Wish, run
from cm_app.console import counting, screen


def main(kills: int, *, seed: int, home: Path | None) -> int:
    """Run, print, and return the exit code: 1 when the books do not balance."""
    screen.print(f"Killing {kills} times; to repeat it, give --seed {seed}.")
    with counting("Starting") as bar:
        told = run(Wish(kills=kills, seed=seed), home, bar)
    report.show(told)
    return 0 if told.ok else 1
