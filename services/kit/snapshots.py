"""One question asked in several sessions at once, all of which see the same moment of the database.

A session of PostgreSQL works on one processor, and what it keeps in temporary tables no helper of a
parallel plan can read. Whoever can take a question apart (people by household, say) asks each part in
a session of its own and puts the answers together. The parts only read: their sessions are rolled back.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import QueuePool

from services.kit.db import PRACTICE
from services.kit.uow import Unit

T = TypeVar("T")
PARTS = min(os.cpu_count() or 1, 4)
"""Sessions worth their while here: one a processor, and some left for everybody else on a large machine."""
PATIENCE = 1.0
"""Seconds to wait for connections that were free a moment ago."""

# Whoever has written is not seen by others, not even from inside its own snapshot. While the parts work,
# the session that lends its snapshot is idle for as long as they take.
EXPORT = text("""
SELECT CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN pg_export_snapshot() END AS snapshot,
  set_config('idle_in_transaction_session_timeout', '0', true)
""")
SNAPSHOT = re.compile(r"[0-9A-F-]+")


@asynccontextmanager
async def same_view(u: Unit, most: int = PARTS) -> AsyncIterator[list[Unit]]:
    """Units in sessions of their own, 2 to `most`, that see what `u` sees now and nothing later, with its
    practice, actor and clock. Or `u` alone: when it has written something, when `most` is 1, and when
    connections are scarce. Nothing a part does is kept. Raises RuntimeError when a part leaves something
    for a commit to do.
    """
    async with AsyncExitStack() as opened:
        views = await _open(u, most, opened)
        yield views or [u]
        if any(view.unfinished for view in views):
            raise RuntimeError("A part of a question wants something kept; parts only read.")


async def at_once(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all of them side by side; answers in order. The first error cancels the others, on the
    server, too, and is raised; so does being cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]


async def _open(u: Unit, most: int, opened: AsyncExitStack) -> list[Unit]:
    """The views, or none where one session has to do."""
    engine = u.session.bind
    if not isinstance(engine, AsyncEngine):
        return []
    number = min(most, _spare(engine, most))
    if number < 2:
        return []
    snapshot = (await u.session.execute(EXPORT)).scalar_one()
    if snapshot is None:
        return []
    async with AsyncExitStack() as trying:
        try:
            async with asyncio.timeout(PATIENCE):
                views = [await trying.enter_async_context(_view(engine, u, snapshot)) for _ in range(number)]
        except TimeoutError:  # somebody else took them: waiting for each other would last for ever
            return []
        opened.push_async_exit(trying.pop_all())
    return views


def _spare(engine: AsyncEngine, wanted: int) -> int:
    """Connections that are free within the pool's own size: what it may open beyond is for those who
    need only one."""
    pool = engine.pool
    return pool.size() - pool.checkedout() if isinstance(pool, QueuePool) else wanted


@asynccontextmanager
async def _view(engine: AsyncEngine, u: Unit, snapshot: str) -> AsyncIterator[Unit]:
    """One session on a snapshot that `u` holds open; left, it is rolled back."""
    if not SNAPSHOT.fullmatch(snapshot):
        raise ValueError("This is not the name of a snapshot.")
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        await session.execute(text(f"SET TRANSACTION SNAPSHOT '{snapshot}'"))
        await session.execute(PRACTICE, {"practice": str(u.practice_id)})
        yield Unit(session, u.actor, u.now, u.keyring, u.schema)
