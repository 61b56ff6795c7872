"""Every reason not to send, in the words the audit, the timeline and the preview use (000 §8)."""

from enum import StrEnum


class Reason(StrEnum):
    """Closed vocabulary. The value is what is stored; `SENTENCES` is what people read."""

    CONTACT_GONE = "CONTACT_GONE"
    DO_NOT_CONTACT = "DO_NOT_CONTACT"
    GLOBAL_LIST = "GLOBAL_LIST"
    EMERGENCY_STACK_EXCLUSION = "EMERGENCY_STACK_EXCLUSION"
    RECALL_RECONNECT_ENROLMENT = "RECALL_RECONNECT_ENROLMENT"
    CONCIERGE_RECOVERY_HOLD = "CONCIERGE_RECOVERY_HOLD"
    CONCIERGE_DECLINED = "CONCIERGE_DECLINED"
    LOYALTY_HANDOFF_COLLISION = "LOYALTY_HANDOFF_COLLISION"
    MANUAL_SUPPRESSION = "MANUAL_SUPPRESSION"
    COMPLAINT = "COMPLAINT"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    EXCLUSIVE_ENROLMENT = "EXCLUSIVE_ENROLMENT"
    GLOBAL_HOLDOUT = "GLOBAL_HOLDOUT"
    CAMPAIGN_HOLDOUT = "CAMPAIGN_HOLDOUT"
    DUPLICATE_DESTINATION = "DUPLICATE_DESTINATION"
    FREQUENCY_CAP = "FREQUENCY_CAP"
    MINIMUM_GAP = "MINIMUM_GAP"
    NO_ADDRESS = "NO_ADDRESS"
    STOP = "STOP"
    HARD_BOUNCE = "HARD_BOUNCE"
    NO_CONSENT = "NO_CONSENT"
    # Why an enrolment ended or waits; never a gate of its own.
    APPOINTMENT_BOOKED = "APPOINTMENT_BOOKED"
    OPPORTUNITY_CLOSED = "OPPORTUNITY_CLOSED"
    CONTACT_ERASED = "CONTACT_ERASED"
    CONTACT_MERGED = "CONTACT_MERGED"
    GOAL_REACHED = "GOAL_REACHED"
    EXIT_EVENT = "EXIT_EVENT"
    END_OF_JOURNEY = "END_OF_JOURNEY"
    CAMPAIGN_ENDED = "CAMPAIGN_ENDED"
    REMOVED_BY_STAFF = "REMOVED_BY_STAFF"
    HOLD_TIMEOUT = "HOLD_TIMEOUT"
    NOT_IN_AUDIENCE = "NOT_IN_AUDIENCE"
    JOURNEY_CHANGED = "JOURNEY_CHANGED"


SENTENCES: dict[Reason, str] = {
    Reason.CONTACT_GONE: "This person's record no longer exists, was merged, or they have died.",
    Reason.DO_NOT_CONTACT: "Marked as do not contact in the practice's records.",
    Reason.GLOBAL_LIST: "Their address is on the practice's block list.",
    Reason.EMERGENCY_STACK_EXCLUSION: "They have an open emergency enquiry; marketing waits until it is resolved.",
    Reason.RECALL_RECONNECT_ENROLMENT: "They are in a recall journey, which takes precedence.",
    Reason.CONCIERGE_RECOVERY_HOLD: "The AI Concierge is looking after them at the moment.",
    Reason.CONCIERGE_DECLINED: "They told the concierge no to what this campaign offers.",
    Reason.LOYALTY_HANDOFF_COLLISION: "Another campaign for them takes precedence.",
    Reason.MANUAL_SUPPRESSION: "Someone at the practice stopped marketing to them.",
    Reason.COMPLAINT: "They reported one of our messages as unwanted.",
    Reason.UNSUBSCRIBED: "They unsubscribed.",
    Reason.CONSENT_REVOKED: "They withdrew their consent to marketing.",
    Reason.EXCLUSIVE_ENROLMENT: "They are in another campaign, and this one does not share people.",
    Reason.GLOBAL_HOLDOUT: "They are in the practice's comparison group, which gets no marketing.",
    Reason.CAMPAIGN_HOLDOUT: "They are in this campaign's comparison group.",
    Reason.DUPLICATE_DESTINATION: "Someone in their household already gets this message at the same address.",
    Reason.FREQUENCY_CAP: "They have had as many marketing messages as the practice allows for now.",
    Reason.MINIMUM_GAP: "Their last marketing message was too recent.",
    Reason.NO_ADDRESS: "There is no address for this channel.",
    Reason.STOP: "They replied STOP on this channel.",
    Reason.HARD_BOUNCE: "Messages to this address come back.",
    Reason.NO_CONSENT: "They have not agreed to marketing on this channel.",
    Reason.APPOINTMENT_BOOKED: "They booked an appointment.",
    Reason.OPPORTUNITY_CLOSED: "Their enquiry was closed.",
    Reason.CONTACT_ERASED: "Their record was erased.",
    Reason.CONTACT_MERGED: "Their record was merged into another.",
    Reason.GOAL_REACHED: "The campaign's goal was reached.",
    Reason.EXIT_EVENT: "Something happened that ends this journey.",
    Reason.END_OF_JOURNEY: "They came to the end of the journey.",
    Reason.CAMPAIGN_ENDED: "The campaign was cancelled or completed.",
    Reason.REMOVED_BY_STAFF: "Someone at the practice took them out.",
    Reason.HOLD_TIMEOUT: "The hold ran out.",
    Reason.NOT_IN_AUDIENCE: "They no longer belonged to the audience when their time came.",
    Reason.JOURNEY_CHANGED: "The journey was changed, and whoever stood here was let go.",
}


def sentence(reason: str) -> str:
    """The sentence of a stored reason; the code itself when an older version wrote it."""
    try:
        return SENTENCES[Reason(reason)]
    except ValueError:
        return reason.replace("_", " ").capitalize() + "."
