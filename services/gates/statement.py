"""The SQL that asks the gates about a set of people, in one statement (house rule 6).

`verdicts` is a chain of common table expressions that starts from a relation `cand` with at least
`contact_id` (and `ord`, the order in which people of one household are served) and ends in
`verdict`: every column of cand, the contact's zone, the channels that stay open, and the first
reason to refuse (null: cleared). Callers put their own statement behind it.
"""

from services.gates.gates import GATES, Gate, channel_gates, effect_case, person_gates

FACTS = """
sup AS (
  SELECT s.contact_id,
    array_agg(DISTINCT s.reason) FILTER (WHERE s.scope = 'all'
      OR s.scope = 'types' AND CAST(:campaign_type AS text) = ANY (s.campaign_types)
      OR s.scope = 'campaign' AND s.campaign_id = :campaign
      OR s.scope = 'goal' AND s.goal = CAST(:goal AS text)) AS suppressed,
    array_agg(s.reason || ':' || coalesce(s.channel, '*')) FILTER (WHERE s.scope = 'channel'
      OR s.scope = 'topic' AND s.topic = CAST(:topic AS text)) AS closed
  FROM cand JOIN cm.suppression s ON s.practice_id = :practice AND s.contact_id = cand.contact_id
  WHERE s.lifted_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > :now)
  GROUP BY s.contact_id
),
touch AS (
  SELECT d.contact_id, count(*) FILTER (WHERE d.requested_at > :touches_since) AS touches,
    max(d.requested_at) AS last_touch
  FROM cand JOIN cm.dispatch d ON d.practice_id = :practice AND d.contact_id = cand.contact_id
  WHERE d.requested_at > least(CAST(:touches_since AS timestamptz), CAST(:gap_since AS timestamptz))
    AND d.status NOT IN ('cancelled', 'failed', 'bounced')
  GROUP BY d.contact_id
),
emergency AS (
  SELECT DISTINCT o.contact_id
  FROM cand JOIN canonical.opportunity o ON o.practice_id = :practice AND o.contact_id = cand.contact_id
  WHERE o.outcome = 'open' AND lower(o.stack) = ANY (CAST(:emergency_stacks AS text[]))
),
f AS (
  SELECT cand.*, coalesce(c.timezone, 'Europe/London') AS zone, c.email, c.phone,
    c.app_user, c.whatsapp_verified, c.household_id, c.locale,
    c.contact_id IS NULL OR c.deceased OR c.merged_into IS NOT NULL AS gone,
    coalesce(c.do_not_contact, false) AS do_not_contact,
    coalesce(sup.suppressed, '{}') AS suppressed, coalesce(sup.closed, '{}') AS closed_channels,
    coalesce(touch.touches, 0) AS touches, coalesce(touch.last_touch, '-infinity') AS last_touch,
    emergency.contact_id IS NOT NULL AS emergency_open,
    CASE WHEN :global_holdout > 0 THEN cm.bucket(:global_salt, cand.contact_id) ELSE 10000 END AS global_bucket,
    CASE WHEN :campaign_holdout > 0 THEN cm.bucket(:campaign_salt, cand.contact_id) ELSE 10000 END AS campaign_bucket,
    EXISTS (SELECT 1 FROM cm.blocked_destination b WHERE b.practice_id = :practice AND (
      b.kind = 'address' AND b.hash IN (sha256(CAST(:block_key AS bytea) || convert_to(lower(c.email), 'UTF8')),
                                        sha256(CAST(:block_key AS bytea) || convert_to(c.phone, 'UTF8')))
      OR b.kind = 'domain' AND b.hash = sha256(CAST(:block_key AS bytea) || convert_to(split_part(lower(c.email), '@', 2), 'UTF8'))
      OR b.kind = 'identity' AND b.hash = sha256(CAST(:block_key AS bytea) || convert_to(c.identity_hash, 'UTF8'))
    )) AS blocked,
    CASE WHEN :exclusive THEN EXISTS (SELECT 1 FROM cm.enrolment x WHERE x.practice_id = :practice
      AND x.contact_id = cand.contact_id AND x.campaign_id <> :campaign AND x.state = 'live') ELSE false END AS enrolled_elsewhere,
    CASE WHEN :one_per_household AND c.household_id IS NOT NULL THEN
      row_number() OVER (PARTITION BY c.household_id, coalesce(lower(c.email), c.phone) ORDER BY cand.contact_id) > 1
        AND coalesce(c.email, c.phone) IS NOT NULL
      OR EXISTS (SELECT 1 FROM canonical.contact m
        JOIN cm.dispatch d ON d.practice_id = :practice AND d.contact_id = m.contact_id
          AND d.version_id = :version AND d.step_id = :step AND d.status NOT IN ('cancelled', 'failed', 'bounced')
        WHERE m.practice_id = :practice AND m.household_id = c.household_id AND m.contact_id <> c.contact_id
          AND (lower(m.email) = lower(c.email) OR m.phone = c.phone))
      ELSE false END AS duplicate
  FROM cand
  LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = cand.contact_id
  LEFT JOIN sup ON sup.contact_id = cand.contact_id
  LEFT JOIN touch ON touch.contact_id = cand.contact_id
  LEFT JOIN emergency ON emergency.contact_id = cand.contact_id
)"""

CHANNELS = """
h AS (
  SELECT f.contact_id, ch.name, ch.ord, k.state AS consent,
    CASE ch.name WHEN 'email' THEN coalesce(f.email, '') <> '' WHEN 'sms' THEN coalesce(f.phone, '') <> ''
      WHEN 'whatsapp' THEN f.whatsapp_verified AND coalesce(f.phone, '') <> '' ELSE f.app_user END AS reachable,
    ARRAY(SELECT split_part(x, ':', 1) FROM unnest(f.closed_channels) x
          WHERE split_part(x, ':', 2) IN (ch.name, '*')) AS closed
  FROM f CROSS JOIN unnest(CAST(:channels AS text[])) WITH ORDINALITY ch(name, ord)
  LEFT JOIN canonical.consent k ON k.practice_id = :practice AND k.contact_id = f.contact_id
    AND k.channel = ch.name AND k.purpose = :purpose
),
judged AS (SELECT h.contact_id, h.name, h.ord, CASE {channel_case} END AS reason FROM h),
open_channels AS (
  SELECT contact_id,
    coalesce(array_agg(name ORDER BY ord) FILTER (WHERE reason IS NULL), '{{}}') AS channels,
    (array_agg(reason ORDER BY ord) FILTER (WHERE reason IS NOT NULL))[1] AS channel_reason,
    jsonb_object_agg(name, coalesce(reason, 'ok')) AS channel_verdicts
  FROM judged GROUP BY contact_id
)"""


def verdicts(*, entry: bool = False) -> str:
    """CTEs from `cand` to `verdict`. At entry only the gates asked there, and no channels."""
    person = person_gates(entry=entry)
    if entry:
        return f"""{FACTS},
verdict AS MATERIALIZED (SELECT f.*, CASE {_cases(person)} END AS reason FROM f)"""
    channel_case = _cases(channel_gates())
    return f"""{FACTS},{CHANNELS.format(channel_case=channel_case)},
verdict AS MATERIALIZED (
  SELECT p.*, {effect_case("p.person_reason")} AS effect, coalesce(p.person_reason,
      CASE WHEN coalesce(cardinality(p.channels), 0) = 0 THEN coalesce(p.channel_reason, 'NO_ADDRESS') END) AS reason
  FROM (SELECT f.*, o.channels, o.channel_verdicts, o.channel_reason, CASE {_cases(person)} END AS person_reason
        FROM f LEFT JOIN open_channels o ON o.contact_id = f.contact_id) p
)"""


def breakdown_sql(source: str) -> str:
    """Count by reason over the contacts of `source`, a SELECT that yields contact_id."""
    return (
        f"WITH cand AS ({source}), {verdicts()} "
        "SELECT reason, count(*) AS people FROM verdict GROUP BY reason ORDER BY people DESC"
    )


def all_reasons_sql(source: str) -> str:
    """Every gate that refuses, not only the first (the “why not now?” question, SUP-8)."""
    person = ", ".join(f"CASE WHEN {g.predicate} THEN '{g.reason.value}' END" for g in person_gates())
    return (
        f"WITH cand AS ({source}), {FACTS},{CHANNELS.format(channel_case=_cases(channel_gates()))} "
        f"SELECT f.contact_id, array_remove(ARRAY[{person}], NULL) AS reasons,"
        " o.channels, o.channel_verdicts"
        " FROM f LEFT JOIN open_channels o ON o.contact_id = f.contact_id"
    )


def _cases(gates: tuple[Gate, ...]) -> str:
    assert all(g in GATES for g in gates)
    return " ".join(f"WHEN {g.predicate} THEN '{g.reason.value}'" for g in gates)
