"""The statements that read, seal, verify and export the audit."""

AT = """to_char({at} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
"""A time exactly as `cm.audit_leaf` hashes it."""

LEAF_OF_ROW = (
    "cm.audit_leaf(cm.audit_head(a.practice_id, a.at), a.audit_id, a.tag, a.actor, a.campaign_id, a.enrolment_id,"
    " a.pseudonym, a.reason, a.detail)"
)

PAGE = """
SELECT a.audit_id, a.at, a.tag, a.actor, p.display_name AS person_name, k.label AS key_label,
       a.campaign_id, c.name AS campaign_name, a.enrolment_id, s.contact_id, a.pseudonym, a.reason,
       a.detail, b.seal_no
FROM cm.audit a
LEFT JOIN cm.audit_batch b ON b.practice_id = a.practice_id AND b.batch_id = a.batch_id
LEFT JOIN cm.campaign c ON c.practice_id = a.practice_id AND c.campaign_id = a.campaign_id
LEFT JOIN cm.person p ON p.practice_id = a.practice_id AND 'person:' || p.person_id = a.actor
LEFT JOIN cm.api_key k ON k.practice_id = a.practice_id AND 'api:' || k.api_key_id = a.actor
LEFT JOIN cm.subject s ON s.practice_id = a.practice_id AND s.pseudonym = a.pseudonym
WHERE a.practice_id = :practice {filters}
ORDER BY a.at DESC, a.audit_id DESC LIMIT {limit:d}
"""
# One clause a filter; only those asked for become part of the statement, so that it is planned for them.
FILTERS = {
    "tag": "a.tag = ANY (:tags)",
    "actor": "a.actor = :actor",
    "campaign_id": "a.campaign_id = :campaign_id",
    "contact_id": "a.pseudonym = (SELECT pseudonym FROM cm.subject"
    " WHERE practice_id = :practice AND contact_id = :contact_id)",
    "since": "a.at >= :since",
    "until": "a.at < :until",
    "before": "(a.at, a.audit_id) < (:before_at, :before_id)",
}
# The two indexes by act and by actor leave out what the engine writes by the million (alembic/sql/cm.sql): the
# planner takes them only where the statement says in so many words that it asks for none of that.
RARE_TAGS = "a.tag NOT IN ({})"
NOT_THE_ENGINE = "a.actor NOT IN ('engine', 'intake')"

READ_LATELY = """
SELECT 1 FROM cm.audit
WHERE practice_id = :practice AND tag = 'audit.read' AND actor = :actor AND at > :since AND detail = :detail
  AND pseudonym IS NOT DISTINCT FROM CAST(:pseudonym AS uuid)
LIMIT 1
"""

ACTORS = """
SELECT 'person:' || person_id AS actor, display_name AS name FROM cm.person WHERE practice_id = :practice
UNION ALL
SELECT 'api:' || api_key_id, label FROM cm.api_key WHERE practice_id = :practice
ORDER BY name, actor
"""

CAMPAIGNS = """
SELECT campaign_id, name FROM cm.campaign WHERE practice_id = :practice ORDER BY updated_at DESC, campaign_id LIMIT 500
"""

LOCK_CHAIN = "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"
HEAD = """
SELECT seal_no, seal FROM cm.audit_batch
WHERE practice_id = :practice AND seal_no IS NOT NULL ORDER BY seal_no DESC LIMIT 1
"""
UNSEALED = """
SELECT batch_id, rows, digest FROM cm.audit_batch
WHERE practice_id = :practice AND seal_no IS NULL ORDER BY batch_id LIMIT 10000
"""
SEAL = """
UPDATE cm.audit_batch b SET seal_no = s.seal_no, seal = s.seal
FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS bigint[]), CAST(:seals AS bytea[]))
     AS s(batch_id, seal_no, seal)
WHERE b.practice_id = :practice AND b.batch_id = s.batch_id
"""

# What Audit & Compliance is told: acts, in the order of the chain. What a batch says of people one by
# one (entries, steps, events taken in) stays in the book and its export.
TELL_ACTS = f"""
INSERT INTO cm.outbox (practice_id, outbox_id, type, occurred_at, data)
SELECT :practice, uuidv7(), 'audit.event', x.at, json_strip_nulls(json_build_object('audit_id', x.audit_id,
  'practice_id', x.practice_id, 'at', {AT.format(at="x.at")}, 'tag', x.tag, 'actor', x.actor, 'campaign_id', x.campaign_id,
  'enrolment_id', x.enrolment_id, 'pseudonym', x.pseudonym, 'reason', x.reason, 'detail', CAST(x.detail AS json),
  'seal_no', x.seal_no, 'batch_id', x.batch_id, 'leaf', encode(x.leaf, 'hex')))
FROM (
  SELECT a.*, s.seal_no FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS bigint[])) AS s(batch_id, seal_no)
  JOIN cm.audit_batch b ON b.practice_id = :practice AND b.batch_id = s.batch_id
  JOIN cm.audit a ON a.practice_id = :practice AND a.at = b.at AND a.batch_id = b.batch_id AND NOT a.tag = ANY (:kept)
  ORDER BY s.seal_no, a.seq
) x
"""

# Every batch with what its rows say now: leaves that no longer fit, and the digest over the leaves.
BATCHES_WITH_ROWS = f"""
SELECT b.batch_id, b.seal_no, b.seal, b.rows, b.digest, r.found, r.found_digest, r.wrong,
  b.at < :kept_since AS retired
FROM cm.audit_batch b
LEFT JOIN LATERAL (
  SELECT count(*) AS found,
         sha256(coalesce(string_agg(a.leaf, ''::bytea ORDER BY a.seq), '')) AS found_digest,
         (array_agg(a.audit_id ORDER BY a.seq) FILTER (WHERE a.leaf <> {LEAF_OF_ROW}))[1] AS wrong
  FROM cm.audit a
  WHERE a.practice_id = b.practice_id AND a.batch_id = b.batch_id AND a.at = b.at
) r ON true
WHERE b.practice_id = :practice
ORDER BY b.seal_no NULLS LAST, b.batch_id
"""
# Since when rows are kept: the month before was dropped by retention (D26), and some batch says when.
KEPT_SINCE = """
SELECT m.since, EXISTS (SELECT 1 FROM cm.audit_batch b WHERE b.practice_id = :practice AND b.at < m.since) AS retired,
  EXISTS (SELECT 1 FROM cm.audit a WHERE a.practice_id = :practice AND a.tag = 'privacy.retention_applied'
    AND (CAST(a.detail AS json)->>'audit_before') = 'audit_' || to_char(m.since - interval '1 month', 'YYYYMM')) AS said
FROM (SELECT min(to_date(right(c.relname, 6), 'YYYYMM'))::timestamp AT TIME ZONE 'UTC' AS since
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'cm.audit'::regclass) m
"""
STRAY = """
SELECT a.audit_id FROM cm.audit a
WHERE a.practice_id = :practice AND NOT EXISTS (
  SELECT 1 FROM cm.audit_batch b
  WHERE b.practice_id = a.practice_id AND b.batch_id = a.batch_id AND b.at = a.at)
ORDER BY a.at, a.audit_id LIMIT 1
"""

# What an export of these rows covers: its first and last batch, and how much lies between them.
COVERED = """
WITH mine AS (
  SELECT b.seal_no FROM cm.audit_batch b
  JOIN cm.audit a ON a.practice_id = b.practice_id AND a.batch_id = b.batch_id AND a.at = b.at
  WHERE b.practice_id = :practice AND b.seal_no <= :head {filters}
), ends AS (SELECT min(seal_no) AS first, max(seal_no) AS last, count(*) AS rows FROM mine)
SELECT e.first, e.last, e.rows, p.seal AS previous, l.seal AS head,
  (SELECT coalesce(sum(b.rows), 0) FROM cm.audit_batch b
   WHERE b.practice_id = :practice AND b.seal_no BETWEEN e.first AND e.last) AS within
FROM ends e
LEFT JOIN cm.audit_batch p ON p.practice_id = :practice AND p.seal_no = e.first - 1
LEFT JOIN cm.audit_batch l ON l.practice_id = :practice AND l.seal_no = e.last
"""
TOTALS = """
SELECT count(*) AS batches, coalesce(sum(rows), 0) AS rows
FROM cm.audit_batch WHERE practice_id = :practice AND seal_no <= :head
"""
EXPORT = f"""
SELECT b.seal_no, b.batch_id, b.rows AS batch_rows, b.digest, b.seal, a.practice_id,
       {AT.format(at="a.at")} AS at, a.audit_id, a.tag, a.actor, a.campaign_id, a.enrolment_id,
       a.pseudonym, a.reason, a.detail, a.leaf, {{wanted}} AS wanted
FROM cm.audit_batch b
LEFT JOIN cm.audit a ON a.practice_id = b.practice_id AND a.batch_id = b.batch_id AND a.at = b.at
WHERE b.practice_id = :practice AND b.seal_no BETWEEN :first AND :last
ORDER BY b.seal_no, a.seq
"""
