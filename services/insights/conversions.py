"""Conversions: which enrolments an outcome belongs to (INS-2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.audit import append
from services.audit.tags import AuditTag
from services.campaigns.service import journey_of
from services.contracts.events import CampaignMessage
from services.insights import queries
from services.kit.uow import Unit

LONGEST_WINDOW = timedelta(days=30)
"""001 BR-CAM-005.3; a journey's own goal window is 1 to 30 days, 7 unless it says otherwise."""


async def record_conversions(
    u: Unit, contact_id: UUID, *, what: str, event_ref: str, value: float, at: datetime
) -> int:
    """Link an outcome (`booking`, `opportunity`, `revenue`) to every enrolment of the contact
    whose message left within its journey's goal window before `at`; returns how many.

    Idempotent by `event_ref`: the same appointment or opportunity counts once an enrolment.
    """
    versions = await u.execute(
        queries.TOUCHING_VERSIONS,
        practice=u.practice_id,
        contact=contact_id,
        at=at,
        since=at - 2 * LONGEST_WINDOW,  # requested earlier, sent inside the window
    )
    days = {row.version_id: (await journey_of(u, row.version_id)).goal.window_days for row in versions.all()}
    if not days:
        return 0
    made = await u.execute(
        queries.RECORD,
        practice=u.practice_id,
        contact=contact_id,
        versions=list(days),
        days=list(days.values()),
        what=what,
        event_ref=event_ref,
        value=value,
        at=at,
    )
    rows = made.all()
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
