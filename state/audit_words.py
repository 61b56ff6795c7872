"""The acts of the audit as people read them. What is not named here reads well from its own tag."""

from services.audit.tags import AuditTag
from state import words

ACTS: dict[str, str] = {
    AuditTag.STATE_CHANGED: "Campaign changed state",
    AuditTag.VERSION_PUBLISHED: "Version went live",
    AuditTag.CHANGE_DECIDED: "Change decided",
    AuditTag.CHANGE_CARRIED_OUT: "Change carried out",
    AuditTag.CONTENT_PUBLISHED: "Messages went live",
    AuditTag.TEST_SENT: "Test message sent",
    AuditTag.EXECUTION_STARTED: "Run began",
    AuditTag.EXECUTION_ENDED: "Run ended",
    AuditTag.AUDIENCE_SNAPSHOT: "Audience recorded",
    AuditTag.ENROLLED: "Entered a journey",
    AuditTag.ENROLMENT_REFUSED: "Not let into a journey",
    AuditTag.ENROLMENT_HELD: "Put on hold",
    AuditTag.ENROLMENT_RELEASED: "Goes on after a hold",
    AuditTag.ENROLMENT_EXITED: "Left a journey",
    AuditTag.ENROLMENT_MOVED: "Moved in a journey",
    AuditTag.ENROLMENT_COMPLETED: "Came to the end",
    AuditTag.PEOPLE_ADDED: "People added by hand",
    AuditTag.PERSON_REMOVED: "Person taken out",
    AuditTag.STEP_REQUESTED: "Message asked for",
    AuditTag.STEP_REFUSED: "Message held back",
    AuditTag.STEP_CANCELLED: "Message cancelled",
    AuditTag.STEP_OFFERED_AGAIN: "Message asked for again",
    AuditTag.PROOF_ASKED: "Proof run asked for",
    AuditTag.PROOF_MADE: "Proof run made",
    AuditTag.PROOF_FAILED: "Proof run failed",
    AuditTag.PROOF_EXPORTED: "Proof run downloaded",
    AuditTag.INVARIANT_BROKEN: "Self-check failed",
    AuditTag.SUPPRESSION_APPLIED: "Marketing stopped",
    AuditTag.SUPPRESSION_LIFTED: "Marketing allowed again",
    AuditTag.BLOCK_ADDED: "Added to the block list",
    AuditTag.BLOCK_REMOVED: "Taken off the block list",
    AuditTag.BLOCKS_IMPORTED: "Block list imported",
    AuditTag.EVENT_CONSUMED: "Event taken in",
    AuditTag.EVENT_UNKNOWN: "Event of an unknown kind",
    AuditTag.EVENT_REJECTED: "Event not understood",
    AuditTag.EVENT_REPLAYED: "Event put back",
    AuditTag.STEPPED_UP: "One-time code given",
    AuditTag.API_KEY_CHANGED: "API key changed",
    AuditTag.SUBJECT_ACCESS: "Access report made",
    AuditTag.SUBJECT_RECTIFIED: "Personal data corrected",
    AuditTag.SUBJECT_ERASED: "Person erased",
    AuditTag.RETENTION_APPLIED: "Old data deleted",
    AuditTag.QA_CLOCK_MOVED: "Test clock moved",
}
BAD = {
    AuditTag.KILL_SWITCH_ON, AuditTag.SIGN_IN_FAILED, AuditTag.EVENT_REJECTED, AuditTag.STEP_REFUSED,
    AuditTag.INVARIANT_BROKEN, AuditTag.PROOF_FAILED, AuditTag.FOLLOWUP_FAILED,
}  # fmt: skip
CAREFUL = {AuditTag.ENROLMENT_REFUSED, AuditTag.ENROLMENT_HELD, AuditTag.STEP_CANCELLED}
FAMILIES: dict[str, words.Tone] = {
    "approval": "accent", "campaign": "info", "step": "ok", "enrolment": "ok", "conversion": "ok",
    "suppression": "warn", "kill_switch": "warn",
}  # fmt: skip


def act(tag: str) -> str:
    """`enrolment.refused` as `Not let into a journey`."""
    return ACTS.get(tag) or words.plain(tag.removeprefix("access.").removeprefix("privacy."))


def tone(tag: str) -> words.Tone:
    """The colour beside an act: what went wrong, what was held back, and its family."""
    if tag in BAD:
        return "danger"
    return "warn" if tag in CAREFUL else FAMILIES.get(tag.split(".", 1)[0], "neutral")
