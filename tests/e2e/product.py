"""Runs `cm up` as its own process, as a person at a terminal would, and stops it with SIGINT."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from cm_app.up import running
from services.kit.errors import AppError
from services.kit.settings import Settings

READY = "Stop with Ctrl-C"
ROOT = Path(__file__).resolve().parents[2]


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, in a row as `cm up --port` wants them."""
    while True:
        with ExitStack() as stack:
            try:
                return list(_bind_row(stack, count))
            except OSError:
                continue  # one of the row is taken: try another place


def _bind_row(stack: ExitStack, count: int) -> Iterator[int]:
    first = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
    yield first
    for offset in range(1, count):
        stack.enter_context(socket.create_server(("127.0.0.1", first + offset)))
        yield first + offset


class Product:
    """One `cm up` on `home`, with 300 contacts unless told otherwise."""

    def __init__(self, home: Path, *arguments: str, port: int | None = None, **environment: str) -> None:
        self.home = home
        self.port = port or free_ports(3)[0]
        self.lines: list[str] = []
        self._command = [
            sys.executable, "-m", "cm_app", "up", "--home", str(home), "--port", str(self.port),
            "--contacts", "300", *arguments,
        ]  # fmt: skip
        ours = {key: value for key, value in os.environ.items() if not key.startswith("CM_")}
        self._environment = {**ours, "COLUMNS": "200", **environment}
        self.process: subprocess.Popen[str] | None = None
        self.family: list[psutil.Process] = []
        self._reader = threading.Thread(target=self._drain, daemon=True)

    def start(self) -> None:
        """Return when it says that it is ready. Raises AssertionError with its output otherwise."""
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if READY in line:
                self.family = psutil.Process(self.process.pid).children(recursive=True)
                self._reader.start()
                return
        self.process.stdout.close()
        raise AssertionError(f"cm up ended with {self.process.wait()}:\n{self.output}{self._logs()}")

    def refuse(self) -> str:
        """Start it where it cannot start; returns what it said."""
        done = subprocess.run(
            self._command, cwd=ROOT, env=self._environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        )  # fmt: skip
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ctrl-C; returns the exit code. Safe when it never started."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        if self._reader.ident is not None:
            self._reader.join()
        return code

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def _drain(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as said:
            self.lines.extend(said)

    def _logs(self) -> str:
        return "".join(
            f"\n--- {log.name}\n{log.read_text(errors='replace')[-3000:]}"
            for log in sorted(self.home.glob("logs/*.log"))
        )


def refusal(home: Path, **values: Any) -> str:
    """What `cm up` would print and end with."""
    row = free_ports(3)
    ports = dict(zip(("port", "hub_port", "platform_port"), row, strict=True))
    with (
        pytest.raises(AppError) as raised,
        running(Settings(_env_file=None, home=home, **{**ports, **values})),
    ):
        pass
    return raised.value.message
