"""What one `cm up` leaves in its home folder, and that there is one at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import psutil

from cm_app.supervisor import Child
from services.kit.embedded import Servers
from services.kit.errors import AppError


class AlreadyRunning(AppError):
    code = "already_running"
    status = 409


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"`cm up` is already running on {home}. Stop that one first, or give another folder with --home."
            ) from None
        yield


def write_private(path: Path, body: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)


def end_leftovers(home: Path) -> None:
    """End the children of a run that was killed: recognised by process id and time of birth."""
    path = home / "processes.json"
    if not path.exists():
        return
    for known in orjson.loads(path.read_bytes()):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(known["pid"])
            if abs(process.create_time() - known["started"]) < 1.0:
                family = [process, *process.children(recursive=True)]
                for member in family:
                    member.terminate()
                for member in psutil.wait_procs(family, timeout=5)[1]:
                    member.kill()
    path.unlink()


def write_addresses(home: Path, servers: Servers) -> None:
    """Where other `cm` commands find the servers; readable by this user only."""
    body = orjson.dumps({"database_url": servers.database_url, "redis_url": servers.redis_url})
    write_private(home / "servers.json", body)


def note_processes(home: Path, children: Sequence[Child]) -> None:
    seen = [
        {"pid": child.process.pid, "started": psutil.Process(child.process.pid).create_time()}
        for child in children
        if child.process is not None and child.alive
    ]
    write_private(home / "processes.json", orjson.dumps(seen))
