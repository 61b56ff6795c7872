"""The events of `cm bench intake`: bookings, withdrawn consent, Hub statuses and recalls, mixed."""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Any
from uuid import UUID

from services.contracts.envelope import Envelope, envelope
from services.contracts.events import source_of
from services.kit.clock import Clock
from services.kit.ids import new_id

MIX = (
    "appointment.booked", "hub.message.delivered", "consent.revoked", "hub.message.delivered",
    "recall.patient.enrolled", "hub.message.opened", "appointment.booked", "consent.revoked",
    "hub.message.delivered", "recall.patient.enrolled",
)  # fmt: skip
"""What comes, in tenths: each of the three that suppress is a fifth, the Hub's news are the rest."""
SUPPRESSING = ("appointment.booked", "consent.revoked", "recall.patient.enrolled")
SOURCES = tuple(sorted({source_of(type) for type in MIX}))

# A message of a month ago for everybody, which the Hub's news can be about.
HISTORY = """
INSERT INTO cm.dispatch (practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, campaign_id, version_id, step_id,
  contact_id, channels, topic, variant, content_ref, requested_at, status, status_at, sent_at)
SELECT :practice, uuidv7(), CAST(:now AS timestamptz), uuidv7(), 0, :campaign, uuidv7(), 'old', contact_id, ARRAY['email'],
  'marketing', 'a', '-', CAST(:now AS timestamptz) - interval '20 days', 'sent', :now, :now
FROM cm.subject WHERE practice_id = :practice RETURNING contact_id, dispatch_id
"""


def events(
    practice: UUID, campaign: UUID, people: Iterable[UUID], messages: dict[UUID, UUID], clock: Clock
) -> Iterator[Envelope]:
    """One event a person, each of the next type; `messages` maps a person to a dispatch."""
    for contact, type in zip(people, cycle(MIX), strict=False):
        yield envelope(
            id=new_id(), source=source_of(type), type=type, time=clock.now(), practice_id=practice,
            subject=contact, data={"practice_id": str(practice), **_data(type, contact, campaign, messages)},
        )  # fmt: skip


def _data(type: str, contact: UUID, campaign: UUID, messages: dict[UUID, UUID]) -> dict[str, Any]:
    match type:
        case "appointment.booked":
            return {"appointment_id": str(new_id()), "patient_id": str(contact)}
        case "consent.revoked":
            return {"contact_id": str(contact), "channel": "all"}
        case "recall.patient.enrolled":
            at = "2026-01-01T00:00:00Z"
            return {"patient_id": str(contact), "journey_id": str(new_id()), "enrolled_at": at}
        case _:
            return {
                "dispatch_id": str(messages[contact]), "contact_id": str(contact),
                "campaign_id": str(campaign), "channel": "email",
            }  # fmt: skip
