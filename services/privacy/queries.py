"""The SQL of the rights of a person (D27)."""

RECORDS = """
SELECT contact_id FROM cm.subject
WHERE practice_id = :practice AND (contact_id = :contact OR merged_into = :contact) AND erased_at IS NULL
ORDER BY contact_id FOR UPDATE
"""

_HERS = "practice_id = :practice AND contact_id = ANY (:contacts)"
HAND_OVER = (
    # A record that was merged in may have been in the same campaign: entries are counted anew.
    f"""
    UPDATE cm.enrolment e SET contact_id = :stand_in, entry_no = m.nth FROM (
      SELECT enrolment_id, row_number() OVER (PARTITION BY campaign_id ORDER BY enrolled_at, enrolment_id) AS nth
      FROM cm.enrolment WHERE {_HERS}) m
    WHERE e.practice_id = :practice AND e.enrolment_id = m.enrolment_id
    """,
    *(
        f"UPDATE cm.{table} SET contact_id = :stand_in WHERE {_HERS}"
        for table in ("dispatch", "refusal", "message_event", "conversion", "followup")
    ),
    f"UPDATE cm.inbound_event SET contact_id = :stand_in, data = '{{}}' WHERE {_HERS}",
    f"""
    UPDATE cm.suppression SET contact_id = :stand_in, note = '', lifted_at = coalesce(lifted_at, :now),
      lifted_by = coalesce(lifted_by, 'erasure'), lift_reason = '' WHERE {_HERS} AND reason <> 'CONTACT_ERASED'
    """,
    f"UPDATE cm.blocked_destination SET contact_id = NULL WHERE {_HERS}",
    f"DELETE FROM cm.webhook_delivery WHERE {_HERS} AND status <> 'waiting'",
)
"""Every table of ours that names contacts, but the bar (the subject, its suppression, what Care Plan
Subscriptions was told) and what is on its way out (the outbox, waiting deliveries), which must still arrive."""

DESTROY = """
UPDATE cm.subject SET pseudonym = NULL, erased_at = :now WHERE practice_id = :practice AND contact_id = ANY (:contacts)
"""

THERE = "SELECT 1 FROM canonical.contact WHERE practice_id = :practice AND contact_id = :contact"

_OF = "WHERE x.practice_id = :practice AND x.contact_id = :contact"
_SHARED = "Practice Platform"
_OURS = "Campaign Manager"


# Requests are kept by the moment of entry, and found by the journey or planned message they belong to.
_ASKED_FOR = """(SELECT d.* FROM (
    SELECT e.enrolled_at, e.enrolment_id FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :contact
    UNION ALL
    SELECT y.created_at, y.followup_id FROM cm.followup y WHERE y.practice_id = :practice AND y.contact_id = :contact) k
  JOIN cm.dispatch d ON d.practice_id = :practice AND d.enrolled_at = k.enrolled_at AND d.enrolment_id = k.enrolment_id)"""


def _all(table: str, order: str, without: str = "") -> str:
    """Every row of a table about them as JSON, without its practice and what only a machine reads."""
    left_out = ", ".join(f"'{name}'" for name in ("practice_id", "contact_id", "pseudonym", *without.split()))
    return f"SELECT to_jsonb(x) - ARRAY[{left_out}] FROM {table} x {_OF} ORDER BY x.{order}"


REPORT: tuple[tuple[str, str, str], ...] = (
    ("Who they are", _SHARED, _all("canonical.contact", "contact_id")),
    ("Consent now", _SHARED, _all("canonical.consent", "channel, x.purpose")),
    ("Consent over time", _SHARED, _all("canonical.consent_history", "recorded_at")),
    ("Appointments", _SHARED, _all("canonical.appointment", "starts_at")),
    ("Enquiries and opportunities", _SHARED, _all("canonical.opportunity", "opened_at")),
    ("Proposals", _SHARED, _all("canonical.proposal", "created_at")),
    ("Answers to messages", _SHARED, _all("canonical.engagement", "at")),
    ("Loyalty", _SHARED, _all("canonical.loyalty", "joined_on")),
    ("Care plan", _SHARED, _all("canonical.care_plan", "plan")),
    ("Journeys", _OURS, _all("cm.enrolment", "enrolled_at")),
    ("Where they are in journeys now", _OURS, _all("cm.work", "enrolled_at", "lane")),
    ("Messages asked for", _OURS, _all(_ASKED_FOR, "requested_at")),
    ("What became of messages", _OURS, _all("cm.message_event", "at")),
    ("Messages not sent, and why", _OURS, _all("cm.refusal", "at")),
    ("Results counted for a campaign", _OURS, _all("cm.conversion", "at")),
    ("Messages planned for them", _OURS, _all("cm.followup", "created_at", "content")),
    ("Why they are left alone", _OURS, _all("cm.suppression", "applied_at")),
    ("Addresses that are blocked", _OURS, _all("cm.blocked_destination", "added_at", "hash")),
    ("Events taken in", _OURS, _all("cm.inbound_event", "received_at")),
    ("What Care Plan Subscriptions was told", _OURS, _all("cm.care_plan_standing", "changed_at")),
    (
        "Entries of the audit", _OURS,
        """
        SELECT jsonb_build_object('at', a.at, 'what', a.tag, 'by', a.actor, 'reason', a.reason)
        FROM cm.subject s JOIN cm.audit a ON a.practice_id = s.practice_id AND a.pseudonym = s.pseudonym
        WHERE s.practice_id = :practice AND s.contact_id = :contact ORDER BY a.at, a.audit_id
        """,
    ),
)  # fmt: skip
"""Everything held about a person: its name, whose it is, and the statement that reads it."""

WORDS = """
SELECT followup_id, content FROM cm.followup
WHERE practice_id = :practice AND contact_id = :contact AND content <> '' ORDER BY created_at
"""

# The consent as it stood when the gates were asked: the last that was in effect and, where the history says
# when it was recorded, known by then.
PROOFS = f"""
SELECT d.dispatch_id, d.requested_at AS asked_at, coalesce(c.name, '') AS campaign, ch.channel,
  coalesce(d.channel, '') AS sent_on, d.status, coalesce(p.purpose, '') AS purpose, coalesce(p.state, '') AS state,
  p.effective_at AS since, coalesce(p.method, '') AS method, coalesce(p.evidence, '') AS evidence
FROM {_ASKED_FOR} d
CROSS JOIN unnest(d.channels) WITH ORDINALITY AS ch(channel, nth)
LEFT JOIN cm.campaign c ON c.practice_id = d.practice_id AND c.campaign_id = d.campaign_id
LEFT JOIN LATERAL (
  SELECT k.purpose, k.state, k.method, k.evidence, k.effective_at FROM (
    SELECT purpose, state, method, evidence, effective_at FROM canonical.consent_history
    WHERE practice_id = :practice AND contact_id = :contact AND channel = ch.channel AND recorded_at <= d.requested_at
    UNION
    SELECT purpose, state, method, evidence, effective_at FROM canonical.consent
    WHERE practice_id = :practice AND contact_id = :contact AND channel = ch.channel) k
  WHERE k.effective_at <= d.requested_at AND k.purpose IN ('marketing', 'all')
  ORDER BY k.effective_at DESC LIMIT 1) p ON true
WHERE d.practice_id = :practice AND d.contact_id = :contact
ORDER BY d.requested_at DESC, d.dispatch_id, ch.nth
"""

PROGRESS = """
SELECT (SELECT erased_at FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact) AS here,
  EXISTS (SELECT 1 FROM canonical.contact WHERE practice_id = :practice AND contact_id = :contact
    AND first_name = '' AND last_name = '' AND email IS NULL AND phone IS NULL) AS platform,
  EXISTS (SELECT 1 FROM cm.inbound_event WHERE practice_id = :practice AND contact_id = :contact
    AND type = 'contact.erased') OR EXISTS (SELECT 1 FROM cm.suppression WHERE practice_id = :practice
    AND contact_id = :contact AND reason = 'CONTACT_ERASED' AND event_id <> :by_staff) AS told
"""
