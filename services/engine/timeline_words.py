"""A timeline's rows in plain English: the sentence, and the facts behind it. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts.events import source_of
from services.contracts.languages import name_of
from services.contracts.schemas import OWNERS
from services.gates.reasons import Reason, sentence
from services.gates.words import LABELS

EVENTS = {
    "appointment.booked": "Booked an appointment",
    "appointment.rescheduled": "Moved an appointment",
    "appointment.cancelled": "Cancelled an appointment",
    "appointment.attended": "Came to an appointment",
    "appointment.no_show": "Missed an appointment",
    "consent.granted": "Gave consent",
    "consent.revoked": "Withdrew consent",
    "recall.patient.enrolled": "Started a recall journey",
    "recall.journey.completed": "Completed a recall journey",
    "recall.patient.exited": "Left a recall journey",
    "concierge.recovery.started": "The AI Concierge took over",
    "concierge.contact.accepted": "Said yes to the concierge",
    "concierge.contact.declined": "Said no to the concierge",
    "hub.message.unsubscribed": "Unsubscribed",
    "hub.message.stop": "Replied STOP",
    "hub.message.bounced": "A message came back",
    "hub.message.complained": "Reported a message as unwanted",
}
MESSAGE = {
    "sent": "The {} was sent", "delivered": "The {} was delivered", "opened": "Opened the {}",
    "clicked": "Clicked a link in the {}", "replied": "Replied to the {}", "bounced": "The {} came back",
    "complained": "Reported the {} as unwanted", "failed": "The {} could not be delivered",
    "unsubscribed": "Unsubscribed through the {}", "stop": "Replied STOP to the {}",
}  # fmt: skip
MOVES = {
    "on_event": "What we waited for happened", "on_timeout": "Waited long enough",
    "version": "The journey was changed, and they were moved on to the new version",
}  # fmt: skip
MEDIA = {"email": "email", "sms": "text message", "whatsapp": "WhatsApp message", "in_app": "in-app message"}
CHANNELS = {"email": "email", "sms": "text", "whatsapp": "WhatsApp", "in_app": "the app"}
NAMES = {"email": "Email", "sms": "Text message", "whatsapp": "WhatsApp", "in_app": "In the app"}
EFFECTS = {
    "skip": "This message was passed over; the journey went on.",
    "hold": "The journey waits until this is over.",
    "exit": "The journey ended.",
}
STATUSES = {
    "requested": "Handed over for sending.", "accepted": "Accepted for sending.", "sent": "Sent.",
    "delivered": "Delivered.", "failed": "Could not be delivered.", "bounced": "Came back.",
    "cancelled": "Called back before it was sent.", "cancel_requested": "Being called back.",
}  # fmt: skip
COVERS = {
    "all": "All marketing", "channel": "Marketing on {}", "topic": "Messages about {}",
    "types": "Some kinds of campaigns", "campaign": "This campaign", "goal": "Campaigns with this goal",
}  # fmt: skip
OUTCOMES = {
    "handled": "Taken in.", "unknown": "Kept; nobody here knows this kind.",
    "late": "Older than 30 days: it started no journey.", "ignored": "Understood; nothing was to be done.",
}  # fmt: skip
RULES = {
    "fatigue_and_caps": "They have had as many messages as allowed.",
    "priority": "The other one has the higher priority.",
    "first_come": "The other one was there first.",
}
Fact = tuple[str, str]


def event_words(type: str) -> str:
    """`appointment.booked` → “Booked an appointment”."""
    return EVENTS.get(type, type.replace(".", " ").replace("_", " ").capitalize())


def headline(kind: str, what: str, reason: str, detail: str) -> str:
    """What people read first."""
    match kind:
        case "entered":
            return "Entered the journey" + (f" after: {event_words(detail)}" if "." in detail else "")
        case "ended":
            return ("Completed the journey" if what == "completed" else "Left the journey") + _because(reason)
        case "held":
            return "Waiting" + _because(reason)
        case "released":
            return "Went on with the journey"
        case "requested":
            ways = ", else by ".join(CHANNELS.get(way, way) for way in detail.split(", "))
            if what == "cancelled":
                return "Message called back" + _because(reason)
            return f"A message is due, by {ways}"
        case "refused":
            return "Not sent" + _because(reason)
        case "message":
            return MESSAGE.get(what, what.capitalize()).format(MEDIA.get(detail, "message"))
        case "moved":
            return MOVES.get(what, "Moved on")
        case "suppressed":
            on = f" on {CHANNELS.get(detail, detail)}" if what == "channel" else ""
            return f"Marketing stopped{on}" + _because(reason)
        case "lifted":
            return "Marketing allowed again" + _because(reason, "was: ")
        case "planned":
            return "A message was planned" + (f": {detail}" if detail else "")
        case "unplanned":
            return "The planned message was cancelled" + (
                _because(reason) or (f": {detail}" if detail else "")
            )
        case _:
            return event_words(what)


def facts(row: Any, *, zone: str, staff: Mapping[str, str], consents: Sequence[Any]) -> list[Fact]:
    """Name and value, in the order people would ask. `row` is one of the timeline's."""
    inputs: Mapping[str, Any] = row.inputs or {}
    found: list[Fact] = []
    match row.kind:
        case "refused":
            found = _refused(row.reason, inputs, journey=row.version_id is not None)
        case "requested":
            found = _requested(row, inputs)
        case "message":
            said = str(inputs.get("said") or "")
            found = [("Link" if row.what == "clicked" else "The sender was told", said)] if said else []
            if inputs.get("rendered"):  # what was written to them, found again by its seal (CNT-6)
                language = str(inputs.get("language") or "")
                found += [
                    ("Language", name_of(language) if language else ""),
                    ("Finished text", inputs["rendered"]),
                ]
        case "entered":
            number = int(inputs.get("entry") or 1)
            found = [("Time", f"They are in this journey for the {_nth(number)} time.")] if number > 1 else []
        case "suppressed" | "lifted":
            found = _stop(row, inputs, zone)
        case "planned":
            found = [("For", moment(datetime.fromisoformat(inputs["due"]), zone))]
        case "event":
            happened = datetime.fromisoformat(inputs["happened"])
            found = [
                ("From", OWNERS.get(source_of(row.what), row.detail)),
                ("Happened", moment(happened, zone)),
                ("What we did", OUTCOMES.get(str(inputs.get("outcome")), "")),
            ]
    if row.kind in ("held", "ended") and row.reason in LABELS:
        found.append(("Rule", LABELS[Reason(row.reason)]))
    if row.kind == "requested" or (row.kind == "message" and row.what == "sent"):
        found += consent_proof(row, consents, zone)
    if row.by:
        found.append(("By", staff.get(row.by) or ("A member of staff" if ":" in row.by else "By itself")))
    if row.version is not None:
        found.append(("Version", f"Version {row.version} of the campaign"))
    return [(name, value) for name, value in found if value]


def consent_proof(row: Any, consents: Sequence[Any], zone: str) -> list[Fact]:
    """Which consent stood when a message was asked for, from when, and what proves it."""
    found = []
    for channel in row.detail.split(", "):
        stood = next((c for c in consents if c.channel == channel and c.effective_at <= row.at), None)
        if stood is None or stood.state != "granted":
            continue
        how = f" by {stood.method}" if stood.method else ""
        proof = f" On file: {stood.evidence}." if stood.evidence else ""
        since = f"Agreed {moment(stood.effective_at, zone)}{how}.{proof}"
        found.append((f"Consent to {NAMES.get(channel, channel).lower()}", since))
    return found


def cause(type: str | None, at: datetime | None, zone: str) -> list[Fact]:
    """The event behind an item, if there is one."""
    if type is None or at is None:
        return []
    return [("Because of", f"{event_words(type)} ({OWNERS[source_of(type)]}, {moment(at, zone)})")]


def moment(at: datetime, zone: str) -> str:
    """`3 Jun 2026, 14:05` in the practice's time."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M}"


def _refused(reason: str, inputs: Mapping[str, Any], *, journey: bool) -> list[Fact]:
    known = reason in Reason.__members__
    found: list[Fact] = [("Rule", LABELS.get(Reason(reason), "") if known else "")]
    for channel, verdict in (inputs.get("channels") or {}).items():
        words = "Open." if verdict == "ok" else sentence(verdict)
        found.append((NAMES.get(channel, channel), words))
    found.append(("Decided by", RULES.get(str(inputs.get("rule")), "")))
    if "effect" in inputs:
        found.append(("Then", EFFECTS.get(str(inputs["effect"]), "")))
    elif journey and "rule" not in inputs:
        found.append(("Then", "They did not enter the journey."))
    return found


def _requested(row: Any, inputs: Mapping[str, Any]) -> list[Fact]:
    ways = [NAMES.get(way, way) for way in row.detail.split(", ")]
    return [
        ("Rules", "Every rule let it pass."),
        ("Channels", ", else ".join(ways)),
        ("Wording", f"Variant {str(inputs.get('variant', '')).upper()}"),
        ("About", str(inputs.get("topic", "")).replace("_", " ").capitalize()),
        ("Now", STATUSES.get(row.what, "")),
    ]


def _stop(row: Any, inputs: Mapping[str, Any], zone: str) -> list[Fact]:
    until = inputs.get("until")
    return [
        ("What it covers", COVERS[row.what].format(CHANNELS.get(row.detail, row.detail))),
        ("Rule", LABELS.get(Reason(row.reason), "") if row.reason in Reason.__members__ else ""),
        ("Ends", moment(datetime.fromisoformat(until), zone) + " at the latest" if until else ""),
        ("Note", str(inputs.get("note") or "")),
    ]


def _nth(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _because(reason: str, lead: str = "") -> str:
    return f": {lead}{sentence(reason)}" if reason else ""
