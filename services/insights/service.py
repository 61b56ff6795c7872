"""Conversions: which enrolments an outcome belongs to."""

from datetime import datetime
from uuid import UUID

from services.kit.uow import Unit

ATTRIBUTE = """
INSERT INTO cm.conversion (practice_id, conversion_id, campaign_id, enrolment_id, contact_id, dispatch_id, what, event_ref, value, at)
SELECT DISTINCT ON (d.enrolment_id) :practice, uuidv7(), d.campaign_id, d.enrolment_id, :contact, d.dispatch_id, :what, :event_ref, :value, :at
FROM cm.dispatch d WHERE d.practice_id = :practice AND d.contact_id = :contact AND d.requested_at <= :at
  AND d.requested_at > CAST(:at AS timestamptz) - interval '7 days' AND d.status NOT IN ('cancelled', 'failed', 'bounced')
ORDER BY d.enrolment_id, d.requested_at DESC
ON CONFLICT DO NOTHING
"""


async def record_conversions(
    u: Unit, contact_id: UUID, *, what: str, event_ref: str, value: float, at: datetime
) -> int:
    """Attribute an outcome to the enrolments whose message came before it; idempotent by `event_ref`."""
    made = await u.execute(
        ATTRIBUTE,
        practice=u.practice_id,
        contact=contact_id,
        what=what,
        event_ref=event_ref,
        value=value,
        at=at,
    )
    return int(made.rowcount)
