"""Which acts of the book Prometheus counts, and as what (000 §14)."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter

from services.audit.tags import AuditTag
from services.kit.metrics import ACTIVATIONS, AI_SUGGESTIONS, ENROLMENTS, EVENTS_IN, SUPPRESSIONS

ENROLMENT = {
    AuditTag.ENROLMENT_HELD: "held", AuditTag.ENROLMENT_RELEASED: "released", AuditTag.ENROLMENT_EXITED: "left",
}  # fmt: skip
SUPPRESSION = {AuditTag.SUPPRESSION_APPLIED: "applied", AuditTag.SUPPRESSION_LIFTED: "lifted"}


def counted(tag: AuditTag, reason: str, detail: Mapping[str, Any]) -> Counter | None:
    """The counter of an act that is written one by one; None for the many that are not counted. What the
    engine writes by the batch it counts itself."""
    if tag in ENROLMENT:
        return ENROLMENTS.labels(ENROLMENT[tag])
    if tag in SUPPRESSION:
        return SUPPRESSIONS.labels(SUPPRESSION[tag], reason)
    if tag is AuditTag.STATE_CHANGED and (detail.get("after"), detail.get("before") == "paused") == (
        "active",
        False,
    ):
        return ACTIVATIONS
    if tag is AuditTag.AIDEN_SUGGESTED:
        return AI_SUGGESTIONS.labels("offered")
    if tag is AuditTag.AIDEN_DECIDED:
        return AI_SUGGESTIONS.labels(str(detail.get("decision", "")))
    return EVENTS_IN.labels("rejected") if tag is AuditTag.EVENT_REJECTED else None
