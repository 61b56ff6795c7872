"""`cm test`: lint, types, then every test; the last line is pytest's own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from cm_app import chromium, portal_build
from cm_app.console import problem, screen

ROOT = portal_build.ROOT

CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("ruff", "check", ".")),
    ("ruff format", ("ruff", "format", "--check", ".")),
    ("import-linter", ("lint-imports", "--no-cache")),
    ("mypy", ("mypy",)),
)

PROCESSES = max(2, min(os.cpu_count() or 2, 4))
"""Side by side, each with servers of its own. The browser tests are one process's, and come last: a browser
that shares two cores with somebody else is late for everything."""


def run(only: list[str]) -> int:
    """The exit code of the whole: pytest's, or 1 when a check failed. With `only`, pytest alone.

    The checks run before the tests and their failures are repeated above pytest's closing line, so
    nothing is lost; every stage always runs.
    """
    environment = {**os.environ, "PATH": portal_build.tools_path()}
    failed = [] if only else [name for name, command in CHECKS if not _check(name, command, environment)]
    browser = chromium.ensure(lambda words: screen.print(words))
    if browser is None:
        problem(
            "No Chromium could be found or installed; set CM_CHROMIUM to one. The browser tests will fail."
        )
    else:
        environment["CM_CHROMIUM"] = browser
    for name in failed:
        problem(f"{name} failed; see above.")
    how = only or ["-n", str(PROCESSES), "--dist", "loadscope", "--no-loadscope-reorder"]
    tests = subprocess.run([sys.executable, "-m", "pytest", *how], cwd=ROOT, env=environment)
    return tests.returncode or int(bool(failed))


def _check(name: str, command: tuple[str, ...], environment: dict[str, str]) -> bool:
    started = time.monotonic()
    executable = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(
        [executable, *command[1:]], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    mark = "[green]✓[/green]" if done.returncode == 0 else "[red]✗[/red]"
    screen.print(f"{mark} {name} [dim]{time.monotonic() - started:.1f} s[/dim]")
    if done.returncode:
        screen.print(done.stdout + done.stderr, markup=False)
    return done.returncode == 0
