"""The database keeps tenants apart, keeps `canonical` read-only and audit append-only."""

from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.contracts.envelope import Envelope
from services.kit.actor import system
from services.kit.bus import Consumer
from tests.factories.practice import make_contact, make_practice


@pytest.mark.covers("GOV-3")
async def test_a_session_without_a_practice_is_an_error(app: App, practice: UUID):
    async with AsyncSession(app.uow.engine) as session:
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT count(*) FROM cm.practice"))


@pytest.mark.covers("GOV-3")
async def test_one_practice_never_sees_another(app: App, practice: UUID, database_url: str):
    other = make_practice(database_url, app.clock.now(), name="Other")
    make_contact(database_url, other, app.clock.now())
    async with app.uow(system(practice, "test")) as u:
        assert (await u.execute("SELECT count(*) FROM canonical.contact")).scalar_one() == 0
        assert (await u.execute("SELECT count(*) FROM cm.practice")).scalar_one() == 1


@pytest.mark.parametrize("table", ["contact", "consent", "appointment", "opportunity"])
@pytest.mark.parametrize(
    "verb", ["DELETE FROM canonical.{t}", "UPDATE canonical.{t} SET practice_id = practice_id"]
)
async def test_canonical_is_read_only(app: App, practice: UUID, table: str, verb: str):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with app.uow(system(practice, "test")) as u:
            await u.execute(verb.format(t=table))


@pytest.mark.covers("GOV-4")
@pytest.mark.parametrize(
    "verb", ["DELETE FROM cm.audit", "UPDATE cm.audit SET reason = 'x'", "TRUNCATE cm.audit"]
)
async def test_audit_refuses_change(app: App, practice: UUID, verb: str):
    async with app.uow(system(practice, "test")) as u:
        await record(u, AuditTag.CAMPAIGN_CREATED, name="x")
    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        async with app.uow(system(practice, "test")) as u:
            await u.execute(verb)


async def test_an_audit_batch_is_closed_with_its_transaction(app: App, practice: UUID):
    async with app.uow(system(practice, "test")) as u:
        await record(u, AuditTag.CAMPAIGN_CREATED)
        await record(u, AuditTag.CAMPAIGN_EDITED)
    async with app.uow(system(practice, "test")) as u:
        assert (await u.execute("SELECT rows FROM cm.audit_batch")).scalar_one() == 2


@pytest.mark.covers("EVT-2")
async def test_what_a_unit_emits_reaches_the_bus_once(app: App, practice: UUID):
    async with app.uow(system(practice, "test")) as u:
        u.emit(
            "campaign.created", {"campaign_id": str(practice), "practice_id": str(practice), "actor": "test"}
        )
    consumer = Consumer(app.bus, "probe", "one", ["campaigns"])
    await consumer.prepare()
    assert await app.relay.run_once(practice) == 1
    assert await app.relay.run_once(practice) == 0
    (received,) = await consumer.read(block_ms=0)
    assert Envelope.model_validate_json(received.raw).practiceid == practice
