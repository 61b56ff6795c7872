"""The closed vocabulary of the audit (000 §8). A tag that is not here cannot be written."""

from enum import StrEnum


class AuditTag(StrEnum):
    # campaigns
    CAMPAIGN_CREATED = "campaign.created"
    CAMPAIGN_EDITED = "campaign.edited"
    CAMPAIGN_DELETED = "campaign.deleted"
    CAMPAIGN_CLONED = "campaign.cloned"
    STATE_CHANGED = "campaign.state_changed"
    VERSION_PUBLISHED = "campaign.version_published"
    CHANGE_DECIDED = "campaign.change_decided"
    CHANGE_CARRIED_OUT = "campaign.change_carried_out"
    CONTENT_PUBLISHED = "campaign.content_published"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_GRANTED = "approval.granted"
    APPROVAL_SENT_BACK = "approval.sent_back"
    APPROVAL_REVOKED = "approval.revoked"
    APPROVAL_COMMENTED = "approval.commented"
    APPROVAL_REMINDED = "approval.reminded"
    APPROVAL_RAN_OUT = "approval.ran_out"
    SINGLE_OPERATOR_EXEMPTION = "approval.single_operator_exemption"
    KILL_SWITCH_ON = "kill_switch.on"
    KILL_SWITCH_OFF = "kill_switch.off"
    KEYS_ROTATION_BEGUN = "keys.rotation_begun"
    KEYS_ROTATED = "keys.rotated"
    KEYS_RETIRED = "keys.retired"
    TEMPLATE_CHANGED = "template.changed"
    SEGMENT_CHANGED = "segment.changed"
    TEST_SENT = "campaign.test_sent"
    # engine
    EXECUTION_STARTED = "execution.started"
    EXECUTION_ENDED = "execution.ended"
    AUDIENCE_SNAPSHOT = "execution.audience_snapshot"
    ENROLLED = "enrolment.entered"
    ENROLMENT_REFUSED = "enrolment.refused"
    ENROLMENT_HELD = "enrolment.held"
    ENROLMENT_RELEASED = "enrolment.released"
    ENROLMENT_EXITED = "enrolment.exited"
    ENROLMENT_MOVED = "enrolment.moved"
    ENROLMENT_COMPLETED = "enrolment.completed"
    PEOPLE_ADDED = "enrolment.asked"
    PERSON_REMOVED = "enrolment.removed"
    STEP_REQUESTED = "step.requested"
    STEP_REFUSED = "step.refused"
    STEP_CANCELLED = "step.cancelled"
    FOLLOWUP_PLANNED = "followup.planned"
    FOLLOWUP_CHANGED = "followup.changed"
    FOLLOWUP_SENT = "followup.sent"
    FOLLOWUP_FAILED = "followup.failed"
    FOLLOWUP_CANCELLED = "followup.cancelled"
    PROOF_ASKED = "proof.asked"
    PROOF_MADE = "proof.made"
    PROOF_FAILED = "proof.failed"
    PROOF_EXPORTED = "proof.exported"
    STEP_OFFERED_AGAIN = "step.offered_again"
    INVARIANT_BROKEN = "invariant.broken"
    CONVERSION = "conversion.recorded"
    # suppression and consent
    SUPPRESSION_APPLIED = "suppression.applied"
    SUPPRESSION_LIFTED = "suppression.lifted"
    BLOCK_ADDED = "block.added"
    BLOCK_REMOVED = "block.removed"
    BLOCKS_IMPORTED = "block.imported"
    CONTACT_MERGED = "contact.merged"
    HANDOFF_COLLISION = "loyalty.handoff_collision"
    HANDOFF_IGNORED = "loyalty.handoff_ignored"
    # integration
    EVENT_CONSUMED = "event.consumed"
    EVENT_UNKNOWN = "event.unknown"
    EVENT_REJECTED = "event.rejected"
    EVENT_REPLAYED = "event.replayed"
    EVENT_SET_ASIDE = "event.set_aside"
    IMPORT_REQUESTED = "import.requested"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_STOPPED = "webhook.stopped"
    WEBHOOK_RETRIED = "webhook.retried"
    # people
    SIGNED_IN = "access.signed_in"
    SIGN_IN_FAILED = "access.sign_in_failed"
    SIGNED_OUT = "access.signed_out"
    STEPPED_UP = "access.stepped_up"
    ROLE_CHANGED = "access.role_changed"
    PERSON_CHANGED = "access.person_changed"
    API_KEY_CHANGED = "access.api_key_changed"
    SETTINGS_CHANGED = "settings.changed"
    # inspection and privacy
    AUDIT_READ = "audit.read"
    AUDIT_EXPORTED = "audit.exported"
    PERSONAL_DATA_READ = "privacy.personal_data_read"
    SUBJECT_ACCESS = "privacy.access_report"
    SUBJECT_RECTIFIED = "privacy.rectified"
    SUBJECT_ERASED = "privacy.erased"
    RETENTION_APPLIED = "privacy.retention_applied"
    # aiden
    AIDEN_SUGGESTED = "aiden.suggested"
    AIDEN_DECIDED = "aiden.decided"
    # QA mode
    QA_CLOCK_MOVED = "qa.clock_moved"


BY_THE_MILLION = (
    AuditTag.ENROLLED, AuditTag.ENROLMENT_REFUSED, AuditTag.ENROLMENT_EXITED, AuditTag.ENROLMENT_COMPLETED,
    AuditTag.STEP_REQUESTED, AuditTag.STEP_REFUSED, AuditTag.EVENT_CONSUMED,
)  # fmt: skip
"""What the engine and the intake write of everybody: no index by act holds them (alembic/sql/cm.sql)."""

KEPT_HERE = (
    AuditTag.ENROLLED, AuditTag.ENROLMENT_REFUSED, AuditTag.ENROLMENT_HELD, AuditTag.ENROLMENT_RELEASED,
    AuditTag.ENROLMENT_EXITED, AuditTag.ENROLMENT_COMPLETED, AuditTag.ENROLMENT_MOVED, AuditTag.STEP_REQUESTED, AuditTag.STEP_REFUSED,
    AuditTag.STEP_CANCELLED, AuditTag.CONVERSION, AuditTag.EVENT_CONSUMED, AuditTag.AUDIT_READ,
    AuditTag.PERSONAL_DATA_READ,
)  # fmt: skip
"""Written a person and step, or about the book itself: sealed and exported here, not sent one by one
as `audit.event` (docs/decisions/0011). Everything else is."""
