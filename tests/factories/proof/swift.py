"""Connections for one sequential walk: they plan every statement once, and nobody else waits for them."""

from collections.abc import Generator
from typing import Any

from psycopg import AsyncConnection, waiting
from psycopg._preparing import PrepareManager
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

STATEMENTS = 4_000
"""More than there are in the product: each is prepared at its first use and stays so."""
SECONDS = 600.0


class _Prepared(PrepareManager):
    """Nothing that a walk prepares is dropped by a rollback, which psycopg must otherwise fear."""

    def _should_discard(self, *_: Any) -> bool:
        return False

    def clear(self) -> bool:
        return False


class _Swift(AsyncConnection[Any]):
    async def wait(self, gen: Generator[Any, Any, Any], interval: float = SECONDS) -> Any:
        """Without the event loop: in a walk there is never anything else to do meanwhile."""
        return waiting.wait(gen, self.pgconn.socket, SECONDS)


def swift_engine(url: URL) -> AsyncEngine:
    """An engine of few connections with generic plans: planning is most of what small tables cost."""

    async def connect() -> AsyncConnection[Any]:
        connection = await _Swift.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            prepare_threshold=0,
            options="-c plan_cache_mode=force_generic_plan",
        )
        connection._prepared = _Prepared()
        connection.prepared_max = STATEMENTS
        return connection

    return create_async_engine("postgresql+psycopg://", async_creator=connect, pool_size=2)
