"""`campaign.metric.updated`: the numbers of campaigns for Performance Dashboards (000 §10.4, §11.2).

Published when they changed, at most once a tick however many messages changed them, so that the
feed costs the dispatcher nothing. `cm.metric_told` holds what was said last.
"""

from datetime import timedelta

from services.kit.uow import Unit

NAMES = (
    "requested", "refused", "sent", "delivered", "opened", "clicked", "replied", "converted",
    "bounced", "complained", "failed", "unsubscribed", "stop",
)  # fmt: skip
LOOK_BACK = timedelta(days=1)
"""Numbers are kept by UTC day: whatever changed since the last tick has a row of today or yesterday."""

TELL = """
WITH busy AS (
  SELECT DISTINCT campaign_id FROM cm.metric WHERE practice_id = :practice AND day >= :since
),
changed AS (
  INSERT INTO cm.metric_told (practice_id, campaign_id, name, value, told_at)
  SELECT :practice, m.campaign_id, m.name, sum(m.value), :now FROM cm.metric m JOIN busy USING (campaign_id)
  WHERE m.practice_id = :practice AND m.name = ANY (:names) GROUP BY m.campaign_id, m.name
  ORDER BY m.campaign_id, m.name
  ON CONFLICT (practice_id, campaign_id, name) DO UPDATE SET value = excluded.value, told_at = excluded.told_at
  WHERE cm.metric_told.value <> excluded.value
  RETURNING campaign_id, name, value
)
INSERT INTO cm.outbox (practice_id, outbox_id, type, occurred_at, data)
SELECT :practice, uuidv7(), 'campaign.metric.updated', :now, json_build_object('campaign_id', campaign_id,
  'practice_id', CAST(:practice AS uuid), 'metric', name, 'value', value) FROM changed
"""


async def publish_metrics(u: Unit) -> int:
    """Tell every number that changed since it was told last; returns how many. A tick calls it."""
    told = await u.execute(
        TELL, practice=u.practice_id, now=u.now, since=(u.now - LOOK_BACK).date(), names=list(NAMES)
    )
    return int(told.rowcount)
