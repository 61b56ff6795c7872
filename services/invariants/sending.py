"""What may never be true of a request to the Hub."""

from services.access.contracts import PracticeSettings
from services.followups.rules import JUDGED_AS
from services.gates.reasons import Reason
from services.invariants.contracts import Invariant

_CAPS = PracticeSettings().caps.model_dump_json().replace(":", r"\:")  # a colon would bind a value
_CODES = ", ".join(f"'{reason.value}'" for reason in Reason)

# A request that committed before the suppression is taken back by it, so it is cancelled (the Hub
# may already have sent it by then: it keeps the reason of the cancellation). One that carries a
# later time than an acknowledged suppression and was not taken back should never have been made.
AFTER_SUPPRESSION = f"""
SELECT d.dispatch_id, d.campaign_id, d.step_id, d.contact_id, s.reason, s.applied_at, d.requested_at
FROM cm.dispatch d
LEFT JOIN cm.campaign c ON c.practice_id = d.practice_id AND c.campaign_id = d.campaign_id
JOIN cm.suppression s ON s.practice_id = d.practice_id AND s.contact_id = d.contact_id
WHERE d.practice_id = :practice AND d.requested_at >= :since
  AND d.requested_at > s.applied_at
  AND (s.lifted_at IS NULL OR d.requested_at < s.lifted_at)
  AND (s.expires_at IS NULL OR d.requested_at < s.expires_at)
  AND d.status NOT IN ('cancelled', 'cancel_requested')
  AND coalesce(d.failure, '') NOT IN ({_CODES})
  AND CASE s.scope WHEN 'all' THEN true
    WHEN 'types' THEN coalesce(c.campaign_type, '{JUDGED_AS}') = ANY (s.campaign_types)
    WHEN 'campaign' THEN d.campaign_id = s.campaign_id
    WHEN 'goal' THEN c.objective = s.goal
    WHEN 'topic' THEN d.topic = s.topic
    WHEN 'channel' THEN s.channel = ANY (d.channels) END
  -- Asked for when this person still had two records: what held for one was not known for the other.
  AND NOT EXISTS (SELECT 1 FROM cm.subject m WHERE m.practice_id = d.practice_id AND m.merged_into = d.contact_id
    AND d.requested_at <= m.merged_at)
"""

SENT_TWICE = """
SELECT d.enrolment_id, d.move_no, count(*) AS requests
FROM cm.dispatch d WHERE d.practice_id = :practice AND d.requested_at >= :since
GROUP BY d.enrolment_id, d.move_no HAVING count(*) > 1
"""

WITHOUT_ENROLMENT = """
SELECT d.dispatch_id, d.enrolment_id, d.move_no
FROM cm.dispatch d LEFT JOIN cm.whereabouts e ON e.practice_id = d.practice_id AND e.enrolment_id = d.enrolment_id
WHERE d.practice_id = :practice AND d.requested_at >= :since
  AND (e.enrolment_id IS NULL OR e.contact_id <> d.contact_id OR e.move_no <= d.move_no)
  AND NOT EXISTS (SELECT 1 FROM cm.followup f WHERE f.practice_id = d.practice_id AND f.followup_id = d.enrolment_id
    AND f.contact_id = d.contact_id AND f.dispatch_id = d.dispatch_id AND f.state = 'sent')
"""

# Only requests that were written after the settings last changed: older ones had older caps.
LOOSER_CAPS = f"""
SELECT o.dispatch_id, o.data -> 'caps' AS caps, p.caps AS practice_caps
FROM cm.outbox o
JOIN (SELECT practice_id, coalesce(settings -> 'caps', CAST('{_CAPS}' AS jsonb)) AS caps
      FROM cm.practice) p ON p.practice_id = o.practice_id
CROSS JOIN LATERAL (SELECT
  (o.data #>> '{{caps,max_touches}}')::integer AS touches, (p.caps ->> 'max_touches')::integer AS most,
  coalesce((o.data #>> '{{caps,per_days}}')::integer, 0) AS days, coalesce((p.caps ->> 'per_days')::integer, 7) AS in_days,
  (o.data #>> '{{caps,min_gap_hours}}')::integer AS gap, (p.caps ->> 'min_gap_hours')::integer AS least) v
WHERE o.practice_id = :practice AND o.type = 'campaign.step.requested'
  AND o.occurred_at > coalesce((SELECT max(a.at) FROM cm.audit a
    WHERE a.practice_id = :practice AND a.tag = 'settings.changed' AND a.at >= :since), '-infinity')
  AND (v.most IS NOT NULL AND coalesce(v.touches, v.most + 1) > v.most OR v.days < v.in_days
       OR v.least IS NOT NULL AND coalesce(v.gap, -1) < v.least)
"""

INVARIANTS = (
    Invariant(
        "no_request_after_suppression",
        "Nobody gets a message that was asked for after they were suppressed.",
        AFTER_SUPPRESSION,
    ),
    Invariant("no_step_twice", "No step of a journey is requested twice for the same entry.", SENT_TWICE),
    Invariant(
        "requests_belong",
        "Every request belongs to a journey that its person is in and that has moved on from it, or to a message"
        " that was planned for them.",
        WITHOUT_ENROLMENT,
    ),
    Invariant("caps_never_looser", "No request carries looser limits than the practice's own.", LOOSER_CAPS),
)
