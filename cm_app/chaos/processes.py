"""The product as real processes, and every way to kill them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cm_app.supervisor import Child
from services.kit.chance import Chance
from services.kit.embedded import Servers, ServerTrouble
from services.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WORKERS = ("journeys", "relay", "notices", "intake", "hub", "platform")
WEIGHTS = {
    "journeys": 16, "relay": 16, "notices": 12, "intake": 16, "hub": 16, "platform": 4,
    "valkey": 10, "postgres": 4, "postgres immediate": 3, "postgres backend": 3,
}  # fmt: skip
"""How often each is chosen, in a hundred. `postgres` is the postmaster by SIGKILL, `postgres
immediate` is `pg_ctl stop -m immediate`, `postgres backend` one of its processes by SIGKILL."""


@dataclass
class Site:
    """Six workers and two servers. Whoever was killed is started again by `mend`."""

    config: Settings
    servers: Servers
    chance: Chance
    killed: Counter[str] = field(default_factory=Counter)
    by_itself: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.children = {name: self._child(name) for name in WORKERS}
        self._again: dict[str, float] = {}
        self._failures = 0

    def start(self) -> None:
        for child in self.children.values():
            child.start()

    def kill_one(self) -> str:
        """Kill somebody who is up, at once. Returns who."""
        while True:
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess, subprocess.SubprocessError):
                return self._kill_one()  # else: fell, or not up again, just as it was chosen

    def _kill_one(self) -> str:
        able = {n: w for n, w in WEIGHTS.items() if n not in self.children or self.children[n].alive}
        name = self.chance.choices(list(able), list(able.values()))[0]
        if name in self.children:
            self._kill_worker(name)
        else:
            self._kill_server(name)
        self.killed[name] += 1
        return name

    def mend(self) -> None:
        """Start again what is down: servers at once, workers after the pause they were given."""
        try:
            self.servers.revive()
            self._failures = 0
        except ServerTrouble:  # killed again while it started; but not every time
            self._failures += 1
            if self._failures > 5:
                raise
        now = time.monotonic()
        for name, child in self.children.items():
            if child.alive:
                continue
            if name not in self._again:
                last = (child.last_words(1) or "no words").strip()
                self.by_itself.append(f"{name}: {last[:200]}")
                self._again[name] = now
            if now >= self._again[name]:
                del self._again[name]
                child.start()

    def stop(self) -> None:
        for child in self.children.values():
            child.stop(patience=15)

    def _kill_worker(self, name: str) -> None:
        child = self.children[name]
        assert child.process is not None
        self._again[name] = time.monotonic() + self.chance.uniform(0, 0.6)
        os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()

    def _kill_server(self, name: str) -> None:
        postgres, valkey = self.servers.postgres, self.servers.valkey
        if name == "valkey":
            valkey.process.kill()
            valkey.process.wait()
        elif name == "postgres":
            os.kill(postgres.pid(), signal.SIGKILL)
        elif name == "postgres immediate":
            postgres.stop_immediately()
        else:
            backends = psutil.Process(postgres.pid()).children()
            if not backends:  # killed a moment ago, and starting
                raise ProcessLookupError
            self.chance.choice(backends).kill()

    def _child(self, name: str) -> Child:
        return Child(
            name,
            [sys.executable, "-m", "cm_app.workers", name],
            self.config.home / "logs" / f"{name}.log",
            ROOT,
            environment=_environment(self.config),
        )


def _environment(config: Settings) -> dict[str, str]:
    return {
        "CM_HOME": str(config.home),
        "CM_QA": "true",
        "CM_HUB_ADAPTER": "journal",
        "CM_HUB_PORT": str(config.hub_port),
        "CM_PLATFORM_PORT": str(config.platform_port),
        "CM_DATABASE_URL": config.database_url.get_secret_value() if config.database_url else "",
        "CM_REDIS_URL": config.redis_url.get_secret_value() if config.redis_url else "",
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
