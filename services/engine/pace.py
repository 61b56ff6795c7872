"""The declared rates of a campaign and of its steps, honoured when messages are requested (ENG-4,
001 BR-CAM-006).

Who sends for a paced campaign or step holds its lock until the commit, so several workers together never
exceed the rate; another worker that finds it taken turns to other work. What does not fit stays due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.journey import Pace
from services.engine.claim import DueStep
from services.kit.uow import Unit

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('pace/' || CAST(:campaign AS text), 0))"
USED = """
SELECT coalesce(sum(used) FILTER (WHERE at > :minute), 0) AS minute, coalesce(sum(used), 0) AS hour,
  min(at) FILTER (WHERE at > :minute) AS minute_from, min(at) AS hour_from
FROM cm.paced WHERE practice_id = :practice AND campaign_id = :campaign AND step_id = :step AND at > :hour
"""
SPEND = """
INSERT INTO cm.paced (practice_id, campaign_id, at, paced_id, step_id, used)
SELECT :practice, :campaign, :now, uuidv7(), step, :used FROM unnest(CAST(:steps AS text[])) AS step
"""
FORGET = "DELETE FROM cm.paced WHERE practice_id = :practice AND campaign_id = :campaign AND at <= :hour"
WAIT = """
INSERT INTO cm.paced_until (practice_id, version_id, step_id, until) VALUES (:practice, :version, :step, :until)
ON CONFLICT (practice_id, version_id, step_id) DO UPDATE SET until = excluded.until
"""
WAITING = "SELECT version_id, step_id FROM cm.paced_until WHERE practice_id = :practice AND until > :now"


WHOLE = ""
"""Stands for the campaign where a step's id stands."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many messages may be requested now, and whose rates (`WHOLE`, a step) they count against.
    `busy`: another worker is sending for this campaign."""

    most: int
    counts: tuple[str, ...] = ()
    busy: bool = False


async def allowance(u: Unit, due: DueStep, whole: Pace, step: Pace) -> Allowance | None:
    """What the rates of the campaign and of the step leave for now, the less of both; None when
    neither declares one. Keeps others out until the commit. With nothing left, the step is not
    looked at again before something is."""
    rates = {key: pace for key, pace in ((WHOLE, whole), (due.step_id, step)) if _limits(pace)}
    if not rates:
        return None
    if not (await u.execute(LOCK, campaign=str(due.campaign_id))).scalar_one():
        return Allowance(0, busy=True)
    left, free_at = [], u.now
    for key, pace in rates.items():
        most, again = await _left(u, due, key, pace)
        left.append(most)
        free_at = max(free_at, again)
    most = min(left)
    if most == 0:
        await u.execute(WAIT, practice=u.practice_id, version=due.version_id, step=due.step_id, until=free_at)
    return Allowance(most, tuple(rates))


async def _left(u: Unit, due: DueStep, key: str, pace: Pace) -> tuple[int, datetime]:
    """How many one rate still allows, and when it allows more if that is none."""
    used = (
        await u.execute(
            USED,
            practice=u.practice_id,
            campaign=due.campaign_id,
            step=key,
            minute=u.now - MINUTE,
            hour=u.now - HOUR,
        )
    ).one()
    left, free_at = [], u.now
    for rate, spent, since, period in (
        (pace.per_minute, used.minute, used.minute_from, MINUTE),
        (pace.per_hour, used.hour, used.hour_from, HOUR),
    ):
        if rate is None:
            continue
        left.append(max(rate - int(spent), 0))
        if spent >= rate and since is not None:
            free_at = max(free_at, since + period)
    return min(left), free_at


def _limits(pace: Pace) -> bool:
    return pace.per_minute is not None or pace.per_hour is not None


async def spend(u: Unit, campaign_id: UUID, counts: Sequence[str], requested: int) -> None:
    """Count what this batch requested against each rate; what no rate looks back on any more is
    forgotten."""
    if requested:
        await u.execute(
            SPEND,
            practice=u.practice_id,
            campaign=campaign_id,
            now=u.now,
            steps=list(counts),
            used=requested,
        )
    await u.execute(FORGET, practice=u.practice_id, campaign=campaign_id, hour=u.now - HOUR)


async def resting(u: Unit) -> set[tuple[UUID, str]]:
    """(version, step) with a rate that is used up for now."""
    rows = await u.execute(WAITING, practice=u.practice_id, now=u.now)
    return {(row.version_id, row.step_id) for row in rows}
