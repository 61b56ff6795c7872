"""The Hub's SQL, set-based: rows travel as one JSON value, in and out of one statement."""

ONE_INTAKE = "SELECT pg_advisory_xact_lock(hashtextextended('hub/intake/' || CAST(:practice AS text), 0))"
ONE_DECIDER = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended('hub/decide/' || CAST(:practice AS text), 0))"
)

PRACTICES = "SELECT * FROM hub.practice_ids()"
PRACTICE = """
SELECT practice_id, name, timezone, postal_address, phone, email, booking_url
FROM canonical.practice
WHERE practice_id = :practice
"""

# --- Intake ------------------------------------------------------------------------------------

REMEMBER = """
INSERT INTO hub.inbox (practice_id, source, event_id, received_at)
SELECT :practice, x.source, x.id, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(source text, id text)
ON CONFLICT DO NOTHING RETURNING source, event_id
"""

ADD_CONTENT = """
INSERT INTO hub.content (practice_id, content_ref, words, received_at)
SELECT :practice, x.content_ref, decode(x.words, 'hex'), :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(content_ref text, words text)
ON CONFLICT DO NOTHING
"""

ACCEPT = """
INSERT INTO hub.message (practice_id, dispatch_id, idempotency_key, campaign_id, contact_id, channels,
  content_ref, variant, topic, purpose, caps, test, state, due_at, token, traceparent, accepted_at)
SELECT :practice, x.dispatch_id, x.idempotency_key, x.campaign_id, x.contact_id, x.channels,
  x.content_ref, x.variant, x.topic, x.purpose, x.caps, x.test,
  CASE WHEN c.dispatch_id IS NULL THEN 'queued' ELSE 'cancelled' END,
  greatest(coalesce(x.not_before, :now), :now), x.token, x.traceparent, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(
  dispatch_id uuid, idempotency_key text, campaign_id uuid, contact_id uuid, channels text[],
  content_ref text, variant text, topic text, purpose text, caps jsonb, test boolean,
  not_before timestamptz, token text, traceparent text)
LEFT JOIN hub.cancelled c ON c.practice_id = :practice AND c.dispatch_id = x.dispatch_id
ON CONFLICT DO NOTHING
RETURNING dispatch_id, contact_id, campaign_id, test, traceparent
"""

ACCEPT_TEST = """
INSERT INTO hub.message (practice_id, dispatch_id, idempotency_key, campaign_id, contact_id, channels, content_ref,
  variant, topic, test, to_address, language, state, due_at, token, accepted_at)
VALUES (:practice, :dispatch, CAST(:dispatch AS text), :campaign, '00000000-0000-0000-0000-000000000000', ARRAY[:channel], :ref,
  '', 'test', true, :to, :language, 'queued', :now, :token, :now)
ON CONFLICT DO NOTHING RETURNING dispatch_id, contact_id, campaign_id, test, traceparent
"""

KNOWN = """
SELECT dispatch_id, contact_id, campaign_id, channel, test, traceparent, state, coalesce(failure, '') AS failure,
  language, rendered
FROM hub.message WHERE practice_id = :practice AND dispatch_id = ANY(:ids)
"""

CANCEL = """
UPDATE hub.message SET state = 'cancelled', failure = x.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, reason text)
WHERE message.practice_id = :practice AND message.dispatch_id = x.dispatch_id AND state = 'queued'
"""

CANCEL_EARLY = """
INSERT INTO hub.cancelled (practice_id, dispatch_id, at)
SELECT :practice, x.dispatch_id, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid)
WHERE NOT EXISTS (SELECT 1 FROM hub.message m
                  WHERE m.practice_id = :practice AND m.dispatch_id = x.dispatch_id)
ON CONFLICT DO NOTHING
"""

# --- Closing and reopening ------------------------------------------------------------------------

LOCK_CONTACT = """
SELECT 1 FROM hub.message WHERE practice_id = :practice AND contact_id = ANY(:contacts)
AND state IN ('queued', 'sending') ORDER BY dispatch_id FOR UPDATE
"""

CLOSE = """
INSERT INTO hub.closed (practice_id, contact_id, channel, topic, reason, at)
SELECT :practice, x.contact_id, x.channel, x.topic, x.reason, x.at
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS x(contact_id uuid, channel text, topic text, reason text, at timestamptz)
ON CONFLICT (practice_id, contact_id, channel, topic) DO UPDATE SET at = greatest(closed.at, excluded.at)
RETURNING (xmax = 0) AS fresh
"""

# Two records became one: what either closed stays closed.
INHERIT = """
INSERT INTO hub.closed (practice_id, contact_id, channel, topic, reason, at)
SELECT :practice, x.contact_id, c.channel, c.topic, c.reason, c.at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(contact_id uuid, merged_id uuid)
JOIN hub.closed c ON c.practice_id = :practice AND c.contact_id = x.merged_id
ON CONFLICT (practice_id, contact_id, channel, topic) DO UPDATE SET at = greatest(closed.at, excluded.at)
"""

REOPEN = """
DELETE FROM hub.closed USING jsonb_to_recordset(CAST(:rows AS jsonb))
  AS x(contact_id uuid, channel text, at timestamptz)
WHERE closed.practice_id = :practice AND closed.contact_id = x.contact_id
  AND closed.channel = x.channel AND closed.topic = 'all' AND closed.at < x.at
"""

RECONSIDER = """
UPDATE hub.message SET due_at = :now
WHERE practice_id = :practice AND contact_id = ANY(:contacts) AND state = 'queued' AND due_at > :now
"""

# --- Sending --------------------------------------------------------------------------------------

CLAIM = """
SELECT dispatch_id, campaign_id, contact_id, channels, content_ref, topic, purpose, caps, test,
  attempts, token, accepted_at, traceparent, to_address, language
FROM hub.message WHERE practice_id = :practice AND state = 'queued' AND due_at <= :now
ORDER BY due_at, dispatch_id LIMIT {batch} FOR UPDATE SKIP LOCKED
"""

PEOPLE = """
SELECT m.dispatch_id, m.contact_id,
  CASE WHEN c.contact_id IS NULL THEN 'contact_unknown' WHEN c.deceased THEN 'deceased'
    WHEN c.merged_into IS NOT NULL THEN 'merged' WHEN c.do_not_contact THEN 'do_not_contact' ELSE '' END AS stop,
  coalesce(c.first_name, '') AS first_name, coalesce(c.last_name, '') AS last_name, c.email, c.phone,
  coalesce(c.whatsapp_verified, false) AS whatsapp_verified, coalesce(c.app_user, false) AS app_user,
  coalesce(c.timezone, '') AS timezone, coalesce(c.locale, '') AS locale,
  ARRAY(SELECT k.channel FROM canonical.consent k
    WHERE k.practice_id = m.practice_id AND k.contact_id = m.contact_id AND k.purpose IN (m.purpose, 'all')
      AND k.effective_at <= :now
    GROUP BY k.channel HAVING bool_and(k.state = 'granted')) AS granted,
  ARRAY(SELECT x.channel FROM hub.closed x
    WHERE x.practice_id = m.practice_id AND x.contact_id = m.contact_id AND x.topic IN (m.topic, 'all')) AS closed,
  ARRAY(SELECT t.sent_at FROM hub.message t
    WHERE t.practice_id = m.practice_id AND t.contact_id = m.contact_id AND NOT t.test
      AND t.purpose = 'marketing' AND t.state IN ('sending', 'sent', 'delivered')
      AND t.sent_at > :now - make_interval(days => greatest(
        coalesce((m.caps->>'per_days')::int, 7), coalesce((m.caps->>'min_gap_hours')::int, 0) / 24 + 1))
    ORDER BY t.sent_at) AS touches,
  (SELECT min(a.starts_at) FROM canonical.appointment a
    WHERE a.practice_id = m.practice_id AND a.contact_id = m.contact_id AND a.status = 'booked'
      AND a.starts_at > :now) AS next_appointment_at
FROM hub.message m
LEFT JOIN canonical.contact c ON c.practice_id = m.practice_id AND c.contact_id = m.contact_id
WHERE m.practice_id = :practice AND m.dispatch_id = ANY(:ids)
"""

CONTENT = """
SELECT content_ref, words FROM hub.content WHERE practice_id = :practice AND content_ref = ANY(:refs)
"""

BEGIN_SENDING = """
UPDATE hub.message SET state = 'sending', channel = x.channel, sent_at = :now, attempts = attempts + 1, begun = false,
  language = x.language, rendered = x.rendered
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, channel text, language text, rendered text)
WHERE message.practice_id = :practice AND message.dispatch_id = x.dispatch_id
"""

BEGUN = """
UPDATE hub.message SET begun = true WHERE practice_id = :practice AND dispatch_id = :dispatch AND state = 'sending'
"""

ADD_LINKS = """
INSERT INTO hub.link (practice_id, dispatch_id, link_no, url)
SELECT :practice, x.dispatch_id, x.link_no, x.url
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, link_no int, url text)
ON CONFLICT (practice_id, dispatch_id, link_no) DO UPDATE SET url = excluded.url
"""

DEFER = """
UPDATE hub.message SET due_at = x.until, failure = x.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, until timestamptz, reason text)
WHERE message.practice_id = :practice AND message.dispatch_id = x.dispatch_id
"""

REFUSE = """
UPDATE hub.message SET state = 'failed', failure = x.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, reason text)
WHERE message.practice_id = :practice AND message.dispatch_id = x.dispatch_id
"""

USED = """
SELECT channel, minute, used FROM hub.rate WHERE practice_id = :practice AND minute > :since ORDER BY minute
"""

SPEND = """
INSERT INTO hub.rate (practice_id, channel, minute, used)
SELECT :practice, x.channel, date_trunc('minute', CAST(:now AS timestamptz)), x.used
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(channel text, used int)
ON CONFLICT (practice_id, channel, minute) DO UPDATE SET used = rate.used + excluded.used
"""

ATTEMPTS = (
    "SELECT dispatch_id, attempts FROM hub.message WHERE practice_id = :practice AND dispatch_id = ANY(:ids)"
)

FINISH = """
UPDATE hub.message SET state = x.state, provider_id = x.provider_id, failure = x.failure,
  due_at = coalesce(x.due_at, message.due_at),
  sent_at = CASE WHEN x.state = 'queued' THEN NULL ELSE message.sent_at END
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(
  dispatch_id uuid, state text, provider_id text, failure text, due_at timestamptz)
WHERE message.practice_id = :practice AND message.dispatch_id = x.dispatch_id AND message.state = 'sending'
RETURNING message.dispatch_id, message.contact_id, message.campaign_id, message.channel, message.test,
  message.traceparent, message.state, message.attempts, message.language, message.rendered
"""

ADD_IN_APP = """
INSERT INTO hub.in_app_message (practice_id, dispatch_id, contact_id, subject, body, at)
SELECT :practice, x.dispatch_id, x.contact_id, x.subject, x.body, :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, contact_id uuid, subject text, body text)
ON CONFLICT DO NOTHING
"""

STRANDED = """
SELECT dispatch_id, channel, begun FROM hub.message
WHERE practice_id = :practice AND state = 'sending' AND sent_at < :before
ORDER BY sent_at LIMIT 500 FOR UPDATE SKIP LOCKED
"""

# --- What recipients do -----------------------------------------------------------------------------

WHOSE = "SELECT hub.find_token(:token)"
COUNTRY = "SELECT country FROM canonical.practice WHERE practice_id = :practice"

MESSAGE = """
SELECT dispatch_id, contact_id, campaign_id, channel, topic, test, traceparent FROM hub.message
WHERE practice_id = :practice AND token = :token
"""

OPENED = """
UPDATE hub.message SET opened_at = :now
WHERE practice_id = :practice AND token = :token
  AND (opened_at IS NULL OR opened_at <= CAST(:now AS timestamptz) - interval '1 minute')
RETURNING dispatch_id, contact_id, campaign_id, channel, topic, test, traceparent
"""

LINK = "SELECT url FROM hub.link WHERE practice_id = :practice AND dispatch_id = :dispatch AND link_no = :n"

LAST_TO_PHONE = """
SELECT c.contact_id, m.dispatch_id, m.campaign_id, m.test, m.traceparent
FROM canonical.contact c
LEFT JOIN LATERAL (
  SELECT dispatch_id, campaign_id, test, traceparent FROM hub.message m
  WHERE m.practice_id = c.practice_id AND m.contact_id = c.contact_id AND m.channel = :channel
    AND m.sent_at IS NOT NULL
  ORDER BY m.sent_at DESC LIMIT 1) m ON true
WHERE c.practice_id = :practice AND c.phone = :phone
"""

RECEIPT = """
UPDATE hub.message SET state = :state, failure = :failure
WHERE practice_id = :practice AND dispatch_id = :dispatch AND state = 'sent'
RETURNING dispatch_id, contact_id, campaign_id, channel, test, traceparent
"""

RETURNED = """
SELECT dispatch_id, contact_id, campaign_id, channel, topic, test, traceparent, state FROM hub.message
WHERE practice_id = :practice AND (token = :token OR dispatch_id = :dispatch) LIMIT 1 FOR UPDATE
"""
BOUNCED = """
UPDATE hub.message SET state = 'bounced', failure = :failure WHERE practice_id = :practice AND dispatch_id = :dispatch
"""

# --- Demo -------------------------------------------------------------------------------------------

PLAN_SIMULATED = """
INSERT INTO hub.simulated (practice_id, dispatch_id, what, due_at)
SELECT :practice, x.dispatch_id, x.what, x.due_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x(dispatch_id uuid, what text, due_at timestamptz)
ON CONFLICT DO NOTHING
"""

TAKE_SIMULATED = """
DELETE FROM hub.simulated s USING hub.message m
WHERE s.practice_id = :practice AND s.due_at <= :now
  AND m.practice_id = s.practice_id AND m.dispatch_id = s.dispatch_id
RETURNING s.what, m.token, (SELECT count(*) FROM hub.link l
  WHERE l.practice_id = m.practice_id AND l.dispatch_id = m.dispatch_id) AS links, m.dispatch_id
"""

OUTBOX_PAGE = """
SELECT m.dispatch_id, m.channel, m.state, m.failure, m.accepted_at, m.sent_at, m.test, m.due_at,
  coalesce(c.first_name || ' ' || c.last_name, 'Unknown contact') AS person,
  CASE WHEN m.channel = 'email' THEN c.email WHEN m.channel IN ('sms', 'whatsapp') THEN c.phone END AS address
FROM hub.message m
LEFT JOIN canonical.contact c ON c.practice_id = m.practice_id AND c.contact_id = m.contact_id
WHERE m.practice_id = :practice
ORDER BY m.accepted_at DESC, m.dispatch_id DESC LIMIT 200
"""

IN_APP = (
    "SELECT subject, body FROM hub.in_app_message WHERE practice_id = :practice AND dispatch_id = :dispatch"
)
OUTBOX_COUNTS = "SELECT state, count(*) AS n FROM hub.message WHERE practice_id = :practice GROUP BY state"

# --- Reports and housekeeping -------------------------------------------------------------------------

REPORT = """
INSERT INTO hub.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, traceparent, data)
SELECT :practice, uuidv7(), x.type, x.contact_id, x.dispatch_id, :now, x.traceparent, x.data
FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb))
  AS (type text, contact_id uuid, dispatch_id uuid, traceparent text, data json)
) WITH ORDINALITY AS x(type, contact_id, dispatch_id, traceparent, data, n)
ORDER BY n
"""

FORGET = (
    "DELETE FROM hub.inbox WHERE practice_id = :practice AND received_at < :before",
    "DELETE FROM hub.cancelled WHERE practice_id = :practice AND at < :before",
    "DELETE FROM hub.rate WHERE practice_id = :practice AND minute < :before",
)
