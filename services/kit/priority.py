"""Who steps back when a machine has more to do than it can: work in bulk, for whoever waits at a screen
or must be left alone at once.

A process that sends or takes in by the thousand lowers its own priority, and that of the database's
processes that work for it where those are on this machine and may be told. Elsewhere (managed
servers, other users' processes) nothing changes: there, machines are added.
"""

import os
from typing import Any

import psutil
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.telemetry import logger

log = logger("priority")

LEVEL = 10
"""As `nice` counts: about a tenth of the share of a process that did not step back."""
HERE = {"", "localhost", "127.0.0.1", "::1"}


def step_back(engine: AsyncEngine) -> None:
    """From now on this process, and the server's processes behind its connections, go last."""
    os.nice(max(0, LEVEL - os.nice(0)))
    url = engine.url
    if (url.host or "") not in HERE and not str(url.host).startswith("/"):
        return

    @event.listens_for(engine.sync_engine, "connect")
    def lower(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_backend_pid()")
        ((pid,),) = cursor.fetchall()
        cursor.close()
        connection.rollback()
        try:
            process = psutil.Process(pid)
            # A number may mean another process when the server is not here but behind a tunnel.
            if any(part.startswith("postgres") for part in process.cmdline()):
                process.nice(LEVEL)
        except (psutil.Error, PermissionError) as error:
            log.debug("priority not lowered", why=type(error).__name__)
