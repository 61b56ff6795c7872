"""SQL of follow-ups. The drain takes the follow-up and the contact's lock together (house rule 5)."""

from uuid import UUID

from services.contracts.journey import Channel
from services.gates.statement import verdicts

NO_CAMPAIGN = UUID(int=0)
"""Stands where a journey's message names its campaign and version."""

ROW = """
SELECT f.followup_id, f.contact_id, f.state, f.due_at, f.channels, f.template_id, f.content_ref, f.why, f.external_key,
  coalesce(p.display_name, '') AS planned_by, f.created_at, f.ended_at, coalesce(f.reason, '') AS reason, f.note,
  f.dispatch_id, d.status AS message_status, d.channel AS message_channel
FROM cm.followup f
LEFT JOIN cm.person p ON p.practice_id = f.practice_id AND p.person_id = f.created_by
LEFT JOIN cm.dispatch d ON d.practice_id = f.practice_id AND d.dispatch_id = f.dispatch_id
WHERE f.practice_id = :practice
"""

INSERT = """
INSERT INTO cm.followup (practice_id, followup_id, contact_id, due_at, channels, content_ref, content, template_id, why,
  external_key, created_by, created_at)
VALUES (:practice, :followup, :contact, :due, :channels, :ref, :content, :template, :why, :key, :by, :now)
"""

# Two creates with one key, or for one person's last place, wait for each other here.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"

PENDING = """
SELECT count(*) AS practice, count(*) FILTER (WHERE contact_id = :contact) AS person
FROM cm.followup WHERE practice_id = :practice AND state = 'pending'
"""

KNOWN = "SELECT 1 FROM canonical.contact WHERE practice_id = :practice AND contact_id = :contact"

MOVE = """
UPDATE cm.followup SET due_at = :due WHERE practice_id = :practice AND followup_id = :followup AND state = 'pending'
RETURNING contact_id
"""

CANCEL = """
UPDATE cm.followup SET state = 'cancelled', ended_at = :now, ended_by = :by, note = :note
WHERE practice_id = :practice AND followup_id = :followup AND state = 'pending'
RETURNING contact_id
"""

# What a suppression of this scope stops. A row the drain holds is waited for; it is sent by then,
# and what was sent is taken back as every request is.
STOP = """
UPDATE cm.followup f SET state = 'cancelled', ended_at = :now, ended_by = :by, reason = t.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact uuid, reason text, scope text, channel text, topic text, types text[])
WHERE f.practice_id = :practice AND f.contact_id = t.contact AND f.state = 'pending'
  AND CASE t.scope WHEN 'all' THEN true
    WHEN 'types' THEN CAST(:judged_as AS text) = ANY (t.types)
    WHEN 'topic' THEN CAST(:own_topic AS text) = t.topic
    WHEN 'channel' THEN f.channels = ARRAY[t.channel] ELSE false END
RETURNING f.contact_id, f.followup_id, f.due_at
"""

# Erasure: the words themselves, why, and what staff noted. Nothing of it can be had back.
FORGET = """
UPDATE cm.followup SET content = '', why = '', note = ''
WHERE practice_id = :practice AND contact_id = :contact AND (content <> '' OR why <> '' OR note <> '')
RETURNING content_ref
"""
# Words not yet published, unless somebody else is to get the same.
UNPUBLISHED = """
DELETE FROM cm.outbox o WHERE o.practice_id = :practice AND o.type = 'campaign.content.published'
  AND o.data->>'content_ref' = ANY (:refs)
  AND NOT EXISTS (SELECT 1 FROM cm.followup f WHERE f.practice_id = :practice AND f.contact_id <> :contact
    AND f.content_ref = o.data->>'content_ref')
"""

# A kill switch waits for the batch in flight and stops the next (D11).
MAY_SEND = """
SELECT (SELECT p.kill_switch_at FROM cm.practice p WHERE p.practice_id = :practice FOR SHARE) IS NULL
   AND (SELECT k.kill_switch_at FROM cm.platform_control k FOR SHARE) IS NULL
"""

DUE_WAYS = """
SELECT channels, count(*) AS due FROM cm.followup WHERE practice_id = :practice AND state = 'pending' AND due_at <= :now
GROUP BY channels ORDER BY min(due_at), channels
"""

TABLE = """
CREATE TEMP TABLE IF NOT EXISTS due_followup (
  followup_id uuid NOT NULL, contact_id uuid NOT NULL, planned_at timestamptz NOT NULL, due_at timestamptz NOT NULL,
  content_ref text NOT NULL
) ON COMMIT DELETE ROWS
"""
EMPTY = "DELETE FROM pg_temp.due_followup"

# One a person and drain, so that the caps see the one before. Neither lock is waited for.
CLAIM = """
INSERT INTO pg_temp.due_followup (followup_id, contact_id, planned_at, due_at, content_ref)
SELECT f.followup_id, f.contact_id, f.created_at, f.due_at, f.content_ref
FROM cm.followup f JOIN cm.subject s ON s.practice_id = f.practice_id AND s.contact_id = f.contact_id
WHERE f.practice_id = :practice AND f.state = 'pending' AND f.due_at <= :now AND f.channels = CAST(:channels AS text[])
  AND NOT EXISTS (SELECT 1 FROM cm.followup e WHERE e.practice_id = f.practice_id AND e.contact_id = f.contact_id
    AND e.state = 'pending' AND (e.due_at, e.followup_id) < (f.due_at, f.followup_id))
ORDER BY f.due_at, f.followup_id LIMIT 1000
FOR UPDATE OF f SKIP LOCKED FOR SHARE OF s SKIP LOCKED
"""

_DRAIN = """
WITH cand AS (
  SELECT k.*, s.pseudonym FROM pg_temp.due_followup k
  JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = k.contact_id
  -- Asked after the lock: about whom something came in, it stays due until that has been taken in.
  WHERE NOT EXISTS (SELECT 1 FROM cm.notice n WHERE n.practice_id = :practice AND n.contact_id = k.contact_id)
),
{verdicts},
n AS MATERIALIZED (
  SELECT v.contact_id, v.followup_id, v.planned_at, v.due_at, v.content_ref, v.pseudonym, v.channels, v.channel_verdicts,
    v.reason, CASE WHEN v.reason IS NULL THEN 'sent' ELSE 'failed' END AS state,
    CASE WHEN v.reason IS NULL THEN uuidv7() END AS dispatch_id, uuidv7() AS audit_id, row_number() OVER () + :first_seq AS seq
  FROM verdict v
),
dispatched AS (
  INSERT INTO cm.dispatch (practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, campaign_id, version_id,
    step_id, contact_id, channels, topic, variant, content_ref, requested_at, status_at)
  SELECT :practice, dispatch_id, planned_at, followup_id, 0, :campaign, :version, :step, contact_id,
    channels, :topic, '', content_ref, :now, :now
  FROM n WHERE reason IS NULL
),
outgoing AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)
  SELECT :practice, dispatch_id, 'campaign.step.requested', contact_id, dispatch_id, :now, CAST(
    CAST(:request AS jsonb) || jsonb_build_object('dispatch_id', dispatch_id, 'idempotency_key', followup_id || '/0',
      'followup_id', followup_id, 'contact_id', contact_id, 'channels', channels, 'variant', '', 'content_ref', content_ref) AS json)
  FROM n WHERE reason IS NULL
),
told AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, occurred_at, data)
  SELECT :practice, uuidv7(), 'campaign.followup.' || state, contact_id, :now, json_build_object('followup_id', followup_id,
    'contact_id', contact_id, 'practice_id', CAST(:practice AS uuid), 'state', state, 'due_at', due_at,
    'dispatch_id', dispatch_id, 'reason', coalesce(reason, ''))
  FROM n
),
refusals AS (
  INSERT INTO cm.refusal (practice_id, refusal_id, at, contact_id, campaign_id, version_id, step_id, enrolment_id, move_no, reason, inputs)
  SELECT :practice, uuidv7(), :now, contact_id, :campaign, :version, :step, followup_id, 0, reason,
    jsonb_build_object('channels', CAST(channel_verdicts AS jsonb))
  FROM n WHERE reason IS NOT NULL
),
audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, pseudonym, reason, detail, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, tag, :by, pseudonym, reason, detail,
    cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, tag, :by, NULL, NULL, pseudonym, reason, detail)
  FROM (SELECT audit_id, seq, pseudonym, coalesce(reason, '') AS reason, 'followup.' || state AS tag,
          '{{"consent":' || channel_verdicts || ',"followup":"' || followup_id || '"}}' AS detail FROM n) a
),
settled AS (
  UPDATE cm.followup f SET state = n.state, ended_at = :now, ended_by = :by, reason = n.reason, dispatch_id = n.dispatch_id
  FROM n WHERE f.practice_id = :practice AND f.followup_id = n.followup_id
),
counted AS (
  INSERT INTO cm.metric (practice_id, campaign_id, version_id, step_id, variant, day, name, value)
  SELECT :practice, :campaign, :version, :step, '', :day, CASE state WHEN 'sent' THEN 'requested' ELSE 'refused' END, count(*)
  FROM n GROUP BY state ORDER BY state
  ON CONFLICT (practice_id, campaign_id, version_id, step_id, variant, channel, day, name)
  DO UPDATE SET value = cm.metric.value + excluded.value
)
SELECT count(*) FILTER (WHERE reason IS NULL) AS sent, count(*) FILTER (WHERE reason IS NOT NULL) AS failed FROM n
"""


def drain_sql(channels: list[Channel]) -> str:
    """The gates asked about every claimed row, and what follows from the answer, in one statement."""
    return _DRAIN.format(verdicts=verdicts(channels))
