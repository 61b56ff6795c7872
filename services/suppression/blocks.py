"""The block lists: addresses, domains and identities nobody may write to (SUP-6).

One list a practice and one for the whole platform, asked by the gates at every step. Only keyed
hashes are stored (D2). Whoever changes a list takes the practice's row, as the kill switch does:
the dispatcher holds it FOR SHARE, so no batch that has not seen the new entry can commit after it
(house rule 5). The order of locks is practice, then contact, everywhere.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.gates.lists import entry_hash, platform_key, practice_key
from services.gates.reasons import Reason
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.suppression import block_queries as queries
from services.suppression.block_list import UNREADABLE, Imported, country_of
from services.suppression.block_reading import (
    GROUNDS,
    Destination,
    Ground,
    Kind,
    read_file,
    understand,
)
from services.suppression.service import exit_enrolments, lock_contact
from services.suppression.sets import Pending
from services.suppression.taking_back import call_back

CHUNK = 1_000


async def block(u: Unit, text: str, *, ground: Ground, kind: Kind | None = None) -> bool:
    """Put one entry on the practice's list; False when it was there. Needs `suppress`.

    What was requested for it is taken back. Raises Forbidden, Invalid.
    """
    u.actor.require("suppress")
    destination = understand(text, await country_of(u), kind)
    if destination is None:
        raise Invalid(UNREADABLE)
    added = await _add(u, [destination], ground)
    for entry in added:
        await record(
            u, AuditTag.BLOCK_ADDED, reason=ground, kind=destination.kind, entry=entry.hex(),
        )  # fmt: skip
    return bool(added)


async def unblock(u: Unit, entry_id: str, *, why: str) -> None:
    """Take an entry off the practice's list. Needs `compliance` and a reason. Entries of the
    platform's list stay. Raises Forbidden, Invalid, NotFound."""
    u.actor.require("compliance")
    if not why.strip():
        raise Invalid("Say why people may be written to there again.")
    row = (
        await u.execute(queries.REMOVE, practice=u.practice_id, hash=_bytes(entry_id))
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound("This entry is not on the practice's list (any more).")
    await record(
        u, AuditTag.BLOCK_REMOVED, reason=why.strip()[:300], kind=row.kind, entry=entry_id, ground=row.reason,
    )  # fmt: skip


async def import_blocks(u: Unit, content: bytes, *, ground: Ground) -> Imported:
    """Put a whole file on the practice's list; rows that cannot be read are kept with why. Needs
    `suppress`. All of it counts from the moment this commits. Raises Forbidden, Invalid."""
    u.actor.require("suppress")
    found = read_file(content, await country_of(u))
    added = await _add(u, found.destinations, ground)
    known = len(found.destinations) - len(added)
    done = Imported(new_id(), u.now, u.actor.ref, found.rows, len(added), known, found.problems)
    await u.execute(
        queries.KEEP_IMPORT,
        practice=u.practice_id,
        id=done.import_id,
        now=u.now,
        by=u.actor.ref,
        rows=done.rows,
        added=done.added,
        known=done.known,
        problems=orjson.dumps([asdict(problem) for problem in done.problems]).decode(),
    )
    await record(
        u, AuditTag.BLOCKS_IMPORTED, reason=ground, rows=done.rows, added=done.added, known=done.known,
        unreadable=len(done.problems), import_id=done.import_id,
    )  # fmt: skip
    return done


async def block_returned(u: Unit, contact_id: UUID, channel: str | None, ground: Ground) -> None:
    """By rule: where a message came back for good, or was reported, goes on the list (HUB-4).

    The person was suppressed in this transaction, with their lock; that is what wins the race. The
    entry is for whoever else has, or will have, the same address: it counts for every batch that
    starts after this commit, and needs no lock on the practice, which a flood of bounces would feel.
    """
    if channel == "in_app":
        return
    row = (await u.execute(queries.ADDRESSES, practice=u.practice_id, contact=contact_id)).one_or_none()
    value = None if row is None else row.phone if channel in ("sms", "whatsapp") else row.email
    if not value:
        return
    entry = entry_hash(practice_key(u), "address", value)
    added = await u.execute(
        queries.ADD,
        practice=u.practice_id,
        hashes=[entry],
        kinds=["address"],
        contacts=[contact_id],
        ground=ground,
        by=u.actor.ref,
        now=u.now,
    )
    if added.first() is not None:
        await record(
            u, AuditTag.BLOCK_ADDED, contact_id=contact_id, reason=ground, kind="address", entry=entry.hex()
        )


async def block_everywhere(u: Unit, destinations: Sequence[Destination], *, ground: Ground) -> int:
    """Put entries on the platform's list, which only whoever runs the server can (the command
    line). Call `take_back_blocked` for every practice afterwards. Returns how many were new."""
    await u.execute(queries.LOCK_PLATFORM)
    hashes = [entry_hash(platform_key(u), d.kind, d.value) for d in destinations]
    added = await u.execute(
        queries.ADD_EVERYWHERE,
        hashes=hashes,
        kinds=[d.kind for d in destinations],
        ground=ground,
        by=u.actor.ref,
        now=u.now,
    )
    return len(added.all())


async def take_back_blocked(u: Unit, destinations: Sequence[Destination]) -> int:
    """Take back what is on its way to these destinations, and end the journeys of blocked
    identities; returns how many requests were stopped."""
    stopped = 0
    for row in (await u.execute(queries.UNDER_WAY, **_people(u, destinations), now=u.now)).all():
        await lock_contact(u, row.contact_id)
        if row.whole:
            await exit_enrolments(u, row.contact_id, Reason.GLOBAL_LIST)
            continue
        pending = await u.execute(
            queries.PENDING_ON, practice=u.practice_id, contact=row.contact_id, channels=row.channels,
            now=u.now,
        )  # fmt: skip
        back = [Pending(one.dispatch_id, one.enrolled_at) for one in pending]
        stopped += await call_back(u, row.contact_id, back, Reason.GLOBAL_LIST)
    return stopped


async def _add(u: Unit, destinations: Sequence[Destination], ground: Ground) -> list[bytes]:
    """Add entries and take back what is on its way there. Returns the hashes of the new ones."""
    if ground not in GROUNDS:
        raise Invalid("Give one of the reasons: " + ", ".join(GROUNDS) + ".")
    await u.execute(queries.LOCK_PRACTICE, practice=u.practice_id)
    added: list[bytes] = []
    for start in range(0, len(destinations), CHUNK):
        chunk = destinations[start : start + CHUNK]
        owners = await _owners(u, chunk)
        hashes = [entry_hash(practice_key(u), d.kind, d.value) for d in chunk]
        rows = await u.execute(
            queries.ADD,
            practice=u.practice_id,
            hashes=hashes,
            kinds=[d.kind for d in chunk],
            contacts=[owners.get(d) for d in chunk],
            ground=ground,
            by=u.actor.ref,
            now=u.now,
        )
        added += [bytes(row.hash) for row in rows]
        await take_back_blocked(u, chunk)
    return added


def _people(u: Unit, destinations: Sequence[Destination]) -> dict[str, Any]:
    """The destinations as the values of the statements that look for their people."""
    values = {
        kind: [d.value for d in destinations if d.kind == kind] for kind in ("address", "domain", "identity")
    }
    return {
        "practice": u.practice_id,
        "emails": [v for v in values["address"] if "@" in v],
        "phones": [v for v in values["address"] if "@" not in v],
        "domains": values["domain"],
        "identities": values["identity"],
    }


async def _owners(u: Unit, destinations: Sequence[Destination]) -> dict[Destination, UUID]:
    """Somebody each destination belongs to, where there is one."""
    rows = await u.execute(queries.OWNERS, **_people(u, destinations))
    return {Destination(row.kind, row.value): row.contact_id for row in rows}


def _bytes(entry_id: str) -> bytes:
    try:
        return bytes.fromhex(entry_id)
    except ValueError as error:
        raise NotFound("This entry is not on the practice's list (any more).") from error
