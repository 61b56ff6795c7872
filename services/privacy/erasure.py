"""What goes when a person is erased (D27). Suppression bars and ends; this forgets.

Two rules. What was written in words about one person cannot be read afterwards, by anybody, whatever keys they
hold: words are overwritten, not hidden. And what is counted of them stays true, but is nobody's any more: every
row of ours moves to a stand-in, a number that was never anybody, and the one row that said which pseudonym of
the audit was theirs loses it. The audit is not touched and verifies as before; it cannot be linked to the
person again, because nothing that is left, here or in the export, leads from one to the other.

What is sealed no statement can see into: frozen audiences get the stand-in too, and proof runs that named them
lose their files. What is sealed under a key that is gone nobody can read; it goes when its time is over, and the
audit says how many there were.

What stays under the contact's own reference is the bar itself: that they were erased and when, so that a
late event or an old list does not bring them back.
"""

from typing import Any
from uuid import UUID

from services.audience import forgetting as audiences
from services.audit.append import record
from services.audit.tags import AuditTag
from services.followups.service import forget
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.privacy import queries
from services.proofs import forgetting as proofs


async def erase(u: Unit, contact_id: UUID, *, event_id: str) -> int:
    """Forget a contact and the records that were merged into it. The caller holds the contact's lock, so
    no drain is under way for them, and has ended their journeys. Asked again it finds only what was being
    kept when it was asked first. Returns how many planned messages lost their words."""
    who = {"practice": u.practice_id, "contact": contact_id}
    records = list((await u.execute(queries.RECORDS, **who)).scalars())
    stand_in = new_id()
    everybody = {contact_id, *records}
    snapshots, closed = await audiences.forget(u, everybody, stand_in)
    runs, closed_too = await proofs.forget(u, everybody)
    sealed: dict[str, Any] = {"snapshots": snapshots, "proofs": runs, "unreadable": closed + closed_too}
    if not records:
        if snapshots or runs:  # kept at the very moment they were erased
            await record(u, AuditTag.SUBJECT_ERASED, event=event_id, **sealed)
        return 0
    forgotten = sum([await forget(u, one) for one in records])
    # Still under the pseudonym, and the last row that is: the story in the book ends with it.
    await record(
        u, AuditTag.SUBJECT_ERASED, contact_id=contact_id, event=event_id, followups=forgotten, **sealed
    )
    for statement in queries.HAND_OVER:
        await u.execute(statement, practice=u.practice_id, contacts=records, stand_in=stand_in, now=u.now)
    await u.execute(queries.DESTROY, practice=u.practice_id, contacts=records, now=u.now)
    for one in records:
        u.notes.get("locked", {}).pop(one, None)
    return forgotten
