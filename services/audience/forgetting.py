"""Frozen audiences forget who is erased: a stand-in takes their place, so that what was counted stays true (D27)."""

import zlib
from collections.abc import Collection
from uuid import UUID

from services.kit.crypto import SealBroken
from services.kit.uow import Unit

ALL = "SELECT snapshot_id FROM cm.audience_snapshot WHERE practice_id = :practice ORDER BY taken_at, snapshot_id"
ONE = """
SELECT members FROM cm.audience_snapshot WHERE practice_id = :practice AND snapshot_id = :snapshot FOR UPDATE
"""
PUT = "UPDATE cm.audience_snapshot SET members = :members WHERE practice_id = :practice AND snapshot_id = :snapshot"
WIDTH = 16
"""Bytes of a member: the contact's id."""


def place(snapshot_id: UUID) -> str:
    """What the members of a snapshot are sealed for."""
    return f"audience_snapshot.members:{snapshot_id}"


async def forget(u: Unit, contacts: Collection[UUID], stand_in: UUID) -> tuple[int, int]:
    """Put `stand_in` where these contacts stand, in every snapshot that is kept; the caller audits. Returns how
    many that changed, and how many could not be opened: they were sealed under a key that is gone."""
    gone = {contact.bytes for contact in contacts}
    changed = closed = 0
    for snapshot_id in (await u.execute(ALL, practice=u.practice_id)).scalars().all():
        which = {"practice": u.practice_id, "snapshot": snapshot_id}
        sealed = (await u.execute(ONE, **which)).scalar_one_or_none()
        if sealed is None:
            continue
        try:
            packed = zlib.decompress(u.keyring.open(bytes(sealed), place=place(snapshot_id)))
        except SealBroken:
            closed += 1
            continue
        fresh = without(packed, gone, stand_in.bytes)
        if fresh != packed:
            members = u.keyring.seal(zlib.compress(fresh, 1), place=place(snapshot_id))
            await u.execute(PUT, **which, members=members)
            changed += 1
    return changed, closed


def without(packed: bytes, gone: Collection[bytes], stand_in: bytes) -> bytes:
    """Members in order of their ids, those in `gone` replaced; the same object when none of them is there."""
    if not any(one in packed for one in gone):  # quick, and wrong only towards looking closely
        return packed
    members = [packed[at : at + WIDTH] for at in range(0, len(packed), WIDTH)]
    return b"".join(sorted(stand_in if one in gone else one for one in members))
