"""Imports and simulation as use cases of the portal: permission, audit, then the platform's API (D3).

The platform is asked outside any transaction: a large file takes longer than one should stay open.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.contracts.platform_api import (
    ConfirmImport,
    ImportBatch,
    ImportDetail,
    ImportKind,
    Simulated,
)
from services.imports.client import platform_client
from services.kit.actor import Actor
from services.kit.errors import Forbidden

LARGEST = 50 * 1024 * 1024  # bytes of one uploaded file


async def upload(app: App, actor: Actor, kind: ImportKind, files: Sequence[tuple[str, bytes]]) -> ImportBatch:
    """Hand files to the platform; nothing is imported until `confirm`. Needs `author`."""
    actor.require("author")
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        return await client.upload(kind, files, uploaded_by=actor.display_name)


async def confirm(app: App, actor: Actor, batch_id: UUID, confirmed: ConfirmImport) -> ImportDetail:
    """Import a batch as mapped, with the consent somebody declares for it. Needs `author`; audited."""
    actor.require("author")
    consent = confirmed.consent
    async with app.uow(actor) as u:
        await record(
            u,
            AuditTag.IMPORT_REQUESTED,
            batch=str(batch_id),
            fields=sorted(confirmed.mapping),
            consent_channels=list(consent.channels) if consent else [],
            consent_method=consent.method if consent else "",
        )
    who = confirmed.model_copy(update={"confirmed_by": actor.display_name})
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        return await client.confirm(batch_id, who)


async def batches(app: App, actor: Actor) -> list[ImportBatch]:
    """Every file handed over so far, newest first. Needs `read`."""
    actor.require("read")
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        return await client.batches()


async def batch(app: App, actor: Actor, batch_id: UUID) -> ImportDetail:
    """One file with the problems of its rows. Needs `author`: rows hold personal data."""
    actor.require("author")
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        return await client.batch(batch_id)


async def simulate(app: App, actor: Actor, contact_id: UUID, what: str, **more: Any) -> Simulated:
    """Make something happen to a person of the generated practice. Development only."""
    actor.require("read")
    if app.settings.environment == "production":
        raise Forbidden("The simulator exists in development only.")
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        return await client.simulate(contact_id, what, **more)
