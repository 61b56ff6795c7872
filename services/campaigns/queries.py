"""The SQL of this feature. Every statement names the practice; time is always `:now`."""

ROW = """
SELECT c.campaign_id, c.name, c.campaign_type, c.kind, c.state, c.objective, c.is_journey,
       c.ai_generated, c.template_key, c.external_key, c.tags, c.draft_revision, c.draft_hash,
       c.active_version_id, v.number AS active_version_number,
       v.content_hash IS NOT NULL AND v.content_hash <> c.draft_hash AS changed,
       a.approval_id AS open_approval_id, c.scheduled_at, c.created_by,
       coalesce(p.display_name, '') AS created_by_name, c.created_at, c.updated_at,
       c.activated_at, c.completed_at
FROM cm.campaign c
LEFT JOIN cm.person p ON p.practice_id = c.practice_id AND p.person_id = c.created_by
LEFT JOIN cm.campaign_version v ON v.practice_id = c.practice_id AND v.version_id = c.active_version_id
LEFT JOIN cm.approval a ON a.practice_id = c.practice_id AND a.campaign_id = c.campaign_id
  AND a.state = 'requested'
WHERE c.practice_id = :practice
"""

ONE = ROW + " AND c.campaign_id = :campaign"

DRAFT = """
SELECT draft, draft_revision, draft_hash, draft_editors, state, created_by, scheduled_at, name
FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign
"""

SAVE_DRAFT = """
UPDATE cm.campaign
SET draft = :draft, draft_revision = draft_revision + 1, draft_hash = :hash,
    draft_editors = CASE WHEN CAST(:editor AS uuid) = ANY (draft_editors) THEN draft_editors
                         ELSE draft_editors || CAST(:editor AS uuid) END,
    campaign_type = :type, objective = :objective, kind = :kind, is_journey = :is_journey,
    updated_at = :now
WHERE practice_id = :practice AND campaign_id = :campaign AND draft_revision = :revision
  AND state IN ('draft', 'paused')
RETURNING draft_revision
"""

MOVE = """
UPDATE cm.campaign
SET state = :to, updated_at = :now,
    active_version_id = coalesce(CAST(:version AS uuid), active_version_id),
    scheduled_at = CASE WHEN :to = 'scheduled' THEN CAST(:scheduled_at AS timestamptz)
                        WHEN :to = 'draft' THEN NULL ELSE scheduled_at END,
    kind = CASE WHEN :to = 'scheduled' AND kind = 'one_off' THEN 'scheduled'
                WHEN :to = 'draft' AND kind = 'scheduled' THEN 'one_off' ELSE kind END,
    draft_editors = CASE WHEN CAST(:version AS uuid) IS NULL THEN draft_editors ELSE '{}' END,
    activated_at = CASE WHEN :to = 'active' THEN coalesce(activated_at, :now) ELSE activated_at END,
    resumed_at = CASE WHEN :to = 'active' AND state = 'paused' THEN :now ELSE resumed_at END,
    completed_at = CASE WHEN :to IN ('completed', 'cancelled') THEN :now ELSE completed_at END
WHERE practice_id = :practice AND campaign_id = :campaign AND state = :from
RETURNING state
"""

REVOKE_OTHERS = """
UPDATE cm.approval
SET state = 'revoked', decided_at = :now, decision_note = :note
WHERE practice_id = :practice AND campaign_id = :campaign AND state = ANY (:states)
  AND content_hash <> :hash
RETURNING approval_id
"""

APPROVALS = """
SELECT a.approval_id, a.campaign_id, c.name AS campaign_name, c.campaign_type,
       c.state AS campaign_state, a.version_id, v.number AS version_number, a.content_hash, a.state,
       a.activate_at, a.audience_count, a.note, a.requested_by,
       coalesce(r.display_name, '') AS requested_by_name, a.requested_at, a.decided_by,
       coalesce(d.display_name, '') AS decided_by_name, a.decided_at, a.decision_note, a.exemption,
       a.impact, a.valid_until, a.reminded_at
FROM cm.approval a
JOIN cm.campaign c ON c.practice_id = a.practice_id AND c.campaign_id = a.campaign_id
JOIN cm.campaign_version v ON v.practice_id = a.practice_id AND v.version_id = a.version_id
LEFT JOIN cm.person r ON r.practice_id = a.practice_id AND r.person_id = a.requested_by
LEFT JOIN cm.person d ON d.practice_id = a.practice_id AND d.person_id = a.decided_by
WHERE a.practice_id = :practice
"""

DECIDE = """
UPDATE cm.approval
SET state = :state, decided_by = :person, decided_at = :now, decision_note = :note,
    exemption = :exemption, valid_until = :until
WHERE practice_id = :practice AND approval_id = :approval AND state = 'requested'
RETURNING approval_id
"""

USE = """
UPDATE cm.approval SET state = 'used'
WHERE practice_id = :practice AND approval_id = :approval AND state = 'approved'
"""

VERSIONS = """
SELECT v.version_id, v.campaign_id, v.number, v.content_hash, v.created_by,
       coalesce(p.display_name, '') AS created_by_name, v.created_at
FROM cm.campaign_version v
LEFT JOIN cm.person p ON p.practice_id = v.practice_id AND p.person_id = v.created_by
WHERE v.practice_id = :practice AND v.campaign_id = :campaign
"""

DUE = """
SELECT c.campaign_id, a.approval_id, a.version_id
FROM cm.campaign c
JOIN cm.approval a ON a.practice_id = c.practice_id AND a.campaign_id = c.campaign_id
  AND a.state = 'approved'
WHERE c.practice_id = :practice AND c.state = 'scheduled' AND c.scheduled_at <= :now
ORDER BY c.scheduled_at, c.campaign_id
FOR UPDATE OF c SKIP LOCKED
"""

START_EXECUTION = """
INSERT INTO cm.execution (practice_id, execution_id, campaign_id, version_id, number, started_at)
SELECT :practice, :execution, :campaign, :version, coalesce(max(number), 0) + 1, :now
FROM cm.execution WHERE practice_id = :practice AND campaign_id = :campaign
RETURNING number
"""

STOP_ENROLLING = """
UPDATE cm.execution SET enrolled_all = true
WHERE practice_id = :practice AND campaign_id = :campaign AND NOT enrolled_all
"""

END_EXECUTIONS = """
UPDATE cm.execution SET ended_at = :now, outcome = 'stopped', enrolled_all = true
WHERE practice_id = :practice AND campaign_id = :campaign AND ended_at IS NULL
RETURNING execution_id
"""

# What a campaign runs under: the approval used last.
RAN_OUT_OF = """
SELECT a.valid_until FROM (
  SELECT valid_until FROM cm.approval WHERE practice_id = :practice AND campaign_id = :campaign AND state = 'used'
  ORDER BY decided_at DESC, approval_id DESC LIMIT 1) a
WHERE a.valid_until <= :now
"""

RUNNING_VERSION = """
SELECT v.version_id, v.created_at FROM cm.campaign c
LEFT JOIN cm.campaign_version v ON v.practice_id = c.practice_id AND v.version_id = c.active_version_id
WHERE c.practice_id = :practice AND c.campaign_id = :campaign
"""
