"""Who steps back when a machine has more to do than it can: work in bulk, for whoever waits at a screen
or must be left alone at once.

A process that sends or takes in by the thousand lowers its own priority, and that of the database's
processes that work for it where those are on this machine and may be told. Elsewhere (managed
servers, other users' processes) nothing changes: there, machines are added.

Linux may share its processors out between sessions instead of processes (`autogroup`), and every process
of PostgreSQL is a session: then a process's own number means nothing beyond its session, and the
session's is lowered, too.
"""

import os
import time
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.telemetry import logger

log = logger("priority")

LEVEL = 10
"""As `nice` counts: about a tenth of the share of a process that did not step back."""
HERE = {"", "localhost", "127.0.0.1", "::1"}
TRIES, BETWEEN = 5, 0.11
"""Linux lets sessions be changed ten times a second, by all users together; seconds."""


def step_back(engine: AsyncEngine) -> None:
    """From now on this process, and the server's processes behind its connections, go last."""
    os.nice(max(0, LEVEL - os.nice(0)))
    lower_session(os.getpid())
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
                lower_session(pid)
        except (psutil.Error, PermissionError) as error:
            log.debug("priority not lowered", why=type(error).__name__)


def lower_session(pid: int) -> None:
    """The session that `pid` leads. Somebody else's session (a terminal's) is left as it is."""
    group = Path(f"/proc/{pid}/autogroup")
    if not group.exists() or os.getsid(pid) != pid:
        return
    for left in reversed(range(TRIES)):
        try:
            group.write_text(str(LEVEL))
            return
        except BlockingIOError:
            if left:
                time.sleep(BETWEEN)
        except OSError as error:
            log.debug("session's priority not lowered", why=type(error).__name__)
            return
    log.debug("session's priority not lowered", why="asked too often")
