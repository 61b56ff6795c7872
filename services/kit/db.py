"""Connections to PostgreSQL: one engine a role, sessions that always belong to one practice.

The roles (D2, D3): `cm_app` reads `canonical` and owns nothing; `cm_hub` and `cm_platform` are
the two neighbours. Migrations run as the owner named by the database URL.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from uuid import UUID

from sqlalchemy import URL, NullPool, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from services.kit.crypto import Keyring

Role = Literal["cm_app", "cm_hub", "cm_platform"]
ROLES: tuple[Role, ...] = ("cm_app", "cm_hub", "cm_platform")
PRACTICE = text("SELECT set_config('cm.practice_id', :practice, true)")
"""Says whose transaction this is: row-level security sees only that practice's rows."""


def role_url(owner_url: str, role: Role, keyring: Keyring) -> URL:
    """The owner's URL with one of our login roles in its place."""
    url = make_url(owner_url).set(drivername="postgresql+psycopg")
    return url.set(username=role, password=keyring.password(role))


def owner(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


def engine_for(url: URL, *, pool: int = 10, pooled: bool = True) -> AsyncEngine:
    """An async engine; `pooled=False` opens a connection a use, for tests and one-off commands. Its
    errors do not repeat what was bound: that may be anybody's."""
    if not pooled:
        return create_async_engine(url, poolclass=NullPool, hide_parameters=True)
    return create_async_engine(
        url, pool_size=pool, max_overflow=pool, pool_pre_ping=True, hide_parameters=True
    )


@asynccontextmanager
async def tenant(session: AsyncSession, practice_id: UUID) -> AsyncIterator[AsyncSession]:
    """One transaction of one practice: row-level security sees only its rows.

    Reading what a table holds without a practice is an error in the database, not an empty answer (rule 4).
    """
    async with session.begin():
        await session.execute(PRACTICE, {"practice": str(practice_id)})
        yield session
