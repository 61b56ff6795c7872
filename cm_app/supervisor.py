"""Runs the product's processes as children: logs to files, restarts with back-off, ordered stop.

Every child leads its own process group, so a Ctrl-C in the terminal reaches only us, and stopping
a child stops everything it started.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

Say = Callable[[str], None]

STEADY = 30.0
"""Seconds after which a child that ran is considered healthy: its back-off starts over."""
LONGEST_PAUSE = 30.0
SETTLED = 2.0
"""Seconds a child without a health address has to live to count as started."""


@dataclass
class Child:
    """One process. `health` is an address that answers when it is ready; "" means being alive."""

    name: str
    command: Sequence[str]
    log: Path
    cwd: Path
    health: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float = 0.0

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.started, self.restart_at = time.monotonic(), 0.0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def answers(self) -> bool:
        """Whether it is ready: its health address answers anything but a server error."""
        if not self.alive:
            return False
        if not self.health:
            return time.monotonic() - self.started > SETTLED
        try:
            with urlopen(self.health, timeout=1.0):  # noqa: S310 - our own loopback address
                return True
        except HTTPError as error:
            return error.code < 500
        except (URLError, OSError, HTTPException):
            # What is no HTTP is no answer of ours. Of a port in the range of outgoing connections that nobody
            # listens on yet, the system may make a connection to itself, and we hear our own question.
            return False

    def stop(self, patience: float = 10.0) -> bool:
        """SIGTERM, wait up to `patience` seconds, then SIGKILL the group. True when it went itself."""
        if self.process is None:
            return True
        willing = True
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                willing = False
        with contextlib.suppress(ProcessLookupError):  # what it left behind in its group
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return willing

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Supervisor:
    """Keeps children running until told to stop. Stops them in the order they are listed."""

    def __init__(self, children: Sequence[Child], say: Say, also: Callable[[], None] = lambda: None) -> None:
        """`also` is done first in each round: what the children need is looked after before them."""
        self.children = list(children)
        self.say = say
        self.also = also
        self._stopping = threading.Event()

    def start(self) -> None:
        for child in self.children:
            child.start()

    def wait_until_healthy(self, seconds: float = 180.0) -> list[Child]:
        """The children that were not ready in time, or died; empty when all is well."""
        deadline = time.monotonic() + seconds
        waiting = list(self.children)
        while waiting and time.monotonic() < deadline and all(child.alive for child in waiting):
            waiting = [child for child in waiting if not child.answers()]
            if waiting and self._stopping.wait(0.1):
                break
        return waiting

    def run(self, tick: float = 0.5) -> None:
        """Watch until `request_stop`; restart whatever dies, each time after a longer pause."""
        while not self._stopping.wait(tick):
            self.look()

    def look(self) -> None:
        """One round: notice deaths, start what is due again."""
        self.also()
        now = time.monotonic()
        for child in self.children:
            if child.alive:
                continue
            if child.restart_at == 0.0:
                self._note_death(child, now)
            elif now >= child.restart_at:
                child.start()
                self.say(f"{child.name} started again.")

    def _note_death(self, child: Child, now: float) -> None:
        child.failures = 1 if now - child.started > STEADY else child.failures + 1
        pause = min(2.0 ** (child.failures - 1), LONGEST_PAUSE)
        child.restart_at = now + pause
        code = child.process.returncode if child.process else "?"
        self.say(
            f"{child.name} stopped by itself (exit code {code}). Starting it again in {pause:.0f} s. "
            f"Its log: {child.log}"
        )

    def request_stop(self) -> None:
        """Ask `run` to return; may be called from another thread."""
        self._stopping.set()

    def kill(self) -> None:
        """End every child at once; may be called from a signal handler."""
        for child in self.children:
            if child.alive and child.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop every child in order. Never raises; says who had to be killed."""
        self._stopping.set()
        for child in self.children:
            if not child.stop():
                self.say(f"{child.name} did not stop in time and was killed.")
