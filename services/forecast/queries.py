"""The statements of a forecast. They read the practice's data and write temporary tables only.

One statement a step moves everybody who comes to it in the whole time looked at; everybody carries
a clock (`their_now`), a moment at which they leave (`leaves_at`) and why (`leaving`). What decides
is the production text of gates, windows, waits and branches, put in place by `services.forecast.flow`.
"""

# Nothing is known of temporary tables just filled: left to itself, the planner expects a few people
# and sorts everybody for every fact that is looked up.
HASHED = "SELECT set_config('enable_mergejoin', 'off', true)"
AS_USUAL = "SELECT set_config('enable_mergejoin', 'on', true)"

PLACE = """
CREATE TEMP TABLE {name} (
  contact_id uuid NOT NULL, zone text NOT NULL, to_step text NOT NULL, due_at timestamptz NOT NULL,
  leaves_at timestamptz NOT NULL, leaving text NOT NULL, their_now timestamptz NOT NULL, sent boolean NOT NULL
) ON COMMIT DROP
"""
"""Where people are after a step, and when they are due at the next. `sent`: that step was a
message, and it went out at `their_now`."""

# What everybody agreed to, looked up once for all messages: records stay as they are today.
AGREED = """
CREATE TEMP TABLE {name} (contact_id uuid NOT NULL, in_app text, email text, sms text, whatsapp text) ON COMMIT DROP
"""
AGREE = "INSERT INTO {name} (contact_id, in_app, email, sms, whatsapp) SELECT contact_id, in_app, email, sms, whatsapp FROM ({agreed}) a"

ENTRIES = """
CREATE TEMP TABLE {name} (contact_id uuid NOT NULL, their_now timestamptz NOT NULL, passage integer NOT NULL) ON COMMIT DROP
"""
ENDS = """
CREATE TEMP TABLE {name} (contact_id uuid NOT NULL, ended_at timestamptz NOT NULL, passage integer NOT NULL) ON COMMIT DROP
"""

# Days are asked of moments, of which there are few, not of people: a time zone costs more than anything else here.
# Everybody who is in the audience and may enter, with the moment they come in.
CANDIDATES = """
INSERT INTO {entries} (contact_id, their_now, passage)
SELECT c.contact_id, c.their_now, :passage FROM (
  SELECT c.contact_id, CAST({moment} AS timestamptz) AS their_now FROM canonical.contact c
  WHERE c.practice_id = :practice AND ({audience})) c
WHERE {reentry} AND {fresh} AND c.their_now < :until
"""
# For journeys that events or staff start: the audience in a fixed order, so many a day.
ARRIVALS = """
INSERT INTO {entries} (contact_id, their_now, passage)
SELECT c.contact_id, c.their_now, :passage FROM (
  SELECT a.contact_id, CAST(:now AS timestamptz) + (row_number() OVER (ORDER BY a.turn, a.contact_id) - 0.5)
    / CAST(:a_day AS float8) * interval '1 day' AS their_now
  FROM (SELECT c.contact_id, uuid_hash_extended(c.contact_id, :arrivals) AS turn FROM canonical.contact c
        WHERE c.practice_id = :practice AND ({audience})) a) c
WHERE {reentry} AND {fresh} AND c.their_now < :until
"""
ENTER = """
WITH cand AS (SELECT e.contact_id, e.their_now FROM {entries} e WHERE e.passage = :passage),
{verdicts},
m AS MATERIALIZED (
  SELECT v.contact_id, v.their_now, v.zone, v.reason, 'next' AS port, row_number() OVER (ORDER BY v.contact_id) AS nth FROM verdict v
),
n AS MATERIALIZED ({placed}),
kept AS (
  INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving, their_now, sent)
  SELECT contact_id, zone, to_step, due_at, 'infinity', '', their_now, false FROM n WHERE to_step IS NOT NULL
){ends}
SELECT CAST(m.their_now AT TIME ZONE :zone AS date) AS day, m.reason, CAST(sum(m.people) AS bigint) AS people
FROM (SELECT m.their_now, m.reason, count(*) AS people FROM m GROUP BY 1, 2 OFFSET 0) m GROUP BY 1, 2
"""
ENTRY_ENDS = """, gone AS (
  INSERT INTO {ends} (contact_id, ended_at, passage)
  SELECT m.contact_id, m.their_now, :passage FROM m LEFT JOIN n USING (contact_id, their_now)
  WHERE m.reason IS NOT NULL OR n.to_step IS NULL
)"""

# People who are in this campaign already go on from where they are.
ON_THE_WAY = """
INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving, their_now, sent)
SELECT w.contact_id, coalesce(c.timezone, 'Europe/London'), w.step_id, greatest(w.due_at, :now), 'infinity', '', :now, false
FROM cm.work w
JOIN cm.campaign_version v ON v.practice_id = w.practice_id AND v.version_id = w.version_id AND v.campaign_id = :campaign
LEFT JOIN canonical.contact c ON c.practice_id = w.practice_id AND c.contact_id = w.contact_id
WHERE w.practice_id = :practice AND w.step_id = ANY (:steps)
RETURNING to_step
"""

# Everybody who comes to a step. Whoever leaves before they are due, or is due after the last day, stays.
ARRIVING = """
arriving AS MATERIALIZED (
  SELECT k.contact_id, k.zone, k.leaves_at, k.leaving, k.their_now, k.signal, CASE
    WHEN k.leaves_at <= least(k.their_now, CAST(:until AS timestamptz)) THEN 'left'
    WHEN k.their_now >= :until THEN 'waiting' END AS stays
  FROM ({coming}) k
),
mv AS (SELECT a.* FROM arriving a WHERE a.stays IS NULL)"""
STAYED = """
SELECT a.stays AS outcome, a.leaving AS detail,
  CAST(CASE WHEN a.stays = 'left' THEN a.leaves_at ELSE :until END AT TIME ZONE :zone AS date) AS day,
  CAST(NULL AS date) AS out_day, count(*) AS people FROM arriving a WHERE a.stays IS NOT NULL GROUP BY 1, 2, 3"""

LATER = """
UNION ALL SELECT 'later', {why}, CAST({at} AT TIME ZONE :zone AS date), NULL, count(*) FROM {people}
  WHERE {who} AND {at} < :until GROUP BY 1, 2, 3"""
# The days somebody comes to a branch, with the first moment of each.
DAYS = """
SELECT min(k.their_now) AS first, (CAST(k.their_now AT TIME ZONE :zone AS date) + 1) AT TIME ZONE :zone AS last
FROM ({coming}) k WHERE k.their_now < :until AND k.their_now < k.leaves_at GROUP BY 2 ORDER BY 2
"""

ON = """
WITH {arriving},
m AS MATERIALIZED (
  SELECT k.contact_id, k.zone, k.leaves_at, k.leaving, k.their_now, {port} AS port FROM mv k {record}
),
n AS ({placed}),
kept AS (
  INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving, their_now, sent)
  SELECT contact_id, zone, to_step, due_at, leaves_at, leaving, their_now, false FROM n WHERE to_step IS NOT NULL
){ends}
SELECT 'way' AS outcome, m.port AS detail, CAST(m.their_now AT TIME ZONE :zone AS date) AS day, CAST(NULL AS date) AS out_day,
  CAST(sum(m.people) AS bigint) AS people
FROM (SELECT m.port, m.their_now, count(*) AS people FROM m GROUP BY 1, 2 OFFSET 0) m GROUP BY 1, 2, 3
UNION ALL {stayed}
"""

# Nothing follows: they are only counted.
ARRIVE = """
WITH {arriving}{ends}
SELECT 'way' AS outcome, '' AS detail, CAST(m.their_now AT TIME ZONE :zone AS date) AS day, CAST(NULL AS date) AS out_day,
  CAST(sum(m.people) AS bigint) AS people
FROM (SELECT m.their_now, count(*) AS people FROM mv m GROUP BY 1 OFFSET 0) m GROUP BY 1, 2, 3
UNION ALL {stayed}
"""
ON_ENDS = """, gone AS (
  INSERT INTO {ends} (contact_id, ended_at, passage)
  SELECT contact_id, leaves_at, :passage FROM arriving WHERE stays = 'left'
  UNION ALL SELECT contact_id, their_now, :passage FROM {which}
)"""

OF_EACH = ("contact_id", "their_now", "leaves_at", "leaving", "zone")
"""What a message's statement needs of a person beside the gates' answer."""

# The first channel they can get decides nothing here; the gates' answer does. `share` is each
# person's place, from 0 to 1, among those who get this message: who acts is the same each time.
SEND = """
WITH {arriving},
cand AS MATERIALIZED (SELECT k.contact_id, {open} AS their_now, k.leaves_at, k.leaving FROM mv k),
{verdicts},
m AS MATERIALIZED (
  SELECT v.contact_id, v.their_now, v.zone, v.leaves_at, v.leaving, v.reason,
    CASE WHEN v.reason IS NULL THEN 'next' ELSE v.effect END AS effect, 'next' AS port, {share} AS share,
    CASE WHEN v.effect = 'hold' AND v.reason IS NOT NULL THEN {released} END AS released_at
  FROM verdict v
),
n AS MATERIALIZED ({placed}),
kept AS (
  INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving, their_now, sent)
  SELECT contact_id, zone, CASE WHEN effect = 'hold' THEN :step WHEN effect = 'exit' THEN '' ELSE coalesce(to_step, '') END,
    CASE WHEN effect = 'hold' THEN released_at ELSE coalesce(due_at, 'infinity') END,
    {leaves_at}, {leaving}, their_now, reason IS NULL
  FROM n WHERE effect IN ('next', 'skip') OR effect = 'hold' AND released_at IS NOT NULL
){ends}
SELECT CASE WHEN n.reason IS NULL THEN 'sent' ELSE 'refused:' || CASE WHEN n.effect = 'hold' AND n.again
    THEN 'again' ELSE n.effect END END AS outcome, coalesce(n.reason, '') AS detail,
  CAST(n.their_now AT TIME ZONE :zone AS date) AS day,
  CAST(n.out_at AT TIME ZONE :zone AS date) AS out_day, CAST(sum(n.people) AS bigint) AS people
FROM (SELECT n.reason, n.effect, n.released_at IS NOT NULL AS again, n.their_now, n.out_at, count(*) AS people
      FROM n GROUP BY 1, 2, 3, 4, 5 OFFSET 0) n GROUP BY 1, 2, 3, 4
UNION ALL {stayed}
"""
SEND_ENDS = """, gone AS (
  INSERT INTO {ends} (contact_id, ended_at, passage)
  SELECT contact_id, leaves_at, :passage FROM arriving WHERE stays = 'left'
  UNION ALL SELECT contact_id, their_now, :passage FROM n WHERE effect = 'exit' OR effect IN ('next', 'skip') AND to_step IS NULL
)"""

# When every stop for this reason has run out; null when one has no end.
RELEASED = """(SELECT CASE WHEN bool_and(s.expires_at IS NOT NULL) THEN max(s.expires_at) END FROM cm.suppression s
      WHERE s.practice_id = :practice AND s.contact_id = v.contact_id AND s.reason = v.reason AND s.lifted_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > v.their_now))"""

# Messages that count in somebody's limits: those on record, and those this forecast would send.
TOUCHES = """(SELECT d.practice_id, d.contact_id, d.requested_at, d.status FROM cm.dispatch d
  WHERE d.practice_id = :practice AND d.requested_at > CAST(:now AS timestamptz) - greatest(CAST(:touches_for AS interval), CAST(:gap_for AS interval))
  {expected}) d"""
EXPECTED = "UNION ALL SELECT CAST(:practice AS uuid), e.contact_id, e.their_now, 'requested' FROM {place} e WHERE e.sent"

# Where this person is placed next: (next step, when due) by what the production text says, asked
# once for all who are alike (same zone, same moment, same way), or once a person where it must be.
# `OFFSET 0` keeps the question to itself: a window costs a millisecond, and there are few moments.
ALIKE = """
SELECT m.*, s.to_step, s.due_at{more} FROM m LEFT JOIN (
  SELECT m.zone, m.their_now, m.port, {next_step} AS to_step, {next_due} AS due_at{slot}
  FROM (SELECT DISTINCT m.zone, m.their_now, m.port FROM m) m OFFSET 0) s
  ON s.zone = m.zone AND s.their_now = m.their_now AND s.port = m.port"""
EACH = "SELECT m.*, {next_step} AS to_step, {next_due} AS due_at{slot} FROM m"

# The Hub sends outside quiet hours of the recipient's day (D23); the practice declares them (D22).
OUT_AT = """CASE
    WHEN CAST(:quiet_start AS time) > CAST(:quiet_end AS time) AND CAST(m.their_now AT TIME ZONE m.zone AS time) >= CAST(:quiet_start AS time)
      THEN (CAST(m.their_now AT TIME ZONE m.zone AS date) + 1 + CAST(:quiet_end AS time)) AT TIME ZONE m.zone
    WHEN CAST(m.their_now AT TIME ZONE m.zone AS time) < CAST(:quiet_end AS time)
        AND (CAST(:quiet_start AS time) > CAST(:quiet_end AS time) OR CAST(m.their_now AT TIME ZONE m.zone AS time) >= CAST(:quiet_start AS time))
      THEN (CAST(m.their_now AT TIME ZONE m.zone AS date) + CAST(:quiet_end AS time)) AT TIME ZONE m.zone
    ELSE m.their_now END"""
