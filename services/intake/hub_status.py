"""What the Hub reports, taken in by the hundred: statuses, metrics, timeline (INS-1, LIF-8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.contracts.events import HubMessageEvent
from services.kit.ids import new_id
from services.kit.uow import Unit

# Statuses only move forward; a late "sent" never undoes "delivered".
APPLY = """
WITH news AS (
  SELECT * FROM unnest(CAST(:dispatches AS uuid[]), CAST(:whats AS text[]), CAST(:ats AS timestamptz[]),
    CAST(:channels AS text[]), CAST(:details AS text[]), CAST(:ids AS uuid[]), CAST(:hard AS boolean[]),
    CAST(:languages AS text[]), CAST(:rendered AS text[]))
    WITH ORDINALITY AS t(dispatch_id, what, at, channel, detail, id, hard, language, rendered, nth)
),
known AS (
  SELECT n.*, d.enrolled_at, d.enrolment_id, d.move_no, d.campaign_id, d.version_id, d.step_id, d.variant, d.contact_id,
    d.sent_at, d.delivered_at, d.opened_at, d.clicked_at, d.replied_at, d.status
  FROM news n JOIN cm.dispatch d ON d.practice_id = :practice AND d.dispatch_id = n.dispatch_id
),
firsts AS (
  SELECT enrolled_at, enrolment_id, move_no,
    max(channel) AS channel,
    min(at) FILTER (WHERE what = 'sent') AS sent_at, min(at) FILTER (WHERE what = 'delivered') AS delivered_at,
    min(at) FILTER (WHERE what = 'opened') AS opened_at, min(at) FILTER (WHERE what = 'clicked') AS clicked_at,
    min(at) FILTER (WHERE what = 'replied') AS replied_at, max(at) AS last_at,
    max(detail) FILTER (WHERE what IN ('failed', 'bounced')) AS failure,
    max(CASE what WHEN 'accepted' THEN 1 WHEN 'sent' THEN 2 WHEN 'delivered' THEN 3 WHEN 'failed' THEN 4 WHEN 'bounced' THEN 5 ELSE 0 END) AS rank
  FROM known GROUP BY 1, 2, 3
),
updated AS (
  UPDATE cm.dispatch d SET
    sent_at = coalesce(d.sent_at, f.sent_at), delivered_at = coalesce(d.delivered_at, f.delivered_at),
    opened_at = coalesce(d.opened_at, f.opened_at), clicked_at = coalesce(d.clicked_at, f.clicked_at),
    replied_at = coalesce(d.replied_at, f.replied_at), channel = coalesce(f.channel, d.channel),
    failure = coalesce(f.failure, d.failure), status_at = greatest(d.status_at, f.last_at),
    status = CASE WHEN f.rank > (CASE d.status WHEN 'accepted' THEN 1 WHEN 'cancel_requested' THEN 1 WHEN 'sent' THEN 2 WHEN 'delivered' THEN 3
        WHEN 'failed' THEN 4 WHEN 'bounced' THEN 5 ELSE 0 END)
      THEN (ARRAY['accepted', 'sent', 'delivered', 'failed', 'bounced'])[f.rank] ELSE d.status END
  FROM firsts f WHERE d.practice_id = :practice AND d.enrolled_at = f.enrolled_at AND d.enrolment_id = f.enrolment_id AND d.move_no = f.move_no
),
noted AS (
  INSERT INTO cm.message_event (practice_id, at, message_event_id, dispatch_id, campaign_id, contact_id, what, channel, detail, language, rendered)
  SELECT :practice, at, id, dispatch_id, campaign_id, contact_id, what, channel, detail, language, rendered FROM known
),
told AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)
  SELECT :practice, uuidv7(), 'campaign.message.' || CASE what WHEN 'accepted' THEN 'queued' WHEN 'stop' THEN 'unsubscribed' ELSE what END,
    contact_id, dispatch_id, at, json_strip_nulls(json_build_object('campaign_id', campaign_id, 'practice_id', CAST(:practice AS uuid),
      'message_id', dispatch_id, 'contact_id', contact_id, 'version_id', version_id, 'step_id', step_id, 'variant', variant,
      'channel', channel, 'bounce_type', CASE WHEN what = 'bounced' THEN CASE WHEN hard THEN 'hard' ELSE 'soft' END END,
      'link', CASE WHEN what = 'clicked' THEN detail END, 'reason', CASE WHEN what IN ('bounced', 'failed', 'complained') THEN detail
        WHEN what = 'stop' THEN 'STOP' END))
  FROM (SELECT * FROM known ORDER BY nth) k
),
counted AS (
  INSERT INTO cm.metric (practice_id, campaign_id, version_id, step_id, variant, channel, day, name, value)
  SELECT :practice, campaign_id, version_id, step_id, variant, coalesce(channel, ''), (at AT TIME ZONE 'UTC')::date, what, count(*)
  FROM (
    SELECT DISTINCT ON (dispatch_id, what) * FROM known k
    WHERE NOT (what = 'accepted' AND status NOT IN ('requested', 'cancel_requested') OR what = 'sent' AND sent_at IS NOT NULL OR what = 'delivered' AND delivered_at IS NOT NULL
      OR what = 'opened' AND opened_at IS NOT NULL OR what = 'clicked' AND clicked_at IS NOT NULL
      OR what = 'replied' AND replied_at IS NOT NULL OR what IN ('failed', 'bounced') AND status = what)
    ORDER BY dispatch_id, what, at) f
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
  ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
  ON CONFLICT (practice_id, campaign_id, version_id, step_id, variant, channel, day, name)
  DO UPDATE SET value = cm.metric.value + excluded.value
)
SELECT count(*) FROM known
"""


@dataclass(frozen=True, slots=True)
class Status:
    what: str
    at: datetime
    data: HubMessageEvent


async def apply_statuses(u: Unit, statuses: Sequence[Status]) -> int:
    """Take in a batch; returns how many named a dispatch of ours. Test sends do not count."""
    await _apply_tests(u, [s for s in statuses if s.data.test])
    real = [s for s in statuses if not s.data.test]
    if not real:
        return 0
    known: Any = await u.execute(
        APPLY,
        practice=u.practice_id,
        dispatches=[s.data.dispatch_id for s in real],
        whats=[s.what for s in real],
        ats=[s.at for s in real],
        channels=[s.data.channel for s in real],
        details=[s.data.link or s.data.reason for s in real],
        ids=_ids(len(real)),
        hard=[s.data.permanent for s in real],
        languages=[s.data.language for s in real],
        rendered=[s.data.rendered for s in real],
    )
    return int(known.scalar_one())


# A test message's own row; it moves forward only, and nothing else hears of it (CNT-5).
TESTS = """
UPDATE cm.test_send t SET state = n.what, reason = n.reason, state_at = :now
FROM (SELECT DISTINCT ON (id) id, what, reason FROM unnest(CAST(:ids AS uuid[]), CAST(:whats AS text[]), CAST(:reasons AS text[]))
        AS x(id, what, reason) ORDER BY id, array_position(CAST(:order AS text[]), what) DESC) n
WHERE t.practice_id = :practice AND t.test_id = n.id
  AND array_position(CAST(:order AS text[]), n.what) > array_position(CAST(:order AS text[]), t.state)
"""
TEST_STATES = ("asked", "accepted", "sent", "delivered", "failed", "bounced")


async def _apply_tests(u: Unit, statuses: Sequence[Status]) -> None:
    told = [s for s in statuses if s.what in TEST_STATES]
    if told:
        await u.execute(
            TESTS,
            practice=u.practice_id,
            now=u.now,
            ids=[s.data.dispatch_id for s in told],
            whats=[s.what for s in told],
            reasons=[s.data.reason for s in told],
            order=list(TEST_STATES),
        )


def _ids(n: int) -> list[UUID]:
    return [new_id() for _ in range(n)]
