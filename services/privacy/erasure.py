"""What else goes when a person is erased (D27). Suppression bars and ends; this forgets.

The rule: what was written about one person only cannot be read afterwards, by anybody, whatever keys
they hold. The sealed words of follow-ups, why they were planned and what staff noted are overwritten, not
hidden; words that wait to be published for this person alone are taken out of the outbox. That a message
was planned, when, and what became of it stays: without words it says nothing about the person.
"""

from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.followups.service import forget
from services.kit.uow import Unit


async def erase(u: Unit, contact_id: UUID, *, event_id: str) -> int:
    """Make unreadable what we keep in words about a contact. The caller holds the contact's lock, so no
    drain is under way for them. Asked again it finds nothing. Returns how many messages lost their words."""
    forgotten = await forget(u, contact_id)
    if forgotten:
        await record(
            u, AuditTag.SUBJECT_ERASED, contact_id=contact_id, event=event_id, followups=forgotten
        )  # fmt: skip
    return forgotten
