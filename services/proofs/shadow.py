"""A world beside the real one: the production statements, written to tables nobody else can see.

Every table the engine writes or locks is shadowed by a temporary table of the same name, seeded with
what the gates have to know. Each transaction is READ ONLY to the database: it may write to the
temporary tables and cannot write or lock anything else. So a proof run can hand nothing to the Hub,
count nothing and hold nobody up, and what was forgotten here is an error, never a leak.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.engine.claim import CLAIM_TABLE
from services.engine.enrol import ENTRANT_TABLE
from services.kit.actor import Actor
from services.kit.db import tenant
from services.kit.uow import Unit, UnitOfWork

TABLES = (
    "practice", "platform_control", "campaign", "campaign_version", "execution", "audience_snapshot", "subject",
    "enrolment", "work", "transition", "dispatch", "refusal", "metric", "outbox", "audit", "audit_batch",
)  # fmt: skip
"""What the engine writes or locks. Everything else it only reads, from the real tables."""

_NAMED = re.compile(rf"\bcm\.({'|'.join(TABLES)})\b")
_MADE = re.compile(r"^\s*CREATE TEMP TABLE IF NOT EXISTS")

# What a proof has to know of the real world. The kill switch is left out: nothing is
# sent anyway. So is who has been in this campaign: it is proved as if it began now.
SEEDS = (
    "INSERT INTO pg_temp.practice SELECT * FROM cm.practice WHERE practice_id = :practice",
    "UPDATE pg_temp.practice SET kill_switch_at = NULL",
    "INSERT INTO pg_temp.platform_control DEFAULT VALUES",
    "INSERT INTO pg_temp.campaign SELECT * FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign",
    """UPDATE pg_temp.campaign SET state = 'active', kind = :kind, campaign_type = :type, objective = :objective,
       active_version_id = :version, activated_at = :now""",
    """INSERT INTO pg_temp.campaign_version (practice_id, version_id, campaign_id, number, content_hash, definition, editors,
       created_by, created_at) VALUES (:practice, :version, :campaign, 1, :hash, :definition, '{}', :nobody, :now)""",
    """INSERT INTO pg_temp.execution (practice_id, execution_id, campaign_id, version_id, number, started_at)
       VALUES (:practice, :execution, :campaign, :version, 1, :now)""",
    """INSERT INTO pg_temp.enrolment SELECT * FROM cm.enrolment
       WHERE practice_id = :practice AND (campaign_id <> :campaign AND state = 'live' OR ended_at IS NULL OR ended_at > :since)""",
    # Their messages count in the limits, as an entry of nobody's campaign.
    """UPDATE pg_temp.enrolment SET campaign_id = :nobody, state = 'exited', ended_at = coalesce(ended_at, :now),
       step_id = coalesce(step_id, '-'), move_no = coalesce(move_no, 0) WHERE campaign_id = :campaign""",
    """INSERT INTO pg_temp.dispatch SELECT * FROM cm.dispatch
       WHERE practice_id = :practice AND requested_at > :since AND status NOT IN ('cancelled', 'failed', 'bounced')""",
)


@lru_cache(maxsize=512)
def shadowed(sql: str) -> str:
    """The same statement over the temporary tables."""
    return _NAMED.sub(r"pg_temp.\1", sql)


class ShadowUnit(Unit):
    """A unit whose statements meet the shadow tables."""

    async def execute(self, sql: str, **values: Any) -> Any:
        # The engine's own temporary tables are there already; none can be made in here.
        return await super().execute("SELECT 1" if _MADE.match(sql) else shadowed(sql), **values)


@dataclass(frozen=True)
class Setting:
    """What is proved: the campaign as it would run, from `now`."""

    campaign_id: UUID
    version_id: UUID
    execution_id: UUID
    kind: str
    campaign_type: str
    objective: str
    content_hash: str
    definition: bytes
    since: datetime
    """Messages since then count against the limits."""


class Shadow(UnitOfWork):
    """Opens read-only units over one connection's temporary tables, at a time that the run moves."""

    connection: AsyncConnection
    now: datetime

    @classmethod
    @asynccontextmanager
    async def over(cls, real: UnitOfWork, actor: Actor, setting: Setting) -> AsyncIterator["Shadow"]:
        """Make the tables, and throw the connection away with them at the end."""
        async with real.engine.connect() as connection:
            shadow = cls(real.engine, real.clock, real.keyring, "pg_temp")
            object.__setattr__(shadow, "connection", connection)
            object.__setattr__(shadow, "now", real.clock.now())
            try:
                await shadow._seed(actor, setting)
                yield shadow
            finally:
                await connection.invalidate()

    def move_to(self, now: datetime) -> None:
        object.__setattr__(self, "now", now)

    @asynccontextmanager
    async def __call__(self, actor: Actor, *, now: datetime | None = None) -> AsyncIterator[Unit]:
        async with (
            AsyncSession(self.connection, expire_on_commit=False) as session,
            tenant(session, actor.practice_id),
        ):
            await session.execute(text("SET TRANSACTION READ ONLY"))
            unit = ShadowUnit(session, actor, now or self.now, self.keyring, self.schema)
            yield unit
            await unit.close()

    async def analyse(self, actor: Actor) -> None:
        """The planner knows nothing of temporary tables unless it is told."""
        async with self(actor) as u:
            for name in ("enrolment", "work", "subject", "dispatch"):
                await u.session.execute(text(f"ANALYZE pg_temp.{name}"))

    async def _seed(self, actor: Actor, setting: Setting) -> None:
        values = {
            "practice": actor.practice_id, "campaign": setting.campaign_id, "version": setting.version_id,
            "execution": setting.execution_id, "kind": setting.kind, "type": setting.campaign_type,
            "objective": setting.objective, "hash": setting.content_hash, "definition": setting.definition,
            "since": setting.since, "now": self.now, "nobody": UUID(int=0),
        }  # fmt: skip
        async with AsyncSession(self.connection) as session, tenant(session, actor.practice_id):
            for name in TABLES:
                await session.execute(text(
                    f"CREATE TEMP TABLE {name} (LIKE cm.{name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
                ))  # fmt: skip
            await session.execute(text(CLAIM_TABLE))
            await session.execute(text(ENTRANT_TABLE))
            for sql in SEEDS:
                used = {k: v for k, v in values.items() if f":{k}" in sql}
                await session.execute(text(sql), used)
