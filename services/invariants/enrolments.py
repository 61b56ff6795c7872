"""What is always true of people inside journeys and of the work that waits for them."""

from services.gates.reasons import Reason
from services.invariants.contracts import Invariant

_CODES = ", ".join(f"'{reason.value}'" for reason in Reason)

NOT_ONE_STEP = """
SELECT e.enrolment_id, e.contact_id FROM cm.enrolment e
WHERE e.practice_id = :practice AND e.state = 'live' AND (
  SELECT array_agg((w.version_id, w.contact_id, w.enrolled_at, w.pseudonym)
    = (e.version_id, e.contact_id, e.enrolled_at, e.pseudonym))
  FROM cm.work w WHERE w.practice_id = :practice AND w.enrolment_id = e.enrolment_id) IS DISTINCT FROM ARRAY[true]
"""

WORK_FOR_NOBODY = """
SELECT w.enrolment_id, w.step_id, e.state FROM cm.work w
LEFT JOIN cm.enrolment e ON e.practice_id = w.practice_id AND e.enrolment_id = w.enrolment_id
WHERE w.practice_id = :practice AND e.state IS DISTINCT FROM 'live'
"""

LANE_APART = """
SELECT w.enrolment_id, w.contact_id, w.lane, s.lane AS lane_of_person FROM cm.work w
LEFT JOIN cm.subject s ON s.practice_id = w.practice_id AND s.contact_id = w.contact_id
WHERE w.practice_id = :practice AND s.lane IS DISTINCT FROM w.lane
"""

LOST = """
SELECT x.execution_id, x.enrolled, count(e.enrolment_id) AS found
FROM cm.execution x LEFT JOIN cm.enrolment e ON e.practice_id = x.practice_id
  AND e.campaign_id = x.campaign_id AND e.execution_id = x.execution_id
WHERE x.practice_id = :practice GROUP BY x.execution_id, x.enrolled HAVING x.enrolled <> count(e.enrolment_id)
"""

ENTRY_GAPS = """
SELECT e.campaign_id, e.contact_id, max(e.entry_no) AS highest, count(*) AS entries
FROM cm.enrolment e WHERE e.practice_id = :practice
GROUP BY e.campaign_id, e.contact_id HAVING max(e.entry_no) <> count(*)
"""

STATE_SAYS_WHY = f"""
SELECT e.enrolment_id, e.state, e.held_reason, e.exit_reason, e.ended_at FROM cm.enrolment e
WHERE e.practice_id = :practice AND NOT CASE e.state
  WHEN 'live' THEN e.held_reason IS NULL AND e.exit_reason IS NULL AND e.ended_at IS NULL
  WHEN 'held' THEN coalesce(e.held_reason, '') IN ({_CODES}) AND e.ended_at IS NULL AND e.held_due_at IS NOT NULL
  ELSE coalesce(e.exit_reason, '') IN ({_CODES}) AND e.ended_at IS NOT NULL AND e.held_reason IS NULL END
"""

REFUSED_WITHOUT_REASON = f"""
SELECT r.refusal_id, r.contact_id, r.campaign_id, r.step_id, r.reason FROM cm.refusal r
WHERE r.practice_id = :practice AND r.at >= :since AND r.reason NOT IN ({_CODES})
"""

LEFT_STANDING = """
SELECT n.source, n.event_id, n.contact_id, n.at FROM cm.notice n
JOIN cm.inbound_event i ON i.practice_id = :practice AND i.source = n.source AND i.event_id = n.event_id
WHERE n.practice_id = :practice
"""

INVARIANTS = (
    Invariant(
        "live_has_work", "Everyone who is under way in a journey has exactly one next step.", NOT_ONE_STEP
    ),
    Invariant("work_is_live", "Nobody who waits or has left has a next step queued.", WORK_FOR_NOBODY),
    Invariant("one_lane_a_person", "All next steps of a person are decided in one lane.", LANE_APART),
    Invariant("nobody_lost", "Everyone a run let in is still on record.", LOST),
    Invariant("entries_in_order", "A person's entries into a campaign are counted without gaps.", ENTRY_GAPS),
    Invariant("state_says_why", "Every hold and every end has a known reason.", STATE_SAYS_WHY),
    Invariant("notice_ends", "Nobody waits for an event that has been taken in.", LEFT_STANDING),
    Invariant("refusal_says_why", "Every refusal has a known reason.", REFUSED_WITHOUT_REASON),
)
