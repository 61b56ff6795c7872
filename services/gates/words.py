"""What each gate checks and what it looked at, for people at a reception desk. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.gates.contracts import NO_LIMIT, Policy
from services.gates.reasons import Reason

LABELS: dict[Reason, str] = {
    Reason.CONTACT_GONE: "Their record is in use",
    Reason.CONTACT_ERASED: "Their record was not erased",
    Reason.CONTACT_MERGED: "Their record was not merged into another",
    Reason.DO_NOT_CONTACT: "They may be contacted",
    Reason.GLOBAL_LIST: "Their address is not on the block list",
    Reason.EMERGENCY_STACK_EXCLUSION: "No emergency enquiry is open",
    Reason.RECALL_RECONNECT_ENROLMENT: "They are in no recall journey",
    Reason.CONCIERGE_RECOVERY_HOLD: "The AI Concierge is not looking after them",
    Reason.CONCIERGE_DECLINED: "They have not said no to the concierge",
    Reason.LOYALTY_HANDOFF_COLLISION: "No other campaign takes precedence",
    Reason.MANUAL_SUPPRESSION: "Nobody here stopped marketing to them",
    Reason.COMPLAINT: "They have not complained",
    Reason.UNSUBSCRIBED: "They have not unsubscribed",
    Reason.CONSENT_REVOKED: "They have not withdrawn consent",
    Reason.EXCLUSIVE_ENROLMENT: "They are not taken up by another campaign",
    Reason.GLOBAL_HOLDOUT: "They are not in the practice's comparison group",
    Reason.CAMPAIGN_HOLDOUT: "They are not in this campaign's comparison group",
    Reason.DUPLICATE_DESTINATION: "Nobody in the household gets the same message",
    Reason.FREQUENCY_CAP: "They have not had too many messages",
    Reason.MINIMUM_GAP: "Enough time has passed since the last message",
    Reason.NO_ADDRESS: "There is an address",
    Reason.HARD_BOUNCE: "Messages to the address do not come back",
    Reason.STOP: "They have not replied STOP",
    Reason.NO_CONSENT: "They agreed to marketing",
}
"""Every gate's check, said so that it is true for somebody who passes."""

_LISTED = frozenset(
    {
        Reason.CONTACT_ERASED, Reason.CONTACT_MERGED, Reason.RECALL_RECONNECT_ENROLMENT,
        Reason.CONCIERGE_RECOVERY_HOLD,
        Reason.CONCIERGE_DECLINED, Reason.LOYALTY_HANDOFF_COLLISION, Reason.MANUAL_SUPPRESSION,
        Reason.COMPLAINT, Reason.UNSUBSCRIBED, Reason.HARD_BOUNCE, Reason.STOP,
        Reason.EMERGENCY_STACK_EXCLUSION, Reason.CONSENT_REVOKED,
    }
)  # fmt: skip
"""Reasons that stand on a stop of their own: with since when, and until when."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the statement saw about one person. `stops` and `consents` are rows of their tables."""

    policy: Policy
    zone: str
    touches: int
    last_touch: datetime | None
    duplicate_asked: bool
    reachable: Mapping[str, bool]
    stops: Sequence[Mapping[str, Any]]
    consents: Mapping[str, Mapping[str, Any]]


def looked_at(reason: Reason, channel: str | None, seen: Seen) -> str:
    """The facts behind one answer, in one line; empty when there is nothing to add."""
    policy = seen.policy
    match reason:
        case Reason.FREQUENCY_CAP:
            most = policy.caps.max_touches
            days = "day" if policy.caps.per_days == 1 else f"{policy.caps.per_days} days"
            if most is None or most >= NO_LIMIT:
                return "The practice sets no limit."
            return f"{seen.touches} of at most {most} in the last {days}."
        case Reason.MINIMUM_GAP:
            gap = policy.caps.min_gap_hours
            last = f"The last one went {_moment(seen.last_touch, seen.zone)}." if seen.last_touch else ""
            if not gap:
                return "The practice asks for no gap."
            return f"{last or 'None went lately.'} {gap} hours have to pass."
        case Reason.GLOBAL_HOLDOUT:
            return _share(policy.global_holdout)
        case Reason.CAMPAIGN_HOLDOUT:
            return _share(policy.campaign_holdout)
        case Reason.EXCLUSIVE_ENROLMENT:
            return "" if policy.caps.exclusive else "This campaign shares people with others."
        case Reason.DUPLICATE_DESTINATION:
            return "" if seen.duplicate_asked else "This message goes to everyone in a household."
        case Reason.NO_ADDRESS:
            return "" if channel is None else _address(channel, seen.reachable.get(channel, False))
        case Reason.NO_CONSENT:
            return _consent(seen.consents.get(channel or ""), seen.zone)
    if reason in _LISTED:
        return _stop(reason, channel, seen)
    return ""


def _stop(reason: Reason, channel: str | None, seen: Seen) -> str:
    # Stops of one channel are the business of that channel's own gate.
    found = [s for s in seen.stops if s["reason"] == reason.value and s["channel"] in (channel, None)]
    if not found:
        consent = seen.consents.get(channel or "")
        return _consent(consent, seen.zone) if reason is Reason.CONSENT_REVOKED and consent else ""
    stop = found[0]
    until = f", until {_moment(stop['expires_at'], seen.zone)} at the latest" if stop["expires_at"] else ""
    note = f" “{stop['note']}”" if stop["note"] else ""
    return f"Since {_moment(stop['applied_at'], seen.zone)}{until}.{note}"


def _consent(consent: Mapping[str, Any] | None, zone: str) -> str:
    if consent is None:
        return "Nothing is on record, which counts as no."
    did = "Given" if consent["state"] == "granted" else "Withdrawn"
    how = f" by {consent['method']}" if consent["method"] else ""
    return f"{did} {_moment(consent['effective_at'], zone)}{how}."


def _address(channel: str, reachable: bool) -> str:
    if channel == "in_app":
        return "They use the patient app." if reachable else "They do not use the patient app."
    if channel == "whatsapp":
        return "A checked number." if reachable else "No number that was checked for WhatsApp."
    thing = "email address" if channel == "email" else "mobile number"
    return (
        f"There is an {thing}."
        if reachable and channel == "email"
        else (f"There is a {thing}." if reachable else f"No {thing} on file.")
    )


def _share(percent: float) -> str:
    return f"{percent:g} % of people are in it." if percent else "There is no such group."


def _moment(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M}"
