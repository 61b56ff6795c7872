"""Numbers of campaigns: by step, by group, by day, and what they are credited with.

Everything reads what engine, intake and conversions wrote in the same transaction as the act, so
a number is at most one batch behind (INS-1). Needs `read`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.insights import queries
from services.insights.contracts import (
    NAMES,
    Attribution,
    By,
    GroupNumbers,
    Model,
    SeriesDay,
    StepNumbers,
)
from services.insights.conversions import record_conversions
from services.insights.rules import END_SHARE
from services.insights.totals import Totals, totals
from services.kit.uow import Unit

__all__ = [
    "Totals",
    "attribution",
    "message_totals",
    "record_conversions",
    "series",
    "step_numbers",
    "totals",
]

MESSAGE_NAMES = (
    "requested", "sent", "delivered", "opened", "clicked", "replied", "bounced", "complained", "failed",
    "unsubscribed", "converted",
)  # fmt: skip
_KEYS: dict[By, str] = {"channel": "channel", "variant": "variant", "version": "version_id::text"}


async def step_numbers(u: Unit, campaign_id: UUID, *, version_id: UUID | None = None) -> list[StepNumbers]:
    """Every step that has a number, of all versions or of one (BLD-8)."""
    u.actor.require("read")
    which: dict[str, Any] = {"practice": u.practice_id, "campaign": campaign_id, "version": version_id}
    steps: dict[str, dict[str, Any]] = {}
    for row in await u.execute(queries.STEP_METRICS, **which):
        step = steps.setdefault(row.step_id, {"ports": {}})
        if row.name.startswith("port:"):
            step["ports"][row.name.removeprefix("port:")] = row.value
        elif row.name in NAMES:
            step[row.name] = row.value
    for sql, name in ((queries.STEP_WAITING, "waiting"), (queries.STEP_HELD, "held")):
        for row in await u.execute(sql, **which):
            steps.setdefault(row.step_id, {"ports": {}})[name] = row.people
    return [StepNumbers(step_id=step_id, **numbers) for step_id, numbers in sorted(steps.items())]


async def message_totals(
    u: Unit, campaign_id: UUID | None = None, *, by: By = "channel", days: int | None = None
) -> list[GroupNumbers]:
    """Messages by channel, variant or version (INS-1, INS-7); of one campaign or of all, ever or
    in the last `days`. What the engine counts before a channel is known is left out of channels."""
    u.actor.require("read")
    rows = await u.execute(
        queries.GROUPED.format(key=_KEYS[by]),
        practice=u.practice_id,
        campaign=campaign_id,
        first=u.now.date() - timedelta(days=days - 1) if days else None,
        names=list(MESSAGE_NAMES),
    )
    groups: dict[str, dict[str, int]] = {}
    for row in rows:
        groups.setdefault(row.key, {})[row.name] = row.value
    return [GroupNumbers(key=key, **numbers) for key, numbers in groups.items()]


async def series(
    u: Unit,
    campaign_ids: Sequence[UUID],
    *,
    names: Sequence[str] = ("sent", "delivered", "opened", "clicked"),
    first: date,
    last: date,
    step_id: str | None = None,
) -> list[SeriesDay]:
    """A line a day from `first` to `last`, both included, oldest first, zeros included."""
    u.actor.require("read")
    rows = await u.execute(
        queries.SERIES,
        practice=u.practice_id,
        campaigns=list(campaign_ids),
        names=list(names),
        first=first,
        last=last,
        step=step_id,
    )
    found = {(row.day, row.name): row.value for row in rows}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [SeriesDay(day, {name: found.get((day, name), 0) for name in names}) for day in days]


async def attribution(u: Unit, campaign_id: UUID, *, model: Model = "last", days: int = 730) -> Attribution:
    """Bookings, opportunities and revenue credited to a campaign over the last `days` (INS-2).

    An outcome is shared among all campaigns whose messages came before it within their windows,
    so that the credits of all campaigns never add up to more than happened.
    """
    u.actor.require("read")
    which: dict[str, Any] = {
        "practice": u.practice_id,
        "campaign": campaign_id,
        "since": u.now - timedelta(days=days),
    }
    credited = await u.execute(queries.CREDITED, **which, model=model, end_share=END_SHARE)
    row = credited.mappings().one()
    steps = await u.execute(queries.CREDITED_STEPS, **which)
    return Attribution(model=model, **row, by_step={step.step_id: step.outcomes for step in steps})
