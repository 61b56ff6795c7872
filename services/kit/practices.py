"""Looking across practices: which of them has work of a kind waiting (ENG-3).

Thousands of practices share one worker, and most have nothing to do at any moment: the database is
asked once for those that have, never each in turn. The function names practices and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

Work = Literal[
    "engine", "relay", "activate", "recurring", "expire", "seal", "recount", "ask", "followups", "offers", "care_plans",
    "segments", "invariants", "proofs", "metric_feed", "deliveries", "approvals",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A practice with work. `turn` is when the engine served it last, counted in turns."""

    practice_id: UUID
    turn: int | None


async def practices_with(engine: AsyncEngine, work: Work, now: datetime) -> list[Waiting]:
    """Practices where `work` is due at `now`; for the engine, those served longest ago first."""
    async with engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT practice_id, turn FROM cm.practices_with(:work, :now)"), {"work": work, "now": now}
        )
        return [Waiting(row.practice_id, row.turn) for row in rows]
