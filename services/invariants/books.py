"""The audit and the counted numbers agree with the rows they speak of (house rule 10)."""

from services.invariants.contracts import Invariant

BATCH_ROWS = """
SELECT b.batch_id, b.rows, count(a.audit_id) AS found
FROM cm.audit_batch b LEFT JOIN cm.audit a ON a.practice_id = b.practice_id AND a.batch_id = b.batch_id AND a.at = b.at
WHERE b.practice_id = :practice AND b.at >= :since
GROUP BY b.batch_id, b.rows, b.digest
HAVING b.rows <> count(a.audit_id)
  OR b.digest <> sha256(coalesce(string_agg(a.leaf, ''::bytea ORDER BY a.seq), ''))
"""

STRAY_ROWS = """
SELECT a.audit_id, a.batch_id FROM cm.audit a
WHERE a.practice_id = :practice AND a.at >= :since AND NOT EXISTS (
  SELECT 1 FROM cm.audit_batch b WHERE b.practice_id = :practice AND b.batch_id = a.batch_id AND b.at = a.at)
"""

# seal_n = sha256(seal_{n-1} ‖ batch id ‖ rows, 4 bytes big-endian ‖ digest), as in services.audit.rules.
SEALS = """
SELECT b.seal_no, b.batch_id FROM cm.audit_batch b
LEFT JOIN cm.audit_batch before ON before.practice_id = b.practice_id AND before.seal_no = b.seal_no - 1
WHERE b.practice_id = :practice AND b.at >= :since AND b.seal_no IS NOT NULL
  AND (b.seal_no > 1 AND before.seal_no IS NULL
    OR b.seal IS DISTINCT FROM sha256(coalesce(before.seal, decode(repeat('00', 32), 'hex'))
         || uuid_send(b.batch_id) || int4send(b.rows) || b.digest))
"""

REQUESTED = """
SELECT campaign_id, version_id, step_id, variant, coalesce(m.value, 0) AS counted, coalesce(d.found, 0) AS found
FROM (SELECT campaign_id, version_id, step_id, variant, sum(value) AS value FROM cm.metric
      WHERE practice_id = :practice AND name = 'requested' GROUP BY 1, 2, 3, 4) m
FULL JOIN (SELECT campaign_id, version_id, step_id, variant, count(*) AS found FROM cm.dispatch
           WHERE practice_id = :practice GROUP BY 1, 2, 3, 4) d USING (campaign_id, version_id, step_id, variant)
WHERE coalesce(m.value, 0) <> coalesce(d.found, 0)
"""

REFUSED = """
SELECT campaign_id, version_id, step_id, coalesce(m.value, 0) AS counted, coalesce(r.found, 0) AS found
FROM (SELECT campaign_id, version_id, step_id, sum(value) AS value FROM cm.metric
      WHERE practice_id = :practice AND name = 'refused' GROUP BY 1, 2, 3) m
FULL JOIN (SELECT campaign_id, version_id, step_id, count(*) AS found FROM cm.refusal
           WHERE practice_id = :practice AND enrolment_id IS NOT NULL GROUP BY 1, 2, 3) r USING (campaign_id, version_id, step_id)
WHERE coalesce(m.value, 0) <> coalesce(r.found, 0)
"""

INVARIANTS = (
    Invariant("audit_complete", "Every batch of the audit holds the rows it was closed with.", BATCH_ROWS),
    Invariant("audit_no_stray_rows", "Every row of the audit belongs to a batch.", STRAY_ROWS),
    Invariant("audit_sealed_in_order", "Every seal follows from the one before.", SEALS),
    Invariant("requests_counted", "The number of requests shown is the number made.", REQUESTED),
    Invariant("refusals_counted", "The number of refusals shown is the number made.", REFUSED),
)
