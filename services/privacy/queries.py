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
