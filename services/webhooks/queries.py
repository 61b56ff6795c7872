"""The SQL of endpoints, the fan-out and the deliveries."""

from services.webhooks.rules import OVERTAKE_AFTER

ENDPOINTS = """
SELECT e.endpoint_id, e.label, e.url, e.event_types, e.state, e.stopped_why, e.failing_since, e.last_success_at,
  CASE WHEN e.old_secret_until > :now THEN e.old_secret_until END AS old_secret_until, e.created_at,
  (SELECT count(*) FROM cm.webhook_delivery d WHERE d.practice_id = :practice AND d.endpoint_id = e.endpoint_id
     AND d.status = 'waiting') AS waiting,
  (SELECT count(*) FROM cm.webhook_delivery d WHERE d.practice_id = :practice AND d.endpoint_id = e.endpoint_id
     AND d.status = 'failed') AS failed
FROM cm.webhook_endpoint e WHERE e.practice_id = :practice AND (CAST(:endpoint AS uuid) IS NULL OR e.endpoint_id = :endpoint)
ORDER BY e.created_at, e.endpoint_id
"""
ADD = """
INSERT INTO cm.webhook_endpoint (practice_id, endpoint_id, label, url, event_types, state, secret, created_by, created_at)
VALUES (:practice, :endpoint, :label, :url, :types, 'on', :secret, :by, :now)
"""
CHANGE = """
UPDATE cm.webhook_endpoint SET label = :label, url = :url, event_types = :types, state = :state,
  failures = CASE WHEN :fresh THEN 0 ELSE failures END,
  failing_since = CASE WHEN :fresh THEN NULL ELSE failing_since END,
  quiet_until = CASE WHEN :fresh THEN NULL ELSE quiet_until END,
  stopped_why = CASE WHEN :fresh THEN '' ELSE stopped_why END
WHERE practice_id = :practice AND endpoint_id = :endpoint AND state = :was
"""
ROTATE = """
UPDATE cm.webhook_endpoint SET old_secret = secret, old_secret_until = :until, secret = :secret
WHERE practice_id = :practice AND endpoint_id = :endpoint
"""
REMOVE = "DELETE FROM cm.webhook_endpoint WHERE practice_id = :practice AND endpoint_id = :endpoint"
FORGET = "DELETE FROM cm.webhook_delivery WHERE practice_id = :practice AND endpoint_id = :endpoint"
SECRETS = """
SELECT url, secret, CASE WHEN old_secret_until > :now THEN old_secret END AS old_secret
FROM cm.webhook_endpoint WHERE practice_id = :practice AND endpoint_id = :endpoint AND state = 'on'
"""

# One row an event and endpoint that asked for it. The event's id is part of the key: an event that
# the bus brings twice is queued once.
FAN_OUT = """
INSERT INTO cm.webhook_delivery (practice_id, endpoint_id, event_id, type, contact_id, queued_at, due_at, body)
SELECT :practice, e.endpoint_id, t.event_id, t.type, t.contact_id, :now, :now, t.body
FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:contacts AS uuid[]), CAST(:ats AS timestamptz[]),
  CAST(:bodies AS bytea[])) AS t(event_id, type, contact_id, at, body)
JOIN cm.webhook_endpoint e ON e.practice_id = :practice AND e.state = 'on' AND t.type = ANY (e.event_types)
  AND t.at >= e.created_at
ON CONFLICT DO NOTHING
"""
QUEUE_ONE = """
INSERT INTO cm.webhook_delivery (practice_id, endpoint_id, event_id, type, queued_at, due_at, body)
VALUES (:practice, :endpoint, :event, :type, :now, :now, :body)
"""

DUE_ENDPOINTS = """
SELECT e.endpoint_id FROM cm.webhook_endpoint e
WHERE e.practice_id = :practice AND e.state = 'on' AND (e.quiet_until IS NULL OR e.quiet_until <= :now)
  AND EXISTS (SELECT 1 FROM cm.webhook_delivery d WHERE d.practice_id = :practice AND d.endpoint_id = e.endpoint_id
              AND d.status = 'waiting' AND d.due_at <= :now)
"""
MOST = 20
"""Deliveries of one endpoint on their way at the same time."""
# Claiming is leasing: until `lease` nobody else takes the row, afterwards anybody does. An endpoint
# that fails gets one request at a time. Of a contact's events the earliest goes first.
CLAIM = f"""
WITH c AS MATERIALIZED (
  SELECT x.event_id FROM cm.webhook_delivery x
  WHERE x.practice_id = :practice AND x.endpoint_id = :endpoint AND x.status = 'waiting' AND x.due_at <= :now
    AND NOT EXISTS (SELECT 1 FROM cm.webhook_delivery b WHERE b.practice_id = :practice AND b.endpoint_id = :endpoint
      AND b.status = 'waiting' AND b.contact_id = x.contact_id AND b.event_id < x.event_id AND b.attempts < {OVERTAKE_AFTER})
  ORDER BY x.due_at, x.event_id LIMIT {MOST} FOR UPDATE SKIP LOCKED
)
UPDATE cm.webhook_delivery d SET attempts = d.attempts + 1, due_at = :lease, tried_at = :now
FROM c WHERE d.practice_id = :practice AND d.endpoint_id = :endpoint AND d.event_id = c.event_id
RETURNING d.event_id, d.body, d.attempts
"""
# While an endpoint fails, one request finds out whether it is back.
CLAIM_ONE = CLAIM.replace(f"LIMIT {MOST}", "LIMIT 1")
FAILURES = (
    "SELECT failures FROM cm.webhook_endpoint WHERE practice_id = :practice AND endpoint_id = :endpoint"
)

RECORD = """
UPDATE cm.webhook_delivery d SET status = t.status, code = t.code, problem = t.problem, due_at = coalesce(t.due, d.due_at),
  delivered_at = CASE WHEN t.status = 'delivered' THEN CAST(:now AS timestamptz) END
FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:codes AS integer[]), CAST(:problems AS text[]),
  CAST(:dues AS timestamptz[])) AS t(event_id, status, code, problem, due)
WHERE d.practice_id = :practice AND d.endpoint_id = :endpoint AND d.event_id = t.event_id AND d.status = 'waiting'
"""
WELL = """
UPDATE cm.webhook_endpoint SET failures = 0, failing_since = NULL, quiet_until = NULL, last_success_at = :now
WHERE practice_id = :practice AND endpoint_id = :endpoint
"""
UNWELL = """
UPDATE cm.webhook_endpoint SET failures = failures + 1, failing_since = coalesce(failing_since, :now)
WHERE practice_id = :practice AND endpoint_id = :endpoint AND state = 'on' RETURNING failures, failing_since
"""
QUIET = """
UPDATE cm.webhook_endpoint SET quiet_until = :until WHERE practice_id = :practice AND endpoint_id = :endpoint
"""
STOP = """
UPDATE cm.webhook_endpoint SET state = 'stopped', stopped_why = :why
WHERE practice_id = :practice AND endpoint_id = :endpoint AND state = 'on'
"""
PARK = """
UPDATE cm.webhook_delivery SET status = 'failed', problem = CASE WHEN problem = '' THEN :why ELSE problem END
WHERE practice_id = :practice AND endpoint_id = :endpoint AND status = 'waiting'
"""

DELIVERIES = """
SELECT event_id, type, status, attempts, code, problem, queued_at, tried_at,
  CASE WHEN status = 'waiting' THEN due_at END AS due_at, delivered_at
FROM cm.webhook_delivery
WHERE practice_id = :practice AND endpoint_id = :endpoint AND (CAST(:status AS text) = '' OR status = :status)
  AND (CAST(:before AS uuid) IS NULL OR event_id < :before)
ORDER BY event_id DESC LIMIT :limit
"""
RETRY = """
UPDATE cm.webhook_delivery SET status = 'waiting', attempts = 0, due_at = :now
WHERE practice_id = :practice AND endpoint_id = :endpoint AND status = 'failed'
  AND (CAST(:event AS uuid) IS NULL OR event_id = :event)
"""
EXPIRE = """
DELETE FROM cm.webhook_delivery WHERE (practice_id, endpoint_id, event_id) IN (
  SELECT practice_id, endpoint_id, event_id FROM cm.webhook_delivery
  WHERE practice_id = :practice AND queued_at < :before LIMIT 10000)
"""
