"""The SQL of one person's story: every table that decided something about them, on one line of time."""

from services.gates.requested import SLACK, requested_of

KINDS: dict[str, tuple[str, ...]] = {
    "messages": ("requested", "message", "planned", "unplanned"),
    "refusals": ("refused",),
    "journeys": ("entered", "moved", "held", "released", "ended"),
    "stops": ("suppressed", "lifted"),
    "events": ("event",),
}
"""What a timeline can be narrowed to → the kinds of its items."""

# Some tables are kept by the month. One statement reads only the months that meet `since` (with it) to `until`
# (without it); what lies in no months is bound by `floor` and `ceiling`, which are null where the story is open.
_WINDOW = "{at} >= CAST(:since AS timestamptz) AND {at} < CAST(:until AS timestamptz)"
_JUST_BEFORE = "(CAST(:since AS timestamptz) - interval '1 microsecond')"


def _within(at: str) -> str:
    return _WINDOW.format(at=at)


_ENROLMENT = "FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :contact"

# One branch a source. `ref` names the row; `by` who did it; `event_id` the event, where it is stored.
_STORY = f"""
  SELECT e.enrolled_at AS at, 'entered' AS kind, '' AS what, '' AS reason, e.campaign_id, e.version_id, '' AS step_id,
    coalesce(e.trigger_event, '') AS detail, e.enrolment_id, e.enrolment_id::text AS ref, '' AS by, NULL::text AS event_id,
    jsonb_build_object('entry', e.entry_no, 'priority', e.priority) AS inputs
  {_ENROLMENT}
  UNION ALL
  SELECT e.ended_at, 'ended', e.state, coalesce(e.exit_reason, ''), e.campaign_id, e.version_id, coalesce(e.step_id, ''), '', e.enrolment_id,
    e.enrolment_id::text, '', NULL, '{{}}'
  {_ENROLMENT} AND e.ended_at IS NOT NULL
  UNION ALL
  SELECT d.requested_at, 'requested', d.status, coalesce(d.failure, ''), nullif(d.campaign_id, :none),
    nullif(d.version_id, :none), d.step_id,
    array_to_string(d.channels, ', '), d.enrolment_id, d.dispatch_id::text, '', NULL,
    jsonb_build_object('variant', d.variant, 'topic', d.topic, 'words', d.content_ref, 'move', d.move_no)
  FROM mine d
  UNION ALL
  SELECT r.at, 'refused', '', r.reason, nullif(r.campaign_id, :none), nullif(r.version_id, :none), r.step_id, '', r.enrolment_id, r.refusal_id::text, '', NULL, r.inputs
  FROM cm.refusal r WHERE r.practice_id = :practice AND r.contact_id = :contact AND {_within("r.at")}
  UNION ALL
  SELECT m.at, 'message', m.what, '', nullif(m.campaign_id, :none), NULL, '', coalesce(m.channel, ''), NULL, m.message_event_id::text, '', NULL,
    jsonb_build_object('said', m.detail, 'dispatch', m.dispatch_id, 'language', m.language, 'rendered', m.rendered)
  FROM cm.message_event m WHERE m.practice_id = :practice AND m.contact_id = :contact AND m.what <> 'accepted'
    AND {_within("m.at")}
  UNION ALL
  SELECT t.at, 'moved', t.port, '', e.campaign_id, e.version_id, t.step_id, '', e.enrolment_id, t.enrolment_id::text || '/' || t.move_no, '',
    NULL, jsonb_build_object('move', t.move_no, 'change', t.detail)
  FROM cm.enrolment e CROSS JOIN LATERAL (SELECT t.* FROM cm.transition t WHERE t.practice_id = :practice
    AND t.enrolment_id = e.enrolment_id AND t.at >= e.enrolled_at AND t.at <= coalesce(e.ended_at, 'infinity') + {SLACK}
    AND {_within("t.at")} OFFSET 0) t
  WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.enrolled_at < CAST(:until AS timestamptz)
    AND (e.ended_at IS NULL OR e.ended_at >= CAST(:since AS timestamptz) - {SLACK})
  UNION ALL
  SELECT a.at, CASE a.tag WHEN 'enrolment.held' THEN 'held' ELSE 'released' END, '', a.reason, a.campaign_id, e.version_id, coalesce(e.step_id, ''),
    '', a.enrolment_id, a.audit_id::text, a.actor, NULL, '{{}}'
  FROM cm.subject s JOIN cm.audit a ON a.practice_id = s.practice_id AND a.pseudonym = s.pseudonym
  LEFT JOIN cm.enrolment e ON e.practice_id = a.practice_id AND e.enrolment_id = a.enrolment_id
  WHERE s.practice_id = :practice AND s.contact_id = :contact AND a.tag IN ('enrolment.held', 'enrolment.released')
    AND {_within("a.at")}
  UNION ALL
  SELECT s.applied_at, 'suppressed', s.scope, s.reason, s.campaign_id, NULL, '', coalesce(s.channel, s.topic, ''), NULL,
    s.suppression_id::text, s.applied_by, s.event_id,
    jsonb_build_object('note', s.note, 'until', s.expires_at, 'types', s.campaign_types, 'goal', s.goal, 'record', s.record_ref)
  FROM cm.suppression s WHERE s.practice_id = :practice AND s.contact_id = :contact
  UNION ALL
  SELECT s.lifted_at, 'lifted', s.scope, s.reason, s.campaign_id, NULL, '', coalesce(s.channel, s.topic, ''), NULL,
    s.suppression_id::text || '/lifted', coalesce(s.lifted_by, ''), NULL, jsonb_build_object('note', coalesce(s.lift_reason, ''))
  FROM cm.suppression s WHERE s.practice_id = :practice AND s.contact_id = :contact AND s.lifted_at IS NOT NULL
  UNION ALL
  SELECT f.created_at, 'planned', f.state, '', NULL, NULL, '', f.why, NULL, f.followup_id::text, 'person:' || f.created_by, NULL,
    jsonb_build_object('due', f.due_at)
  FROM cm.followup f WHERE f.practice_id = :practice AND f.contact_id = :contact
  UNION ALL
  SELECT f.ended_at, 'unplanned', f.state, coalesce(f.reason, ''), NULL, NULL, '', f.note, NULL, f.followup_id::text || '/ended',
    coalesce(f.ended_by, ''), NULL, '{{}}'
  FROM cm.followup f WHERE f.practice_id = :practice AND f.contact_id = :contact AND f.state = 'cancelled'
  UNION ALL
  SELECT i.received_at, 'event', i.type, '', NULL, NULL, '', i.source, NULL, i.event_id, '', i.event_id,
    jsonb_build_object('happened', i.occurred_at, 'outcome', i.outcome)
  FROM cm.inbound_event i WHERE i.practice_id = :practice AND i.contact_id = :contact AND i.type NOT LIKE 'hub.message.%'
"""
_ORDER = """date_trunc('second', at) DESC,
    array_position(ARRAY['planned', 'event', 'entered', 'moved', 'refused', 'requested', 'message', 'ended'], kind) DESC NULLS FIRST,
    array_position(ARRAY['sent', 'delivered', 'opened', 'clicked'], what) DESC NULLS FIRST, at DESC, ref DESC"""

# The request that a report on the page is about: asked for in another month, maybe, but by a journey of its campaign.
_REQUEST = """
  SELECT r.version_id, r.step_id FROM (
    SELECT x.enrolled_at, x.enrolment_id FROM cm.enrolment x WHERE x.practice_id = :practice AND x.contact_id = :contact
      AND x.campaign_id = p.campaign_id AND x.enrolled_at <= p.at
    UNION ALL SELECT y.created_at, y.followup_id FROM cm.followup y WHERE y.practice_id = :practice AND y.contact_id = :contact
      AND y.dispatch_id = CAST(p.inputs->>'dispatch' AS uuid)) k
  CROSS JOIN LATERAL (SELECT r.* FROM cm.dispatch r WHERE r.practice_id = :practice AND r.enrolled_at = k.enrolled_at
    AND r.enrolment_id = k.enrolment_id AND r.dispatch_id = CAST(p.inputs->>'dispatch' AS uuid) OFFSET 0) r
"""

# The event that caused something was taken in by the same transaction, so at the very same instant.
# Hub statuses come in batches: they only count where the row names them.
TIMELINE = f"""
WITH mine AS MATERIALIZED (SELECT d.* FROM {requested_of("CAST(:contact AS uuid)", _JUST_BEFORE, until="CAST(:until AS timestamptz)")}),
x AS ({_STORY}),
page AS (
  SELECT *, row_number() OVER (ORDER BY {_ORDER}) AS n FROM x
  WHERE (CAST(:campaign AS uuid) IS NULL OR campaign_id = :campaign)
    AND (CAST(:kinds AS text[]) = '{{}}' OR kind = ANY (CAST(:kinds AS text[])))
    AND (CAST(:ceiling AS timestamptz) IS NULL OR at < :ceiling)
    AND (CAST(:floor AS timestamptz) IS NULL OR at >= :floor)
  ORDER BY n LIMIT :limit OFFSET :skip
)
SELECT p.*, coalesce(p.version_id, nullif(d.version_id, :none)) AS version_id_known, coalesce(nullif(p.step_id, ''), d.step_id, '') AS step_known,
  c.name AS campaign, v.number AS version, i.type AS cause, i.source AS cause_source, i.event_id AS cause_id, i.occurred_at AS cause_at
FROM page p
LEFT JOIN LATERAL (SELECT * FROM ({_REQUEST}) q LIMIT 1) d ON p.kind = 'message'
LEFT JOIN cm.campaign c ON c.practice_id = :practice AND c.campaign_id = p.campaign_id
LEFT JOIN cm.campaign_version v ON v.practice_id = :practice AND v.version_id = coalesce(p.version_id, d.version_id)
LEFT JOIN LATERAL (
  SELECT i.type, i.source, i.event_id, i.occurred_at FROM cm.inbound_event i
  WHERE i.practice_id = :practice AND i.contact_id = :contact AND i.received_at = p.at
    AND p.kind IN ('entered', 'ended', 'held', 'released', 'suppressed', 'lifted', 'refused')
    AND CASE WHEN p.event_id IS NOT NULL THEN i.event_id = p.event_id
             WHEN p.kind = 'entered' THEN i.type = p.detail ELSE i.type NOT LIKE 'hub.message.%' END
  LIMIT 1) i ON true
ORDER BY p.n
"""
# Nothing of ours about a person is older than when we first came across them, or a record merged into theirs.
FIRST_SEEN = """
WITH RECURSIVE own AS (
  SELECT contact_id, first_seen_at FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact
  UNION
  SELECT s.contact_id, s.first_seen_at FROM own JOIN cm.subject s ON s.practice_id = :practice AND s.merged_into = own.contact_id
)
SELECT min(first_seen_at) FROM own
"""
# A wait for an event ended: the event is the last of its type before.
AWAITED = """
SELECT type, source, event_id, occurred_at FROM cm.inbound_event
WHERE practice_id = :practice AND contact_id = :contact AND type = :type AND received_at <= :at
ORDER BY received_at DESC LIMIT 1
"""
# The consents as they stood, newest first; the present ones where no history was kept.
CONSENTS = """
SELECT channel, state, method, evidence, effective_at FROM canonical.consent_history
WHERE practice_id = :practice AND contact_id = :contact AND purpose = 'marketing'
UNION
SELECT channel, state, method, evidence, effective_at FROM canonical.consent
WHERE practice_id = :practice AND contact_id = :contact AND purpose = 'marketing'
ORDER BY effective_at DESC
"""
CAMPAIGNS = """
SELECT c.campaign_id, c.name FROM cm.campaign c WHERE c.practice_id = :practice AND c.campaign_id IN (
  SELECT e.campaign_id FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :contact
  UNION
  SELECT r.campaign_id FROM cm.refusal r WHERE r.practice_id = :practice AND r.contact_id = :contact
    AND r.at >= CAST(:since AS timestamptz))
ORDER BY lower(c.name), c.campaign_id LIMIT 100
"""
ENROLMENTS = """
SELECT e.enrolment_id, e.campaign_id, c.name, c.campaign_type, e.state, e.step_id, e.version_id, e.enrolled_at, e.held_reason,
  e.exit_reason, e.ended_at, e.due_at
FROM cm.whereabouts e JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
WHERE e.practice_id = :practice AND e.contact_id = :contact ORDER BY e.enrolled_at DESC LIMIT 100
"""
