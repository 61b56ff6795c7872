"""Files that somebody brought to be imported and that nobody did import: kept for a day (D26).

They hold people's names and addresses, and nobody said what for. The Practice Platform keeps them, sealed,
and has no clock for them: it is asked what is old, the practice's audit says what goes, and then it is told to
delete it. A platform that does not answer is asked again at the next look.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.platform_api import Unconfirmed
from services.imports.client import platform_client
from services.kit.actor import system
from services.kit.errors import AppError
from services.kit.settings import Settings
from services.kit.uow import UnitOfWork

log = structlog.get_logger("retention")
KEPT_FOR = timedelta(days=1)
EVERYBODY = UUID(int=0)
"""No practice of its own: what is asked about all of them."""


class Wired(Protocol):
    """The part of the composition root this needs."""

    @property
    def settings(self) -> Settings: ...
    @property
    def uow(self) -> UnitOfWork: ...


async def due(wired: Wired, *, now: datetime | None = None) -> list[Unconfirmed]:
    """What would be deleted at `now`: practices and how many files. Nothing at a platform of somebody
    else's, which keeps its own time. Raises Unavailable when the platform does not answer."""
    if wired.settings.platform == "external":
        return []
    async with platform_client(wired.settings, wired.uow.keyring, EVERYBODY) as client:
        return await client.unconfirmed(_before(wired, now))


async def apply(wired: Wired, *, now: datetime | None = None) -> int:
    """Have them deleted, each practice's after its audit has said so; returns how many files."""
    at = now or wired.uow.clock.now()
    try:
        return sum([await _forget(wired, one, at) for one in await due(wired, now=at)])
    except AppError as error:
        log.warning("files that nobody imported were not looked at", problem=error.message)
        return 0


async def _forget(wired: Wired, one: Unconfirmed, at: datetime) -> int:
    async with wired.uow(system(one.practice_id, "scheduler"), now=at) as u:
        await record(u, AuditTag.RETENTION_APPLIED, rows={"import_batch": one.files})
    async with platform_client(wired.settings, wired.uow.keyring, one.practice_id) as client:
        return await client.forget_unconfirmed(_before(wired, at))


def _before(wired: Wired, now: datetime | None) -> datetime:
    return (now or wired.uow.clock.now()) - KEPT_FOR
