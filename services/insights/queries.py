"""SQL of insights. Numbers a step are kept by engine and intake in `cm.metric`; a day is UTC."""

from services.gates.requested import requested_of

STEP_METRICS = """
SELECT step_id, name, sum(value)::bigint AS value FROM cm.metric
WHERE practice_id = :practice AND campaign_id = :campaign
  AND (CAST(:version AS uuid) IS NULL OR version_id = :version)
GROUP BY step_id, name
"""

# `cm.work` has a row for everybody who is live, and an index that answers this alone.
STEP_WAITING = """
SELECT w.step_id, count(*) AS people FROM cm.work w
WHERE w.practice_id = :practice AND w.version_id IN (
  SELECT version_id FROM cm.campaign_version WHERE practice_id = :practice AND campaign_id = :campaign
    AND (CAST(:version AS uuid) IS NULL OR version_id = :version))
GROUP BY w.step_id
"""

STEP_HELD = """
SELECT step_id, count(*) AS people FROM cm.enrolment
WHERE practice_id = :practice AND campaign_id = :campaign AND state = 'held'
  AND (CAST(:version AS uuid) IS NULL OR version_id = :version)
GROUP BY step_id
"""

GROUPED = """
SELECT {key} AS key, name, sum(value)::bigint AS value FROM cm.metric
WHERE practice_id = :practice AND (CAST(:campaign AS uuid) IS NULL OR campaign_id = :campaign)
  AND (CAST(:first AS date) IS NULL OR day >= :first) AND name = ANY (:names)
GROUP BY 1, 2 HAVING {key} <> '' ORDER BY 1
"""

SERIES = """
SELECT day, name, sum(value)::bigint AS value FROM cm.metric
WHERE practice_id = :practice AND campaign_id = ANY (:campaigns) AND name = ANY (:names)
  AND day BETWEEN :first AND :last
  AND (CAST(:step AS text) IS NULL OR step_id = :step)
GROUP BY day, name
"""

# A message planned for one person belongs to no version (nil), has no goal, and is credited with nothing.
TOUCHING_VERSIONS = f"""
SELECT DISTINCT d.version_id FROM unnest(CAST(:contacts AS uuid[]), CAST(:ats AS timestamptz[])) AS t(contact, at)
JOIN LATERAL (SELECT d.* FROM {requested_of("t.contact", "(t.at - CAST(:longest AS interval))")}) d
  ON d.requested_at <= t.at AND d.version_id <> '00000000-0000-0000-0000-000000000000'
"""

# A message counts as a touch once it is known to have left; one still waiting does not.
RECORD = f"""
WITH goal AS (
  SELECT * FROM unnest(CAST(:versions AS uuid[]), CAST(:days AS integer[])) AS t(version_id, days)
),
outcome AS (
  SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS t(contact_id uuid, what text, event_ref text, value float8, at timestamptz)
),
touch AS (
  SELECT o.contact_id, o.what, o.event_ref, o.value, o.at AS happened_at, d.enrolment_id, d.campaign_id, d.dispatch_id,
    d.version_id, d.step_id, d.variant, coalesce(d.channel, '') AS channel, left_at.at
  FROM outcome o JOIN LATERAL (SELECT d.* FROM {requested_of("o.contact_id", "(o.at - CAST(:longest AS interval))")}) d
    ON d.requested_at <= o.at
  JOIN goal ON goal.version_id = d.version_id
  CROSS JOIN LATERAL (SELECT least(d.sent_at, d.delivered_at, d.opened_at, d.clicked_at, d.replied_at) AS at) left_at
  WHERE d.status NOT IN ('cancelled', 'failed', 'bounced')
    AND left_at.at <= o.at AND left_at.at > o.at - make_interval(days => goal.days)
),
latest AS (
  SELECT DISTINCT ON (enrolment_id) * FROM touch ORDER BY enrolment_id, at DESC, dispatch_id DESC
),
made AS (
  INSERT INTO cm.conversion (practice_id, conversion_id, campaign_id, enrolment_id, contact_id, dispatch_id,
    what, event_ref, value, at, touches, first_touch_at, last_touch_at)
  SELECT :practice, uuidv7(), l.campaign_id, l.enrolment_id, l.contact_id, l.dispatch_id, l.what, l.event_ref, l.value, l.happened_at,
    n.touches, n.first_at, l.at
  FROM latest l JOIN (SELECT enrolment_id, count(*) AS touches, min(at) AS first_at FROM touch GROUP BY 1) n USING (enrolment_id)
  ON CONFLICT (practice_id, enrolment_id, event_ref) DO NOTHING
  RETURNING enrolment_id
),
counted AS (
  INSERT INTO cm.metric (practice_id, campaign_id, version_id, step_id, variant, channel, day, name, value)
  SELECT :practice, campaign_id, version_id, step_id, variant, channel, (happened_at AT TIME ZONE 'UTC')::date,
    'converted', count(*)
  FROM latest JOIN made USING (enrolment_id) GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
  ON CONFLICT (practice_id, campaign_id, version_id, step_id, variant, channel, day, name)
  DO UPDATE SET value = cm.metric.value + excluded.value
)
SELECT l.contact_id, l.campaign_id, l.enrolment_id, l.dispatch_id, l.version_id, l.step_id, l.variant, l.channel
FROM latest l JOIN made USING (enrolment_id) ORDER BY l.enrolment_id
"""

# The models of `rules.credits`, summed over an enrolment's messages: `row` is one enrolment's part
# of one outcome, `n` all messages before that outcome, whichever campaign sent them.
CREDITED = """
WITH mine AS (
  SELECT DISTINCT contact_id, event_ref FROM cm.conversion
  WHERE practice_id = :practice AND campaign_id = :campaign AND at >= :since
),
part AS (
  SELECT v.campaign_id, v.what, v.value, v.event_ref, v.touches, sum(v.touches) OVER outcome AS n,
    (row_number() OVER (outcome ORDER BY v.first_touch_at, v.enrolment_id) = 1)::integer AS is_first,
    (row_number() OVER (outcome ORDER BY v.last_touch_at DESC, v.enrolment_id DESC) = 1)::integer AS is_last
  FROM cm.conversion v JOIN mine USING (contact_id, event_ref) WHERE v.practice_id = :practice
  WINDOW outcome AS (PARTITION BY v.contact_id, v.event_ref)
),
share AS (
  SELECT part.*, CASE CAST(:model AS text)
    WHEN 'first' THEN is_first
    WHEN 'last' THEN is_last
    WHEN 'linear' THEN touches::numeric / n
    ELSE CASE WHEN n <= 2 THEN touches::numeric / n
      ELSE :end_share * (is_first + is_last) + (1 - 2 * :end_share) * (touches - is_first - is_last) / (n - 2) END
    END AS credit
  FROM part
)
SELECT coalesce(sum(credit) FILTER (WHERE what = 'booking'), 0) AS bookings,
  coalesce(sum(credit) FILTER (WHERE event_ref LIKE 'opportunity:%'), 0) AS opportunities,
  coalesce(sum(credit * value) FILTER (WHERE what <> 'booking'), 0) AS revenue,
  coalesce(sum(credit * value) FILTER (WHERE what = 'booking'), 0) AS booked_value,
  count(DISTINCT event_ref) AS involved
FROM share WHERE campaign_id = :campaign
"""

CREDITED_STEPS = """
SELECT d.step_id, count(*) AS outcomes
FROM cm.conversion v JOIN cm.dispatch d ON d.practice_id = v.practice_id AND d.dispatch_id = v.dispatch_id
WHERE v.practice_id = :practice AND v.campaign_id = :campaign AND v.at >= :since
GROUP BY d.step_id
"""
