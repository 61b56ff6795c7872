"""The private servers come back after a crash, with everything they had acknowledged."""

import os
import signal
import tempfile
from pathlib import Path

import psutil
import pytest
import redis
from sqlalchemy import create_engine, text

from services.kit.db import owner
from services.kit.embedded import start_servers


@pytest.mark.covers("ENG-1", "OPS-2")
def test_both_servers_come_back_with_what_they_had_acknowledged():
    with tempfile.TemporaryDirectory(prefix="cms") as folder:
        Path(folder).chmod(0o755)
        servers = start_servers(Path(folder))
        try:
            assert servers.revive() == [], "nothing has died"
            _write(servers, 1)
            postmaster = psutil.Process(servers.postgres.pid())
            os.kill(postmaster.pid, signal.SIGKILL)
            psutil.wait_procs([postmaster], timeout=20)
            servers.valkey.process.kill()
            servers.valkey.process.wait()
            assert sorted(servers.revive()) == ["PostgreSQL", "Valkey"]
            assert _read(servers) == ([1], [b"1"])
            _write(servers, 2)
            servers.postgres.stop_immediately()
            assert servers.revive() == ["PostgreSQL"]
            assert _read(servers) == ([1, 2], [b"1", b"2"])
        finally:
            servers.stop()


def _write(servers, n: int) -> None:
    engine = create_engine(owner(servers.database_url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS kept (n integer)"))
        connection.execute(text("INSERT INTO kept VALUES (:n)"), {"n": n})
    engine.dispose()
    with redis.from_url(servers.redis_url) as client:
        client.rpush("kept", n)
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def _read(servers) -> tuple[list[int], list[bytes]]:
    engine = create_engine(owner(servers.database_url))
    with engine.connect() as connection:
        rows = list(connection.execute(text("SELECT n FROM kept ORDER BY n")).scalars())
    engine.dispose()
    with redis.from_url(servers.redis_url) as client:
        return rows, client.lrange("kept", 0, -1)
