"""The statements of the access service."""

FIND_LOGIN = "SELECT practice_id, person_id FROM cm.find_login(:who)"
FIND_SESSION = "SELECT cm.find_session(:hash) AS practice_id"
FIND_API_KEY = "SELECT cm.find_api_key(:hash) AS practice_id"

PERSON = """
SELECT person_id, login, display_name, password_hash, totp_secret, totp_last_step, roles, active,
       failed_count, locked_until, created_at
FROM cm.person WHERE practice_id = :practice AND person_id = :person
"""
PERSON_LOCKED = PERSON + " FOR UPDATE"

PEOPLE = """
SELECT person_id, login, display_name, roles, active, totp_secret IS NOT NULL AS has_totp,
       locked_until, created_at
FROM cm.person WHERE practice_id = :practice ORDER BY lower(display_name), person_id
"""

SESSION = """
SELECT s.person_id, s.seen_at, s.stepped_up_at, p.login, p.display_name, p.roles,
       p.totp_secret IS NOT NULL AS has_totp, x.label, x.timezone
FROM cm.session s
JOIN cm.person p USING (practice_id, person_id)
JOIN cm.practice x USING (practice_id)
WHERE s.practice_id = :practice AND s.session_hash = :hash AND s.expires_at > :now AND p.active
"""

NEW_SESSION = """
INSERT INTO cm.session (practice_id, session_hash, person_id, created_at, seen_at, expires_at,
                        stepped_up_at)
VALUES (:practice, :hash, :person, :now, :now, :expires, :stepped_up)
"""
SEEN = """
UPDATE cm.session SET seen_at = :now, expires_at = :expires
WHERE practice_id = :practice AND session_hash = :hash
"""
DROP_SESSION = "DELETE FROM cm.session WHERE practice_id = :practice AND session_hash = :hash"
DROP_EXPIRED = "DELETE FROM cm.session WHERE practice_id = :practice AND expires_at <= :now"
DROP_SESSIONS_OF = "DELETE FROM cm.session WHERE practice_id = :practice AND person_id = :person"

FAILED = """
UPDATE cm.person SET failed_count = :failed, locked_until = :locked
WHERE practice_id = :practice AND person_id = :person
"""

NEW_PERSON = """
INSERT INTO cm.person (practice_id, person_id, login, display_name, password_hash, totp_secret,
                       roles, created_at)
VALUES (:practice, :person, :login, :display_name, :password_hash, :totp, :roles, :now)
ON CONFLICT DO NOTHING
"""

API_KEY = """
SELECT k.api_key_id, k.label, k.scopes, k.created_by, k.last_used_at, p.roles
FROM cm.api_key k
JOIN cm.person p ON p.practice_id = k.practice_id AND p.person_id = k.created_by AND p.active
WHERE k.practice_id = :practice AND k.key_hash = :hash AND k.revoked_at IS NULL
"""
API_KEYS = """
SELECT api_key_id, label, scopes, created_by, created_at, last_used_at, revoked_at
FROM cm.api_key WHERE practice_id = :practice ORDER BY created_at DESC
"""
NEW_API_KEY = """
INSERT INTO cm.api_key (practice_id, api_key_id, label, key_hash, scopes, created_by, created_at)
VALUES (:practice, :id, :label, :hash, :scopes, :person, :now)
"""
