"""Files that were brought and that nobody imported: whoever keeps the time asks for them, and has them deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.contracts.platform_api import Unconfirmed
from services.kit.uow import Unit, UnitOfWork

OLDER = "SELECT practice_id, files FROM platform.unconfirmed(:before)"
DELETE = """
DELETE FROM platform.import_batch WHERE practice_id = :practice AND state = 'uploaded' AND created_at < :before
"""


async def older(uow: UnitOfWork, before: datetime) -> list[Unconfirmed]:
    """The practices that have such files from before that moment, and how many."""
    async with uow.engine.connect() as connection:
        rows = await connection.execute(text(OLDER), {"before": before})
        return [Unconfirmed(practice_id=row.practice_id, files=row.files) for row in rows]


async def forget(u: Unit, before: datetime) -> int:
    """Delete one practice's, words, name and all; one that is being imported just now is waited for.
    Returns how many."""
    gone: Any = await u.execute(DELETE, practice=u.practice_id, before=before)
    return int(gone.rowcount)
