"""SQL of the block lists. Plain values are only ever bound to look people up, never stored."""

from services.gates.requested import requested_of
from services.suppression.queries import RECALLED

LOCK_PRACTICE = "SELECT 1 FROM cm.practice WHERE practice_id = :practice FOR UPDATE"
LOCK_PLATFORM = "SELECT 1 FROM cm.platform_control FOR UPDATE"
COUNTRY = "SELECT country FROM canonical.practice WHERE practice_id = :practice"

ADD = """
INSERT INTO cm.blocked_destination (practice_id, hash, kind, reason, contact_id, added_by, added_at)
SELECT :practice, hash, kind, :ground, contact_id, :by, :now
FROM unnest(CAST(:hashes AS bytea[]), CAST(:kinds AS text[]), CAST(:contacts AS uuid[])) AS t(hash, kind, contact_id)
ON CONFLICT DO NOTHING RETURNING hash
"""
ADD_EVERYWHERE = """
INSERT INTO cm.platform_block (hash, kind, reason, added_by, added_at)
SELECT hash, kind, :ground, :by, :now FROM unnest(CAST(:hashes AS bytea[]), CAST(:kinds AS text[])) AS t(hash, kind)
ON CONFLICT DO NOTHING RETURNING hash
"""
REMOVE = """
DELETE FROM cm.blocked_destination WHERE practice_id = :practice AND hash = :hash RETURNING kind, reason
"""

_WHO = """CASE WHEN p.person_id IS NOT NULL THEN p.display_name WHEN b.added_by = 'cli' THEN 'Command line'
    WHEN b.added_by LIKE 'api:%' THEN 'API' ELSE 'By rule' END"""
_ROW = f"""
SELECT b.hash, b.kind, b.reason, b.added_at, {_WHO} AS who, false AS everywhere,
  lower(btrim(c.email)) AS email, c.phone, c.identity_hash
FROM cm.blocked_destination b
LEFT JOIN canonical.contact c ON c.practice_id = b.practice_id AND c.contact_id = b.contact_id
LEFT JOIN cm.person p ON p.practice_id = b.practice_id AND 'person:' || p.person_id = b.added_by
"""
PAGE = f"""{_ROW} WHERE b.practice_id = :practice
  AND (CAST(:before AS timestamptz) IS NULL OR (b.added_at, b.hash) < (:before, CAST(:last AS bytea)))
ORDER BY b.added_at DESC, b.hash DESC LIMIT :limit
"""
COUNT = "SELECT count(*) FROM cm.blocked_destination WHERE practice_id = :practice"
FIND = f"""{_ROW} WHERE b.practice_id = :practice AND b.hash = ANY (CAST(:mine AS bytea[]))
UNION ALL
SELECT b.hash, b.kind, b.reason, b.added_at, 'Platform', true, NULL, NULL, NULL FROM cm.platform_block b
WHERE b.hash = ANY (CAST(:theirs AS bytea[]))
"""
ADDRESSES = """
SELECT lower(btrim(email)) AS email, phone FROM canonical.contact WHERE practice_id = :practice AND contact_id = :contact
"""

_PEOPLE = """
  SELECT contact_id, 'address' AS kind, lower(email) AS value, ARRAY['email'] AS channels FROM canonical.contact
  WHERE practice_id = :practice AND lower(email) = ANY (CAST(:emails AS text[]))
  UNION ALL
  SELECT contact_id, 'address', phone, ARRAY['sms', 'whatsapp'] FROM canonical.contact
  WHERE practice_id = :practice AND phone = ANY (CAST(:phones AS text[]))
  UNION ALL
  SELECT contact_id, 'domain', split_part(lower(email), '@', 2), ARRAY['email'] FROM canonical.contact
  WHERE cardinality(CAST(:domains AS text[])) > 0 AND practice_id = :practice
    AND split_part(lower(btrim(email)), '@', 2) = ANY (CAST(:domains AS text[]))
  UNION ALL
  SELECT contact_id, 'identity', identity_hash, ARRAY['email', 'sms', 'whatsapp', 'in_app'] FROM canonical.contact
  WHERE practice_id = :practice AND identity_hash <> '' AND identity_hash = ANY (CAST(:identities AS text[]))
"""
OWNERS = f"SELECT DISTINCT ON (kind, value) kind, value, contact_id FROM ({_PEOPLE}) o ORDER BY kind, value, contact_id"

# People with something on its way there; of a blocked identity also those who are in a journey.
UNDER_WAY = f"""
SELECT o.contact_id, bool_or(o.kind = 'identity') AS whole,
  array_agg(DISTINCT channel) AS channels
FROM ({_PEOPLE}) o CROSS JOIN LATERAL unnest(o.channels) AS channel
WHERE EXISTS (SELECT 1 FROM {requested_of("o.contact_id", RECALLED)} WHERE d.status IN ('requested', 'accepted'))
  OR o.kind = 'identity' AND EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice
    AND e.contact_id = o.contact_id AND e.state IN ('live', 'held'))
GROUP BY o.contact_id ORDER BY o.contact_id
"""
PENDING_ON = f"""
SELECT dispatch_id, d.enrolled_at FROM {requested_of("CAST(:contact AS uuid)", RECALLED)}
WHERE status IN ('requested', 'accepted')
  AND channels && CAST(:channels AS text[]) ORDER BY dispatch_id
"""

KEEP_IMPORT = """
INSERT INTO cm.block_import (practice_id, import_id, at, by, row_count, added, known, problems)
VALUES (:practice, :id, :now, :by, :rows, :added, :known, CAST(:problems AS jsonb))
"""
IMPORTS = """
SELECT i.import_id, i.at, i.row_count, i.added, i.known, i.problems, coalesce(p.display_name,
  CASE WHEN i.by = 'cli' THEN 'Command line' ELSE 'API' END) AS who
FROM cm.block_import i LEFT JOIN cm.person p ON p.practice_id = i.practice_id AND 'person:' || p.person_id = i.by
WHERE i.practice_id = :practice ORDER BY i.at DESC, i.import_id DESC LIMIT :limit
"""
