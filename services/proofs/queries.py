"""SQL of the register of proof runs."""

ROW = """
SELECT f.proof_id, f.campaign_id, f.state, coalesce(p.display_name, f.asked_ref) AS asked_by, f.asked_at, f.ended_at,
  f.progress, f.content_hash, f.summary, f.manifest_sha256, f.failure
FROM cm.proof f LEFT JOIN cm.person p ON p.practice_id = f.practice_id AND p.person_id = f.asked_by
WHERE f.practice_id = :practice
"""
ASK = """
INSERT INTO cm.proof (practice_id, proof_id, campaign_id, asked_by, asked_ref, asked_at)
VALUES (:practice, :proof, :campaign, :by, :ref, :now)
ON CONFLICT DO NOTHING RETURNING proof_id
"""
# What was asked for, and what a process that died was doing.
TAKE = """
UPDATE cm.proof SET state = 'running', beat_at = :now, progress = 'Starting'
WHERE practice_id = :practice AND proof_id = (SELECT f.proof_id FROM cm.proof f
  WHERE f.practice_id = :practice AND (f.state = 'asked' OR f.state = 'running' AND f.beat_at < :stale)
  ORDER BY f.asked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING proof_id, campaign_id
"""
BEAT = """
UPDATE cm.proof SET beat_at = :now, progress = :words
WHERE practice_id = :practice AND proof_id = :proof AND state = 'running'
"""
DONE = """
UPDATE cm.proof SET state = 'done', ended_at = :now, progress = '', content_hash = :hash, summary = CAST(:summary AS jsonb),
  manifest_sha256 = :manifest, files = :files
WHERE practice_id = :practice AND proof_id = :proof AND state = 'running'
"""
FAILED = """
UPDATE cm.proof SET state = 'failed', ended_at = :now, progress = '', failure = :why
WHERE practice_id = :practice AND proof_id = :proof AND state = 'running'
"""
FILES = "SELECT files FROM cm.proof WHERE practice_id = :practice AND proof_id = :proof"
ZONE = "SELECT timezone FROM cm.practice WHERE practice_id = :practice"
FORGET = "DELETE FROM cm.proof WHERE practice_id = :practice AND asked_at < :before AND state IN ('done', 'failed')"
