"""Requests that the Hub never answered are offered again (EVT-5).

The bus keeps what it acknowledged, but a bus can be lost whole: a disk, a failover to a copy that
was behind. What was requested is on record here, so silence is enough to know: a request without
an answer is written to the outbox once more. The Hub knows its key and repeats its answer.
"""

from datetime import timedelta
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.events import ContactCaps
from services.contracts.journey import Message
from services.engine.claim import GUARD
from services.engine.plans import plan_of, policy_for
from services.kit.uow import Unit

SILENCE = timedelta(minutes=10)
"""An answer takes seconds; after this long nobody waits for it any more."""
GIVEN_UP = timedelta(days=2)
"""What is older would come as a surprise to its reader, and stays as it is."""

# `status_at` moves with every offer, so each is made once in ten minutes. A request that is still
# in the outbox has not been silent: it has not been heard.
SILENT = """
FROM cm.dispatch d
WHERE d.practice_id = :practice AND d.status = 'requested' AND d.status_at < :before
  AND d.requested_at > :oldest AND d.requested_at < :before
  AND NOT EXISTS (SELECT 1 FROM cm.outbox o WHERE o.practice_id = :practice
                  AND o.contact_id = d.contact_id AND o.dispatch_id = d.dispatch_id)
"""
STEPS = f"SELECT DISTINCT d.campaign_id, d.version_id, d.step_id {SILENT}"
# Locked, and asked for its status again once the lock is held: a suppression that came first wins,
# one that comes later takes this offer back with the request.
OFFER = f"""
WITH silent AS (
  SELECT d.enrolled_at, d.enrolment_id, d.move_no, d.dispatch_id, d.contact_id, d.channels, d.variant, d.content_ref
  {SILENT} AND d.campaign_id = :campaign AND d.version_id = :version AND d.step_id = :step
  ORDER BY d.dispatch_id LIMIT 5000 FOR UPDATE OF d SKIP LOCKED
), noted AS (
  UPDATE cm.dispatch d SET status_at = :now FROM silent s
  WHERE d.practice_id = :practice AND d.enrolled_at = s.enrolled_at AND d.enrolment_id = s.enrolment_id AND d.move_no = s.move_no
)
INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)
SELECT :practice, uuidv7(), 'campaign.step.requested', s.contact_id, s.dispatch_id, :now,
  CAST('{{' || CAST(:request AS text) || ',"dispatch_id":"' || s.dispatch_id || '","idempotency_key":"' || s.enrolment_id || '/' || s.move_no
    || '","enrolment_id":"' || s.enrolment_id || '","contact_id":"' || s.contact_id || '","channels":' || array_to_json(s.channels)
    || ',"variant":"' || s.variant || '","content_ref":"' || s.content_ref || '"}}' AS json)
FROM silent s
"""


async def offer_again(u: Unit) -> int:
    """The tick: every silent request of the practice once more; returns how many."""
    when = {
        "practice": u.practice_id, "before": u.now - SILENCE, "oldest": u.now - GIVEN_UP,
    }  # fmt: skip
    offered = 0
    for row in (await u.execute(STEPS, **when)).all():
        if not await _may_ask(u, row.campaign_id):
            continue
        request = await _constant(u, row.campaign_id, row.version_id, row.step_id)
        done = await u.execute(
            OFFER, **when, now=u.now, campaign=row.campaign_id, version=row.version_id, step=row.step_id,
            request=request,
        )  # fmt: skip
        if done.rowcount:
            await record(
                u, AuditTag.STEP_OFFERED_AGAIN, campaign_id=row.campaign_id, step=row.step_id,
                requests=done.rowcount,
            )  # fmt: skip
        offered += done.rowcount
    return offered


async def _may_ask(u: Unit, campaign_id: UUID) -> bool:
    """Not while it is paused or a kill switch is on. A campaign that came to its end has asked for
    its last messages before, and they count."""
    row = (await u.execute(GUARD, practice=u.practice_id, campaign=campaign_id)).one()
    stopped = row.practice_stop is not None or row.platform_stop is not None
    return row.state in ("active", "completed") and not stopped


async def _constant(u: Unit, campaign_id: UUID, version_id: UUID, step_id: str) -> str:
    """What the requests of a step share, as the inside of a JSON object; caps as they are now."""
    plan = await plan_of(u, version_id)
    step = plan.steps[step_id]
    assert isinstance(step, Message)
    policy = await policy_for(u, campaign_id, version_id, plan, step)
    caps = ContactCaps(
        **policy.caps.model_dump(exclude={"exclusive"}),
        quiet_start=policy.quiet_start,
        quiet_end=policy.quiet_end,
    )
    body = {
        "practice_id": u.practice_id, "campaign_id": campaign_id, "version_id": version_id,
        "step_id": step_id, "topic": policy.topic, "purpose": policy.purpose,
        "caps": caps.model_dump(mode="json"),
    }  # fmt: skip
    return orjson.dumps(body).decode()[1:-1]
