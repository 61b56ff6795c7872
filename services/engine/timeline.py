"""One person's story: what entered, moved, was sent, refused, held or released, and why (SUP-8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.engine.plans import plan_of
from services.gates.reasons import sentence
from services.kit.uow import Unit

Kind = Literal[
    "entered", "refused", "requested", "message", "moved", "held", "released", "ended",
    "suppressed", "lifted", "event",
]  # fmt: skip

TIMELINE = """
SELECT * FROM (
  SELECT e.enrolled_at AS at, 'entered' AS kind, '' AS what, '' AS reason, e.campaign_id, e.version_id, '' AS step_id, coalesce(e.trigger_event, '') AS detail
  FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :contact
  UNION ALL
  SELECT e.ended_at, 'ended', e.state, coalesce(e.exit_reason, ''), e.campaign_id, e.version_id, e.step_id, ''
  FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.ended_at IS NOT NULL
  UNION ALL
  SELECT e.moved_at, 'held', '', coalesce(e.held_reason, ''), e.campaign_id, e.version_id, e.step_id, ''
  FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :contact AND e.state = 'held'
  UNION ALL
  SELECT d.requested_at, 'requested', d.status, coalesce(d.failure, ''), d.campaign_id, d.version_id, d.step_id, array_to_string(d.channels, ', ')
  FROM cm.dispatch d WHERE d.practice_id = :practice AND d.contact_id = :contact
  UNION ALL
  SELECT r.at, 'refused', '', r.reason, r.campaign_id, r.version_id, r.step_id, r.inputs::text
  FROM cm.refusal r WHERE r.practice_id = :practice AND r.contact_id = :contact
  UNION ALL
  SELECT m.at, 'message', m.what, '', m.campaign_id, NULL, '', coalesce(m.channel, '')
  FROM cm.message_event m WHERE m.practice_id = :practice AND m.contact_id = :contact AND m.what <> 'accepted'
  UNION ALL
  SELECT t.at, 'moved', t.port, '', e.campaign_id, e.version_id, t.step_id, ''
  FROM cm.enrolment e JOIN cm.transition t ON t.practice_id = e.practice_id AND t.enrolment_id = e.enrolment_id
  WHERE e.practice_id = :practice AND e.contact_id = :contact
  UNION ALL
  SELECT s.applied_at, 'suppressed', s.scope, s.reason, s.campaign_id, NULL, '', coalesce(s.channel, s.topic, s.note)
  FROM cm.suppression s WHERE s.practice_id = :practice AND s.contact_id = :contact
  UNION ALL
  SELECT s.lifted_at, 'lifted', s.scope, s.reason, s.campaign_id, NULL, '', coalesce(s.lift_reason, '')
  FROM cm.suppression s WHERE s.practice_id = :practice AND s.contact_id = :contact AND s.lifted_at IS NOT NULL
  UNION ALL
  SELECT i.received_at, 'event', i.type, '', NULL, NULL, '', i.source
  FROM cm.inbound_event i WHERE i.practice_id = :practice AND i.contact_id = :contact AND i.type NOT LIKE 'hub.message.%'
) x LEFT JOIN (SELECT campaign_id AS id, name FROM cm.campaign WHERE practice_id = :practice) c ON c.id = x.campaign_id
ORDER BY date_trunc('second', x.at) DESC,
  array_position(ARRAY['event', 'entered', 'moved', 'refused', 'requested', 'message', 'ended'], x.kind) DESC NULLS FIRST,
  array_position(ARRAY['sent', 'delivered', 'opened', 'clicked'], x.what) DESC NULLS FIRST, x.at DESC
LIMIT :limit
"""
ENROLMENTS = """
SELECT e.enrolment_id, e.campaign_id, c.name, c.campaign_type, e.state, e.step_id, e.version_id, e.enrolled_at, e.held_reason,
  e.exit_reason, e.ended_at, e.due_at
FROM cm.whereabouts e JOIN cm.campaign c ON c.practice_id = e.practice_id AND c.campaign_id = e.campaign_id
WHERE e.practice_id = :practice AND e.contact_id = :contact ORDER BY e.enrolled_at DESC LIMIT 100
"""
EVENTS = {
    "appointment.booked": "Booked an appointment",
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
}
MESSAGE = {
    "sent": "The {} was sent", "delivered": "The {} was delivered", "opened": "Opened the {}",
    "clicked": "Clicked a link in the {}", "replied": "Replied to the {}", "bounced": "The {} came back",
    "complained": "Reported the {} as unwanted", "failed": "The {} could not be delivered",
    "unsubscribed": "Unsubscribed through the {}", "stop": "Replied STOP to the {}",
}  # fmt: skip
MEDIA = {"email": "email", "sms": "text message", "whatsapp": "WhatsApp message", "in_app": "in-app message"}
CHANNELS = {"email": "email", "sms": "text", "whatsapp": "WhatsApp", "in_app": "the app"}


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """`sentence` is what people read; `reason` the stored code behind it, if any."""

    at: datetime
    kind: Kind
    sentence: str
    reason: str
    campaign_id: UUID | None
    campaign: str
    step: str
    detail: str


@dataclass(frozen=True, slots=True)
class EnrolmentItem:
    enrolment_id: UUID
    campaign_id: UUID
    campaign: str
    campaign_type: str
    state: str
    step: str
    enrolled_at: datetime
    next_at: datetime | None
    why: str
    ended_at: datetime | None


async def timeline(u: Unit, contact_id: UUID, *, limit: int = 200) -> list[TimelineItem]:
    """Newest first."""
    rows = (await u.execute(TIMELINE, practice=u.practice_id, contact=contact_id, limit=limit)).all()
    return [
        TimelineItem(
            r.at, r.kind, _sentence(r.kind, r.what, r.reason, r.detail), r.reason, r.campaign_id,
            r.name or "", await _step(u, r.version_id, r.step_id), r.detail,
        )
        for r in rows
    ]  # fmt: skip


async def enrolments_of(u: Unit, contact_id: UUID) -> list[EnrolmentItem]:
    """Every enrolment of a person, newest first, with where they are and what comes next."""
    rows = (await u.execute(ENROLMENTS, practice=u.practice_id, contact=contact_id)).all()
    return [
        EnrolmentItem(
            r.enrolment_id, r.campaign_id, r.name, r.campaign_type, r.state,
            await _step(u, r.version_id, r.step_id), r.enrolled_at, r.due_at,
            sentence(r.held_reason or r.exit_reason) if r.held_reason or r.exit_reason else "",
            r.ended_at,
        )
        for r in rows
    ]  # fmt: skip


async def _step(u: Unit, version_id: UUID | None, step_id: str) -> str:
    if version_id is None or not step_id:
        return ""
    step = (await plan_of(u, version_id)).steps.get(step_id)
    return (step.title or step.kind.replace("_", " ").capitalize()) if step else step_id


def _sentence(kind: Kind, what: str, reason: str, detail: str) -> str:
    match kind:
        case "entered":
            return "Entered the journey" + (f" after {detail}" if detail else "")
        case "ended":
            return ("Completed the journey" if what == "completed" else "Left the journey") + _because(reason)
        case "held":
            return "Waiting" + _because(reason)
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
            return {"on_event": "What we waited for happened", "on_timeout": "Waited long enough"}.get(
                what, "Moved on"
            )
        case "suppressed":
            return "Marketing stopped" + (f" on {detail}" if what == "channel" else "") + _because(reason)
        case "lifted":
            return "Marketing allowed again" + _because(reason, "was: ")
        case "event":
            return EVENTS.get(what, what.replace(".", " ").replace("_", " ").capitalize())
        case "released":
            return "Went on"


def _because(reason: str, lead: str = "") -> str:
    return f": {lead}{sentence(reason)}" if reason else ""
