"""What a frozen audience holds: sealed, so it is opened here as erasing somebody opens it."""

import zlib
from uuid import UUID

from services.audience.forgetting import place
from services.kit.uow import Unit


async def frozen(u: Unit, snapshot_id: UUID) -> list[UUID]:
    """The contacts of a frozen audience, in order of their ids."""
    sql = "SELECT members FROM cm.audience_snapshot WHERE practice_id = :practice AND snapshot_id = :snapshot"
    sealed = (await u.execute(sql, practice=u.practice_id, snapshot=snapshot_id)).scalar_one()
    packed = zlib.decompress(u.keyring.open(bytes(sealed), place=place(snapshot_id)))
    return [UUID(bytes=packed[at : at + 16]) for at in range(0, len(packed), 16)]
