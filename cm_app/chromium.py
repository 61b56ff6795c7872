"""Finds a Chromium for the browser tests, and installs one where there is none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def find() -> str | None:
    """Path of a browser: CM_CHROMIUM, Playwright's own, then the system's; None when there is none."""
    named = os.environ.get("CM_CHROMIUM")
    if named:
        return named
    return _playwrights() or next(filter(None, map(shutil.which, NAMES)), None)


WHERE = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(p.chromium.executable_path)"
)


def _playwrights() -> str | None:
    # In a process of its own: this may be called where an event loop is already running.
    asked = subprocess.run([sys.executable, "-c", WHERE], capture_output=True, text=True)
    path = asked.stdout.strip()
    return path if path and Path(path).exists() else None


def ensure(say: Callable[[str], None]) -> str | None:
    """`find`, else install: Debian's package as root, else Playwright's. None when that failed too."""
    found = find()
    if found:
        return found
    for words, commands in _ways():
        say(f"No Chromium found: installing {words}.")
        if all(subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0 for command in commands):
            found = find()
            if found:
                return found
    return None


def _ways() -> list[tuple[str, list[list[str]]]]:
    ways = []
    if shutil.which("apt-get") and os.geteuid() == 0:
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        ways.append(("Debian's package", [["apt-get", "update", "--quiet"], install]))
    ways.append(("Playwright's", [[sys.executable, "-m", "playwright", "install", "chromium"]]))
    return ways
