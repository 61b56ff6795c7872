"""Conversions: which enrolments an outcome belongs to (INS-2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.audit import append
from services.audit.tags import AuditTag
from services.contracts.events import CampaignMessage
from services.engine.plans import plan_of
from services.insights import queries
from services.kit.together import set_based
from services.kit.uow import Unit

LONGEST_WINDOW = timedelta(days=30)
"""001 BR-CAM-005.3; a journey's own goal window is 1 to 30 days, 7 unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Reached:
    contact_id: UUID
    what: str
    event_ref: str
    value: float
    at: datetime


@set_based(15)
async def _made(u: Unit, outcomes: Sequence[Reached]) -> list[list[Any]]:
    """The new conversions of each outcome; every contact comes once."""
    longest = 2 * LONGEST_WINDOW  # requested earlier, sent inside the window
    touching = await u.execute(
        queries.TOUCHING_VERSIONS, practice=u.practice_id, contacts=[o.contact_id for o in outcomes],
        ats=[o.at for o in outcomes], longest=longest,
    )  # fmt: skip
    days = {v: (await plan_of(u, v)).journey.goal.window_days for v in touching.scalars().all()}
    if not days:
        return [[] for _ in outcomes]
    made = await u.execute(
        queries.RECORD, practice=u.practice_id, versions=list(days), days=list(days.values()), longest=longest,
        rows=orjson.dumps([asdict(o) for o in outcomes]).decode(),
    )  # fmt: skip
    of_contact: dict[UUID, list[Any]] = {o.contact_id: [] for o in outcomes}
    for row in made.all():
        of_contact[row.contact_id].append(row)
    return [of_contact[o.contact_id] for o in outcomes]


async def record_conversions(
    u: Unit, contact_id: UUID, *, what: str, event_ref: str, value: float, at: datetime
) -> int:
    """Link an outcome (`booking`, `opportunity`, `revenue`) to every enrolment of the contact
    whose message left within its journey's goal window before `at`; returns how many.

    Idempotent by `event_ref`: the same appointment or opportunity counts once an enrolment.
    """
    rows = await _made(u, Reached(contact_id, what, event_ref, value, at))
    for row in rows:
        await append.record(
            u,
            AuditTag.CONVERSION,
            campaign_id=row.campaign_id,
            enrolment_id=row.enrolment_id,
            contact_id=contact_id,
            reason=what,
            event=event_ref,
            value=value,
        )
        message = CampaignMessage(
            campaign_id=row.campaign_id,
            practice_id=u.practice_id,
            message_id=row.dispatch_id,
            contact_id=contact_id,
            version_id=row.version_id,
            step_id=row.step_id,
            variant=row.variant,
            channel=row.channel or None,
            conversion_event=what,
            value=value,
        )
        u.emit("campaign.message.converted", message, contact_id=contact_id, dispatch_id=row.dispatch_id)
    return len(rows)
