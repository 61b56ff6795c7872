"""The statements of a forecast. They read the practice's data and write temporary tables only.

One statement a step moves everybody who comes to it in the whole time looked at; everybody carries
a clock (`their_now`), a moment at which they leave (`leaves_at`) and why (`leaving`). What decides
is the production text of gates, windows, waits and branches, put in place by `services.forecast.flow`.
"""

# Nothing is known of temporary tables just filled: left to itself, the planner expects a few people
# and sorts everybody for every fact that is looked up and for the few moments there are.
HASHED = "SELECT set_config('enable_mergejoin', 'off', true), set_config('enable_sort', 'off', true)"
AS_USUAL = "SELECT set_config('enable_mergejoin', 'on', true), set_config('enable_sort', 'on', true)"

TABLE = "CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP"
PLACE = """contact_id uuid NOT NULL, zone text NOT NULL, to_step text NOT NULL, due_at timestamptz NOT NULL,
  leaves_at timestamptz NOT NULL, leaving text NOT NULL"""
"""Where people are after a step, and when they are due at the next."""
MOVES = "zone text NOT NULL, their_now timestamptz NOT NULL, port text NOT NULL, to_step text NOT NULL, due_at timestamptz"
"""Where everybody of one zone who takes one way at one moment goes, and when they are due there."""
JUDGED = """contact_id uuid NOT NULL, zone text NOT NULL, their_now timestamptz NOT NULL, leaves_at timestamptz NOT NULL,
  leaving text NOT NULL, reason text, effect text NOT NULL, released_at timestamptz, turn bigint"""
"""What the gates said of everybody at a message: it went out at `their_now` unless there is a reason."""

# What everybody agreed to, looked up once for all messages: records stay as they are today.
AGREED = "contact_id uuid NOT NULL, in_app text, email text, sms text, whatsapp text"
AGREE = "INSERT INTO {name} (contact_id, in_app, email, sms, whatsapp) SELECT contact_id, in_app, email, sms, whatsapp FROM ({agreed}) a"

AMONG = "SELECT contact_id FROM {entries} UNION ALL SELECT contact_id FROM {under_way}"
EVERYBODY = "SELECT c.contact_id FROM canonical.contact c WHERE c.practice_id = :practice AND {mine}"

ENTRIES = "contact_id uuid NOT NULL, their_now timestamptz NOT NULL, passage integer NOT NULL"
ENDS = "contact_id uuid NOT NULL, ended_at timestamptz NOT NULL, passage integer NOT NULL"

# Days are asked of moments, of which there are few, not of people: a time zone costs more than anything else here.
# Everybody who is in the audience and may enter, with the moment they come in.
CANDIDATES = """
INSERT INTO {entries} (contact_id, their_now, passage)
SELECT c.contact_id, c.their_now, :passage FROM (
  SELECT c.contact_id, CAST({moment} AS timestamptz) AS their_now FROM canonical.contact c
  WHERE c.practice_id = :practice AND {mine} AND ({audience})) c
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
  SELECT v.contact_id, v.their_now, v.zone, v.reason, 'next' AS port, {nth} AS nth FROM verdict v
),
n AS ({placed}),
kept AS (
  INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving)
  SELECT contact_id, zone, to_step, due_at, 'infinity', '' FROM n WHERE to_step IS NOT NULL
){ends}
SELECT CAST(m.their_now AT TIME ZONE :zone AS date) AS day, m.reason, CAST(sum(m.people) AS bigint) AS people
FROM (SELECT m.their_now, m.reason, count(*) AS people FROM m GROUP BY 1, 2 OFFSET 0) m GROUP BY 1, 2
"""
IN_A_ROW = "row_number() OVER (ORDER BY v.contact_id)"
"""Somebody's place among those who are let in at a rate."""
ENTRY_ENDS = """, gone AS (
  INSERT INTO {ends} (contact_id, ended_at, passage)
  SELECT m.contact_id, m.their_now, :passage FROM m LEFT JOIN n USING (contact_id, their_now)
  WHERE m.reason IS NOT NULL OR n.to_step IS NULL
)"""

# People who are in this campaign already go on from where they are.
ON_THE_WAY = """
WITH kept AS (
  INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving)
  SELECT w.contact_id, coalesce(c.timezone, 'Europe/London'), w.step_id, greatest(w.due_at, :now), 'infinity', ''
  FROM cm.work w
  JOIN cm.campaign_version v ON v.practice_id = w.practice_id AND v.version_id = w.version_id AND v.campaign_id = :campaign
  LEFT JOIN canonical.contact c ON c.practice_id = w.practice_id AND c.contact_id = w.contact_id
  WHERE w.practice_id = :practice AND w.step_id = ANY (:steps) AND {mine}
  RETURNING to_step
)
SELECT to_step, count(*) AS people FROM kept GROUP BY to_step
"""

# Everybody who comes to a step: one row a person, or one for all who are alike.
TOGETHER = """SELECT k.zone, k.leaves_at, k.leaving, k.their_now, k.signal, count(*) AS people FROM ({coming}) k
  GROUP BY k.zone, k.leaves_at, k.leaving, k.their_now, k.signal"""
# Whoever leaves before they are due, or is due after the last day, stays.
ARRIVING = """
arriving AS MATERIALIZED (
  SELECT k.*, CASE
    WHEN k.leaves_at <= least(k.their_now, CAST(:until AS timestamptz)) THEN 'left'
    WHEN k.their_now >= :until THEN 'waiting' END AS stays
  FROM ({crowd}) k
),
mv AS (SELECT a.* FROM arriving a WHERE a.stays IS NULL)"""
STAYED = """
SELECT a.stays AS outcome, a.leaving AS detail,
  CAST(CASE WHEN a.stays = 'left' THEN a.leaves_at ELSE :until END AT TIME ZONE :zone AS date) AS day,
  CAST(NULL AS date) AS out_day, CAST(sum(a.people) AS bigint) AS people FROM arriving a WHERE a.stays IS NOT NULL GROUP BY 1, 2, 3"""
LATER = """
SELECT 'later' AS outcome, leaving AS detail, CAST(leaves_at AT TIME ZONE :zone AS date) AS day, CAST(NULL AS date) AS out_day,
  CAST({number} AS bigint) AS people FROM {people} WHERE {who} AND leaves_at < :until GROUP BY 1, 2, 3"""
# The days somebody comes to a branch, with the first moment of each.
DAYS = """
SELECT min(k.their_now) AS first, (CAST(k.their_now AT TIME ZONE :zone AS date) + 1) AT TIME ZONE :zone AS last
FROM (SELECT DISTINCT k.their_now FROM ({coming}) k WHERE k.their_now < :until AND k.their_now < k.leaves_at) k GROUP BY 2
"""

# The order in which people act at a step, and those whose turn it is first and last.
TURN = "uuid_hash_extended({person}, {seed})"
NUMBER = "SELECT count(*) AS people FROM ({people}) k"
TURNS = """
WITH t AS MATERIALIZED ({turns})
SELECT ARRAY(SELECT turn FROM t ORDER BY turn LIMIT :low) AS low, ARRAY(SELECT turn FROM t ORDER BY turn DESC LIMIT :high) AS high
"""
# Whoever gets what they wait for comes at that moment, the others when the wait is over.
SIGNALLED = """
SELECT e.contact_id, e.zone, e.leaves_at, e.leaving,
  CASE WHEN e.after < {wait} THEN e.their_now - {wait} + e.after ELSE e.their_now END AS their_now,
  CASE WHEN e.after < {wait} THEN 'expected' END AS signal
FROM (SELECT a.*, {after} AS after FROM ({each}) a OFFSET 0) e"""

RECORD = "LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = k.contact_id"
ON = """
WITH {arriving},
m AS MATERIALIZED (SELECT k.*, {port} AS port FROM mv k {record}),
n AS ({placed}),
kept AS ({kept}){ends}
SELECT 'way' AS outcome, m.port AS detail, CAST(m.their_now AT TIME ZONE :zone AS date) AS day, CAST(NULL AS date) AS out_day,
  CAST(sum(m.people) AS bigint) AS people
FROM (SELECT m.port, m.their_now, sum(m.people) AS people FROM m GROUP BY 1, 2 OFFSET 0) m GROUP BY 1, 2, 3
UNION ALL {stayed}
"""
KEEP_PEOPLE = """
  INSERT INTO {name} (contact_id, zone, to_step, due_at, leaves_at, leaving)
  SELECT contact_id, zone, to_step, due_at, leaves_at, leaving FROM n WHERE to_step IS NOT NULL"""
KEEP_MOVES = """
  INSERT INTO {name} (zone, their_now, port, to_step, due_at)
  SELECT DISTINCT zone, their_now, port, to_step, due_at FROM n WHERE to_step IS NOT NULL"""

# Nothing follows: they are only counted.
ARRIVE = """
WITH {arriving}{ends}
SELECT 'way' AS outcome, '' AS detail, CAST(m.their_now AT TIME ZONE :zone AS date) AS day, CAST(NULL AS date) AS out_day,
  CAST(sum(m.people) AS bigint) AS people
FROM (SELECT m.their_now, sum(m.people) AS people FROM mv m GROUP BY 1 OFFSET 0) m GROUP BY 1, 2, 3
UNION ALL {stayed}
"""
ON_ENDS = """, gone AS (
  INSERT INTO {ends} (contact_id, ended_at, passage)
  SELECT contact_id, leaves_at, :passage FROM arriving WHERE stays = 'left'
  UNION ALL SELECT contact_id, their_now, :passage FROM {which}
)"""

OF_EACH = ("contact_id", "their_now", "leaves_at", "leaving", "zone")
"""What a message's statement needs of a person beside the gates' answer."""

# Whoever is outside a message's window comes when it opens.
PUT_OFF = """
WITH k AS MATERIALIZED ({coming})
SELECT k.contact_id, k.zone, k.leaves_at, k.leaving, w.opens AS their_now, 1 AS people FROM k
JOIN (SELECT m.zone, m.their_now, {opens} AS opens FROM (SELECT DISTINCT zone, their_now FROM k) m OFFSET 0) w
  ON w.zone = k.zone AND w.their_now = k.their_now"""
PUT_OFF_EACH = (
    "SELECT m.contact_id, m.zone, m.leaves_at, m.leaving, {opens} AS their_now, 1 AS people FROM ({coming}) m"
)
# Everybody is judged; where they go next is the same for all who are alike.
SEND = """
WITH {arriving},
cand AS NOT MATERIALIZED (SELECT k.contact_id, k.their_now, k.leaves_at, k.leaving FROM mv k),
{verdicts},
kept AS (
  INSERT INTO {judged} (contact_id, zone, their_now, leaves_at, leaving, reason, effect, released_at, turn)
  SELECT v.contact_id, v.zone, v.their_now, v.leaves_at, v.leaving, v.reason, CASE WHEN v.reason IS NULL THEN 'next' ELSE v.effect END,
    CASE WHEN v.effect = 'hold' AND v.reason IS NOT NULL THEN {released} END, CASE WHEN v.reason IS NULL THEN {turn} END
  FROM verdict v
),
g AS MATERIALIZED (
  SELECT v.zone, v.their_now, v.reason, CASE WHEN v.reason IS NULL THEN 'next' ELSE v.effect END AS effect,
    CASE WHEN v.effect = 'hold' AND v.reason IS NOT NULL THEN {released} IS NOT NULL END AS again, count(*) AS people
  FROM verdict v GROUP BY 1, 2, 3, 4, 5
),
s AS MATERIALIZED (
  SELECT m.zone, m.their_now, m.port, {next_step} AS to_step, {next_due} AS due_at, {out_at} AS out_at
  FROM (SELECT DISTINCT zone, their_now, 'next' AS port FROM g) m OFFSET 0
),
onward AS (
  INSERT INTO {moves} (zone, their_now, port, to_step, due_at) SELECT zone, their_now, port, to_step, due_at FROM s WHERE to_step IS NOT NULL
){ends}
SELECT CASE WHEN g.reason IS NULL THEN 'sent' ELSE 'refused:' || CASE WHEN g.effect = 'hold' AND g.again
    THEN 'again' ELSE g.effect END END AS outcome, coalesce(g.reason, '') AS detail,
  CAST(g.their_now AT TIME ZONE :zone AS date) AS day,
  CAST(s.out_at AT TIME ZONE :zone AS date) AS out_day, CAST(sum(g.people) AS bigint) AS people
FROM g JOIN s ON s.zone = g.zone AND s.their_now = g.their_now GROUP BY 1, 2, 3, 4
UNION ALL {stayed}
"""
SEND_ENDS = """, gone AS (
  INSERT INTO {ends} (contact_id, ended_at, passage)
  SELECT contact_id, leaves_at, :passage FROM arriving WHERE stays = 'left'
  UNION ALL SELECT contact_id, their_now, :passage FROM verdict WHERE reason IS NOT NULL AND effect = 'exit'{over}
)"""
# Where a moment is somebody's own, everybody is written down with theirs.
EACH_ON = """
INSERT INTO {place} (contact_id, zone, to_step, due_at, leaves_at, leaving)
SELECT m.contact_id, m.zone, m.to_step, m.due_at, m.leaves_at, m.leaving
FROM (SELECT m.*, {next_step} AS to_step, {next_due} AS due_at FROM ({people}) m) m WHERE m.to_step IS NOT NULL
UNION ALL SELECT a.contact_id, a.zone, '{step}', a.their_now, a.leaves_at, a.leaving FROM ({again}) a
"""

# When every stop for this reason has run out; null when one has no end.
RELEASED = """(SELECT CASE WHEN bool_and(s.expires_at IS NOT NULL) THEN max(s.expires_at) END FROM cm.suppression s
      WHERE s.practice_id = :practice AND s.contact_id = v.contact_id AND s.reason = v.reason AND s.lifted_at IS NULL
        AND (s.expires_at IS NULL OR s.expires_at > v.their_now))"""

# Messages that count in somebody's limits: those on record, and those this forecast would send.
TOUCHES = """(SELECT d.practice_id, d.contact_id, d.requested_at, d.status FROM cm.dispatch d
  WHERE d.practice_id = :practice AND d.requested_at > CAST(:now AS timestamptz) - greatest(CAST(:touches_for AS interval), CAST(:gap_for AS interval))
  {expected}) d"""
EXPECTED = """UNION ALL SELECT CAST(:practice AS uuid), e.contact_id, e.their_now, 'requested' FROM {judged} e WHERE e.reason IS NULL
    AND e.their_now > (SELECT min(cand.their_now) FROM cand) - greatest(CAST(:touches_for AS interval), CAST(:gap_for AS interval))"""

# Where this person is placed next: (next step, when due) by what the production text says, asked
# once for all who are alike (same zone, same moment, same way), or once a person where it must be.
# `OFFSET 0` keeps the question to itself: a window costs a millisecond, and there are few moments.
ALIKE = """
SELECT m.*, s.to_step, s.due_at FROM m LEFT JOIN (
  SELECT m.zone, m.their_now, m.port, {next_step} AS to_step, {next_due} AS due_at
  FROM (SELECT DISTINCT m.zone, m.their_now, m.port FROM m) m OFFSET 0) s
  ON s.zone = m.zone AND s.their_now = m.their_now AND s.port = m.port"""
EACH = "SELECT m.*, {next_step} AS to_step, {next_due} AS due_at FROM m"

# The Hub sends outside quiet hours of the recipient's day (D23); the practice declares them (D22).
OUT_AT = """CASE
    WHEN CAST(:quiet_start AS time) > CAST(:quiet_end AS time) AND CAST(m.their_now AT TIME ZONE m.zone AS time) >= CAST(:quiet_start AS time)
      THEN (CAST(m.their_now AT TIME ZONE m.zone AS date) + 1 + CAST(:quiet_end AS time)) AT TIME ZONE m.zone
    WHEN CAST(m.their_now AT TIME ZONE m.zone AS time) < CAST(:quiet_end AS time)
        AND (CAST(:quiet_start AS time) > CAST(:quiet_end AS time) OR CAST(m.their_now AT TIME ZONE m.zone AS time) >= CAST(:quiet_start AS time))
      THEN (CAST(m.their_now AT TIME ZONE m.zone AS date) + CAST(:quiet_end AS time)) AT TIME ZONE m.zone
    ELSE m.their_now END"""
