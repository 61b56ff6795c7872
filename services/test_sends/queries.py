"""The SQL of test messages."""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('test_send/' || CAST(:practice AS text), 0))"
LATELY = """
SELECT count(*) AS practice, count(*) FILTER (WHERE asked_by = :person) AS person
FROM cm.test_send WHERE practice_id = :practice AND asked_at > :since
"""
CONTACTS = """
SELECT 1 FROM canonical.contact
WHERE practice_id = :practice AND (lower(email) = ANY (:addresses) OR phone = ANY (:addresses)) LIMIT 1
"""
COUNTRY = "SELECT country FROM canonical.practice WHERE practice_id = :practice"
INSERT = """
INSERT INTO cm.test_send (practice_id, test_id, campaign_id, step_id, variant, channel, language, content_ref, sent_to,
  asked_by, asked_at, state_at)
VALUES (:practice, :test, :campaign, :step, :variant, :channel, :language, :ref, :sent_to, :person, :now, :now)
"""
# Only what nobody has reported on yet: the Hub's own word is newer than ours.
ANSWERED = """
UPDATE cm.test_send SET state = :state, reason = :reason, state_at = :now
WHERE practice_id = :practice AND test_id = :test AND state = 'asked'
"""
KEPT = """
SELECT t.test_id, t.campaign_id, t.step_id, t.variant, t.channel, t.language, t.sent_to, t.state, t.reason,
  coalesce(p.display_name, 'An integration') AS asked_by, t.asked_at, t.state_at
FROM cm.test_send t LEFT JOIN cm.person p ON p.practice_id = t.practice_id AND p.person_id = t.asked_by
WHERE t.practice_id = :practice AND t.campaign_id = :campaign ORDER BY t.asked_at DESC, t.test_id DESC LIMIT 50
"""
