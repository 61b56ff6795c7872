"""The statements of the access service."""

FIND_LOGIN = "SELECT practice_id, person_id FROM cm.find_login(:who)"
FIND_SESSION = "SELECT cm.find_session(:hash) AS practice_id"
FIND_API_KEY = "SELECT cm.find_api_key(:hash) AS practice_id"

OWN_ROLES = """(SELECT jsonb_object_agg(r.role_key, CASE WHEN r.retired_at IS NULL
         THEN to_jsonb(r.permissions) ELSE to_jsonb(CAST(ARRAY[] AS text[])) END)
        FROM cm.role r WHERE r.practice_id = p.practice_id AND r.role_key = ANY (p.roles)) AS own_roles"""
"""A person's roles as their practice changed or made them: key → permissions."""

PERSON = f"""
SELECT p.person_id, p.login, p.display_name, p.password_hash, p.totp_secret, p.totp_last_step, p.roles,
       p.active, p.failed_count, p.locked_until, p.created_at, {OWN_ROLES}
FROM cm.person p WHERE p.practice_id = :practice AND p.person_id = :person
"""
PERSON_LOCKED = PERSON + " FOR UPDATE OF p"

PEOPLE = """
SELECT person_id, login, display_name, roles, active, totp_secret IS NOT NULL AS has_totp,
       locked_until, created_at
FROM cm.person WHERE practice_id = :practice ORDER BY lower(display_name), person_id
"""

SESSION = f"""
SELECT s.person_id, s.created_at, s.seen_at, s.stepped_up_at, s.device, s.outside, p.login, p.display_name, p.roles, {OWN_ROLES},
       p.totp_secret IS NOT NULL AS has_totp, p.password_hash <> '' AS has_password, x.label, x.timezone,
       (SELECT jsonb_object_agg(r.role_key, r.label) FROM cm.role r
        WHERE r.practice_id = p.practice_id AND r.role_key = ANY (p.roles)) AS own_labels
FROM cm.session s
JOIN cm.person p USING (practice_id, person_id)
JOIN cm.practice x USING (practice_id)
WHERE s.practice_id = :practice AND s.session_hash = :hash AND s.expires_at > :now AND p.active
"""

NEW_SESSION = """
INSERT INTO cm.session (practice_id, session_hash, person_id, created_at, seen_at, expires_at,
                        stepped_up_at, device, outside)
VALUES (:practice, :hash, :person, :begun, :now, :expires, :stepped_up, :device, :outside)
"""
SEEN = """
UPDATE cm.session SET seen_at = :now, expires_at = :expires
WHERE practice_id = :practice AND session_hash = :hash
"""
DROP_SESSION = "DELETE FROM cm.session WHERE practice_id = :practice AND session_hash = :hash"
DROP_EXPIRED = "DELETE FROM cm.session WHERE practice_id = :practice AND expires_at <= :now"
DROP_SESSIONS_OF = "DELETE FROM cm.session WHERE practice_id = :practice AND person_id = :person"

SESSIONS_OF = """
SELECT created_at, seen_at, device, session_hash = :hash AS this_one FROM cm.session
WHERE practice_id = :practice AND person_id = :person AND expires_at > :now ORDER BY seen_at DESC
"""
DROP_OTHER_SESSIONS = """
DELETE FROM cm.session WHERE practice_id = :practice AND person_id = :person AND session_hash <> :hash
"""

FIND_OUTSIDER = """
SELECT practice_id, person_id FROM cm.find_outsider(:issuer, :subject, :hash, :domain)
"""
LINK = """
INSERT INTO cm.identity (practice_id, issuer, subject, person_id, linked_at)
VALUES (:practice, :issuer, :subject, :person, :now)
"""
FROM_OUTSIDE = "SELECT 1 FROM cm.identity WHERE practice_id = :practice AND person_id = :person LIMIT 1"
INVITE = """
INSERT INTO cm.invitation (practice_id, who_hash, roles, invited_by, invited_at)
VALUES (:practice, :hash, :roles, :by, :now)
ON CONFLICT (practice_id, who_hash) DO UPDATE SET roles = excluded.roles, invited_by = excluded.invited_by,
  invited_at = excluded.invited_at, used_at = NULL
"""
TAKE_INVITATION = """
UPDATE cm.invitation SET used_at = :now
WHERE practice_id = :practice AND who_hash = :hash AND used_at IS NULL RETURNING roles
"""
GIVE_ROLES = """
UPDATE cm.person SET roles = :roles WHERE practice_id = :practice AND person_id = :person
"""
REHASHED = """
UPDATE cm.person SET password_hash = :hash WHERE practice_id = :practice AND person_id = :person
"""
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

API_KEY = f"""
SELECT k.api_key_id, k.label, k.scopes, k.created_by, k.last_used_at, p.roles, {OWN_ROLES}
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

ROLES = """
SELECT role_key, label, description, permissions, retired_at FROM cm.role WHERE practice_id = :practice
"""
KEEP_ROLE = """
INSERT INTO cm.role (practice_id, role_key, label, description, permissions, retired_at, created_at, updated_at)
VALUES (:practice, :key, :label, :description, :permissions, :retired, :now, :now)
ON CONFLICT (practice_id, role_key) DO UPDATE SET label = excluded.label, description = excluded.description,
  permissions = excluded.permissions, retired_at = excluded.retired_at, updated_at = excluded.updated_at
"""
