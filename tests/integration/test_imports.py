"""Files become leads and patients through the platform's HTTP API and the portal's client (AUD-7)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.bootstrap import App, bootstrap
from services.contracts.events import INBOUND
from services.contracts.platform_api import ConfirmImport
from services.engine.ticks import TICKS, run_tick
from services.imports.client import PlatformClient
from services.kit.actor import system
from services.kit.clock import VirtualClock
from services.kit.errors import Conflict, Invalid, NotFound, NotSignedIn, Unavailable
from services.neighbours.platform.api import create_api
from services.privacy import unconfirmed
from tests.factories.practice import make_contact, make_practice

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared sample data are not here")

LEADS = """First Name;Last Name;Email 1;Phone 1;Source;Deal Stage;Account Id
Ada;Byron;ada@example.com;0117 496 0001;Google Ads;New Lead;A1
Zoë;Brontë;zoe@example.com;12;Referral;Closed Won;A2
Ada;Again;ADA@example.com;;Referral;New Lead;A3
Nobody;Here;broken;;Referral;New Lead;A4
Known;Person;known@example.com;;Referral;Contacted;A5
""".encode()

PATIENTS = b"""Id,BIRTHDATE,DEATHDATE,FIRST,LAST,GENDER,ZIP
3edac2e3-d223-6fae-d515-daf96ef6bc76,2014-10-06,,Maynard46,Mosciski958,M,02155
9d188916-8390-282b-3ec2-73fce6e08649,1930-04-07,1999-01-01,Jetta614,DuBuque211,F,
"""
VISITS = b"""Id,START,PATIENT,ENCOUNTERCLASS,DESCRIPTION
57f2562b-445c-f11c-ba40-edc55af3c84f,2023-01-27T16:17:47Z,3edac2e3-d223-6fae-d515-daf96ef6bc76,wellness,x
0622440b-ab3a-87bf-b0d7-f8145ac11cc5,2023-10-10T04:17:47Z,00000000-0000-7000-8000-000000000000,wellness,x
"""
DECLARED = {
    "channels": ["email"], "method": "web form", "date": "2026-05-01", "evidence": "Form 12, ticked box",
}  # fmt: skip


@pytest.fixture
async def platform(app: App, database_url: str, servers) -> AsyncIterator[App]:
    wired = bootstrap(
        config=app.settings, clock=app.clock, database_url=database_url,
        redis_url=servers.redis_url, role="cm_platform",
    )  # fmt: skip
    yield wired
    await wired.close()


@pytest.fixture
async def client(platform: App, practice: UUID) -> AsyncIterator[PlatformClient]:
    transport = httpx.ASGITransport(create_api(platform.uow))
    portal = PlatformClient("http://platform", platform.keyring, practice, transport=transport)
    yield portal
    await portal.close()


async def rows(platform: App, practice: UUID, sql: str) -> list:
    async with platform.uow(system(practice, "test")) as u:
        return (await u.execute(sql)).all()


@pytest.mark.covers("AUD-7")
async def test_a_file_is_shown_before_it_is_imported(client: PlatformClient, platform: App, practice: UUID):
    batch = await client.upload("leads", [("crm.csv", LEADS)], uploaded_by="person:1")
    assert batch.headers[0] == "First Name"
    assert batch.mapping["phone"] == "Phone 1"
    assert batch.sample[1][0] == "Zoë"
    assert batch.read_as == "UTF-8, separated by semicolons"
    assert (batch.state, batch.total_rows) == ("uploaded", 5)
    again = await client.upload("leads", [("crm.csv", LEADS)], uploaded_by="person:1")
    assert again.batch_id == batch.batch_id
    assert await rows(platform, practice, "SELECT 1 FROM canonical.contact") == []


@pytest.mark.covers("AUD-7")
async def test_leads_come_in_with_attribution_and_without_consent(
    client: PlatformClient, platform: App, practice: UUID, database_url: str
):
    make_contact(
        database_url, practice, platform.clock.now(), email="known@example.com",
        identity_hash="25f7e41ebbf138de", consent=(),
    )  # fmt: skip
    batch = await client.upload("leads", [("crm.csv", LEADS)], uploaded_by="person:1")
    done = await client.confirm(batch.batch_id, ConfirmImport())
    assert (done.batch.imported, done.batch.duplicates, done.batch.errors, done.batch.warnings) == (
        2,
        2,
        1,
        1,
    )
    assert [(p.row_number, p.field, p.severity) for p in done.problems] == [
        (2, "phone", "warning"), (3, "email", "error"), (4, "email", "warning"), (4, "row", "error"),
        (5, "email", "error"),
    ]  # fmt: skip
    ada, zoe = await rows(
        platform, practice,
        "SELECT * FROM canonical.contact WHERE source_system = 'csv_import' ORDER BY first_name",
    )  # fmt: skip
    assert (ada.kind, ada.phone, ada.source_channel, ada.source_ref) == (
        "lead", "+441174960001", "Google Ads", "A1",
    )  # fmt: skip
    assert (ada.source_list, ada.lead_status, len(ada.identity_hash)) == ("crm.csv", "new", 16)
    assert zoe.phone is None
    assert ada.first_touch_at == platform.clock.now()
    assert await rows(platform, practice, "SELECT 1 FROM canonical.consent") == []
    (outcomes,) = await rows(
        platform, practice, "SELECT array_agg(outcome ORDER BY outcome) all_of FROM canonical.opportunity"
    )
    assert outcomes.all_of == ["open", "won"]
    (event,) = await rows(platform, practice, "SELECT type, contact_id, data FROM platform.outbox")
    assert (event.type, event.contact_id) == ("pipeline.lead.opened", ada.contact_id)
    assert INBOUND[event.type].model_validate(event.data).source_channel == "standard"


@pytest.mark.covers("AUD-7")
async def test_the_same_file_is_refused_and_so_is_a_second_confirmation(client: PlatformClient):
    batch = await client.upload("leads", [("crm.csv", LEADS)], uploaded_by="person:1")
    await client.confirm(batch.batch_id, ConfirmImport())
    with pytest.raises(Conflict, match=r"already imported on 1 June 2026"):
        await client.upload("leads", [("renamed.csv", LEADS)], uploaded_by="person:1")
    with pytest.raises(Conflict, match="already imported"):
        await client.confirm(batch.batch_id, ConfirmImport())
    assert [b.state for b in await client.batches()] == ["done"]
    assert (await client.batch(batch.batch_id)).batch.imported == 3


@pytest.mark.covers("AUD-7", "SUP-6")
async def test_declared_consent_is_kept_with_its_proof_and_announced(
    client: PlatformClient, platform: App, practice: UUID
):
    batch = await client.upload("leads", [("crm.csv", LEADS)], uploaded_by="person:1")
    await client.confirm(batch.batch_id, ConfirmImport.model_validate({"consent": DECLARED}))
    held = await rows(platform, practice, "SELECT * FROM canonical.consent")
    assert {(c.channel, c.purpose, c.state, c.method, c.evidence) for c in held} == {
        ("email", "marketing", "granted", "web form", "Form 12, ticked box")
    }
    assert f"{held[0].effective_at:%Y-%m-%d}" == "2026-05-01"
    (proof,) = await rows(platform, practice, "SELECT count(*) n FROM canonical.consent_history")
    (said,) = await rows(
        platform, practice, "SELECT count(*) n FROM platform.outbox WHERE type = 'consent.granted'"
    )
    assert len(held) == proof.n == said.n == 3


@pytest.mark.covers("SUP-6")
async def test_consent_columns_speak_for_their_own_rows(
    client: PlatformClient, platform: App, practice: UUID
):
    text = (
        b"Name,Email,SMS consent,Email consent\nAda B,ada@example.com,no,yes\nBob C,bob@example.com,,maybe\n"
    )
    batch = await client.upload("leads", [("opt.csv", text)], uploaded_by="person:1")
    done = await client.confirm(batch.batch_id, ConfirmImport())
    (consent,) = await rows(platform, practice, "SELECT * FROM canonical.consent")
    assert (consent.channel, consent.method) == ("email", "import_column")
    assert "neither yes nor no" in done.problems[0].problem


@pytest.mark.covers("AUD-7")
async def test_leads_come_in_without_a_file(client: PlatformClient, platform: App, practice: UUID):
    people = [
        {"full_name": "Ada Byron", "email": "ada@example.com", "stack": "Implants"},
        {"full_name": "Bob Cole", "email": "BOB@example.com", "phone": "0117 496 0002"},
        {"full_name": "Bob Again", "email": "bob@example.com"},
    ]
    done = await client.import_rows(people, source="website", uploaded_by="api:1", consent=DECLARED)
    assert (done.batch.imported, done.batch.duplicates, done.batch.confirmed_by) == (2, 1, "api:1")
    stacks = await rows(platform, practice, "SELECT stack FROM canonical.opportunity ORDER BY stack")
    assert stacks == [("implants",), ("standard",)]
    with pytest.raises(Conflict, match="already imported"):
        await client.import_rows(people, source="website", uploaded_by="api:1")


async def test_a_mapping_that_cannot_work_changes_nothing(client: PlatformClient):
    batch = await client.upload("leads", [("crm.csv", LEADS)], uploaded_by="person:1")
    wrong = ConfirmImport.model_validate({"mapping": {"email": "Mail", "first_name": "First Name"}})
    with pytest.raises(Invalid, match="no column “Mail”"):
        await client.confirm(batch.batch_id, wrong)
    assert (await client.batch(batch.batch_id)).batch.state == "uploaded"
    with pytest.raises(NotFound):
        await client.batch(uuid4())
    with pytest.raises(Invalid, match="empty"):
        await client.upload("leads", [("empty.csv", b"")], uploaded_by="person:1")


async def test_synthea_people_come_with_their_visits(client: PlatformClient, platform: App, practice: UUID):
    files = [("patients.csv", PATIENTS), ("encounters.csv", VISITS)]
    batch = await client.upload("synthea", files, uploaded_by="person:1")
    assert batch.total_rows == 4
    done = await client.confirm(batch.batch_id, ConfirmImport())
    assert (done.batch.imported, done.batch.errors) == (2, 1)
    jetta, maynard = await rows(platform, practice, "SELECT * FROM canonical.contact ORDER BY first_name")
    assert (maynard.first_name, maynard.last_name, maynard.app_user) == ("Maynard", "Mosciski", True)
    assert (maynard.email, maynard.phone, jetta.deceased, maynard.deceased) == (None, None, True, False)
    (visit,) = await rows(platform, practice, "SELECT * FROM canonical.appointment")
    assert (visit.status, visit.kind, visit.contact_id) == ("attended", "check_up", maynard.contact_id)
    with pytest.raises(Invalid, match=r"patients\.csv is missing"):
        await client.upload("synthea", [("encounters.csv", VISITS)], uploaded_by="person:1")


@needs_shared
@pytest.mark.covers("AUD-7")
async def test_the_sample_crm_export(client: PlatformClient, platform: App, practice: UUID):
    content = (SHARED / "leads-100.csv").read_bytes()
    batch = await client.upload("leads", [("leads-100.csv", content)], uploaded_by="person:1")
    assert batch.total_rows == 100
    assert {batch.mapping[f] for f in ("email", "email_2", "phone", "stage", "source_channel")} == {
        "Email 1", "Email 2", "Phone 1", "Deal Stage", "Source",
    }  # fmt: skip
    done = await client.confirm(batch.batch_id, ConfirmImport(default_region="US"))
    assert (done.batch.imported, done.batch.duplicates, done.batch.errors) == (100, 0, 0)
    assert {p.severity for p in done.problems} == {"warning", "note"}
    (phones,) = await rows(platform, practice, "SELECT count(phone) n FROM canonical.contact")
    assert phones.n > 50


@needs_shared
async def test_the_sample_synthea_set(client: PlatformClient, platform: App, practice: UUID):
    files = [(p.name, p.read_bytes()) for p in sorted((SHARED / "synthea").glob("*.csv"))]
    batch = await client.upload("synthea", files, uploaded_by="person:1")
    done = await client.confirm(batch.batch_id, ConfirmImport())
    assert (done.batch.imported, done.batch.errors) == (27, 0)
    (visits,) = await rows(platform, practice, "SELECT count(*) n FROM canonical.appointment")
    assert visits.n == 604


@pytest.mark.covers("GOV-7", "AUD-7")
async def test_a_file_that_nobody_imports_is_deleted_after_a_day_and_the_audit_says_so(
    client: PlatformClient,
    platform: App,
    app: App,
    practice: UUID,
    clock: VirtualClock,
    database_url: str,
    monkeypatch,
):
    @asynccontextmanager
    async def reached(_config, keyring, practice_id) -> AsyncIterator[PlatformClient]:
        transport = httpx.ASGITransport(create_api(platform.uow))
        yield PlatformClient("http://platform", keyring, practice_id, transport=transport)

    monkeypatch.setattr(unconfirmed, "platform_client", reached)
    make_practice(database_url, clock.now(), name="Without a file")
    done = await client.upload("leads", [("done.csv", LEADS)], uploaded_by="person:1")
    await client.confirm(done.batch_id, ConfirmImport())
    left = await client.upload(
        "leads", [("left.csv", LEADS + b"Nia;Ash;nia@example.com;;;;A6\n")], uploaded_by="x"
    )
    clock.advance(hours=23)
    fresh = await client.upload(
        "leads", [("fresh.csv", LEADS + b"Ola;Ash;ola@example.com;;;;A7\n")], uploaded_by="x"
    )
    assert await unconfirmed.apply(app) == 0
    clock.advance(hours=2)
    (due,) = await unconfirmed.due(app)
    assert (due.practice_id, due.files) == (practice, 1)
    (tick,) = [t for t in TICKS if t.name == "unconfirmed"]
    assert await run_tick(app, tick) == 1
    assert {(b.batch_id, b.state) for b in await client.batches()} == {
        (done.batch_id, "done"),
        (fresh.batch_id, "uploaded"),
    }
    with pytest.raises(NotFound, match="deleted after a day"):
        await client.confirm(left.batch_id, ConfirmImport())
    assert await run_tick(app, tick) == 0
    async with app.uow(system(practice, "test")) as u:
        told = (
            await u.execute("SELECT actor, detail FROM cm.audit WHERE tag = 'privacy.retention_applied'")
        ).all()
    assert [(row.actor, orjson.loads(row.detail)) for row in told] == [
        ("scheduler", {"rows": {"import_batch": 1}})
    ]
    monkeypatch.undo()
    nowhere = replace(app, settings=app.settings.model_copy(update={"platform_url": "http://127.0.0.1:9"}))
    assert await unconfirmed.apply(nowhere) == 0, "asked again at the next look"
    elsewhere = replace(app, settings=app.settings.model_copy(update={"platform": "external"}))
    assert await unconfirmed.due(elsewhere) == []


async def test_a_stranger_and_a_platform_that_is_down(platform: App, practice: UUID):
    transport = httpx.ASGITransport(create_api(platform.uow))
    other = type(platform.keyring)(b"another root secret that is long enough")
    stranger = PlatformClient("http://platform", other, practice, transport=transport)
    with pytest.raises(NotSignedIn):
        await stranger.batches()
    nobody = PlatformClient("http://127.0.0.1:9", platform.keyring, practice)
    with pytest.raises(Unavailable, match="does not answer"):
        await nobody.batches()
    await stranger.close()
    await nobody.close()
