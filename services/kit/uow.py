"""The unit of work: one command, one transaction (house rule 3).

Services flush; only this commits. What a command emits is written to the outbox in the same
transaction and published later by the relay; nothing is sent from inside.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from services.kit.actor import Actor
from services.kit.clock import Clock
from services.kit.crypto import Keyring
from services.kit.db import tenant
from services.kit.ids import new_id
from services.kit.outbox import Emitted, write
from services.kit.together import in_company

Hook = Callable[["Unit"], Awaitable[None]]
_parsed: Callable[[str], TextClause] = lru_cache(maxsize=2_000)(text)
"""Looking for the names of bound values in a long statement takes longer than many a query."""


@dataclass
class Unit:
    """One open transaction of one practice. `now` stands still for its whole length."""

    session: AsyncSession
    actor: Actor
    now: datetime
    keyring: Keyring
    schema: str
    unit_id: UUID = field(default_factory=new_id)
    emitted: list[Emitted] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    _before_commit: list[Hook] = field(default_factory=list)
    _after_commit: list[Callable[[], object]] = field(default_factory=list)

    @property
    def practice_id(self) -> UUID:
        return self.actor.practice_id

    async def execute(self, sql: str, **values: Any) -> Any:
        """Run one statement with bound values; returns SQLAlchemy's result.

        Of several commands that run side by side none may: they ask by functions of a list, or in
        turn (`services.kit.together`). Raises RuntimeError for one that forgot.
        """
        if in_company():
            raise RuntimeError("One of several commands asked the database by itself.")
        return await self.session.execute(_parsed(sql), values)

    def emit(
        self,
        type: str,
        data: BaseModel | dict[str, Any],
        *,
        contact_id: UUID | None = None,
        dispatch_id: UUID | None = None,
    ) -> None:
        """Put an event in the outbox of this transaction."""
        body = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
        self.emitted.append(Emitted(type, body, contact_id, dispatch_id, self.now))

    def before_commit(self, hook: Hook) -> None:
        """Run `hook` once, last thing before the commit (the audit closes its batch so)."""
        if hook not in self._before_commit:
            self._before_commit.append(hook)

    @property
    def unfinished(self) -> bool:
        """Is there something that only a commit would do?"""
        return bool(self.emitted or self._before_commit or self._after_commit)

    def after_commit(self, count: Callable[[], object]) -> None:
        """Call `count` once the commit is there: for metrics, which nothing may depend on."""
        self._after_commit.append(count)

    def committed(self) -> None:
        for count in self._after_commit:
            count()

    async def close(self) -> None:
        await self.session.flush()
        for hook in self._before_commit:
            await hook(self)
        await self.put_out()

    async def put_out(self) -> list[UUID]:
        """Write what was emitted to the outbox now instead of at the end; returns the events' ids."""
        rows, self.emitted = self.emitted, []
        return await write(self.session, self.keyring, self.schema, self.practice_id, rows) if rows else []


@dataclass(frozen=True)
class UnitOfWork:
    """Opens units. `schema` is where this module's outbox lives: cm, hub or platform."""

    engine: AsyncEngine
    clock: Clock
    keyring: Keyring
    schema: str = "cm"

    @asynccontextmanager
    async def __call__(self, actor: Actor, *, now: datetime | None = None) -> AsyncIterator[Unit]:
        """Commit on a clean exit, roll back on any error. `now` only for virtual time."""
        async with (
            AsyncSession(self.engine, expire_on_commit=False) as session,
            tenant(session, actor.practice_id),
        ):
            unit = Unit(session, actor, now or self.clock.now(), self.keyring, self.schema)
            yield unit
            await unit.close()
        unit.committed()
