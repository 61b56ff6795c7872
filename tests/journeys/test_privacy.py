"""What a person may ask for: to know, to have it put right, to be forgotten (D27, GOV-5)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest

from cm_app.api.factory import api
from services.access import service as access
from services.bootstrap import bootstrap
from services.imports.client import PlatformClient
from services.kit.actor import system
from services.kit.errors import Unavailable
from services.kit.ids import new_id
from services.neighbours.platform.api import create_api
from services.privacy import service as privacy
from tests.factories.api import ORIGIN, sign_in, step_up
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, make_practice, run
from tests.factories.world import World

NAMED = {"first_name": "Zebedee", "last_name": "Quill", "email": "zeb@example.com"}


class Platforms:
    """How Campaign Manager reaches the platform in these tests; it can be away."""

    away = False


@pytest.fixture
async def platforms(world: World, database_url: str, servers, monkeypatch) -> AsyncIterator[Platforms]:
    wired = bootstrap(
        config=world.app.settings, clock=world.clock, database_url=database_url, redis_url=servers.redis_url,
        role="cm_platform",
    )  # fmt: skip
    state = Platforms()

    @asynccontextmanager
    async def reached(config, keyring, practice_id):
        if state.away:
            raise Unavailable("The Practice Platform does not answer.")
        transport = httpx.ASGITransport(create_api(wired.uow))
        client = PlatformClient("http://platform", keyring, practice_id, transport=transport)
        yield client
        await client.close()

    monkeypatch.setattr(privacy, "platform_client", reached)
    yield state
    await wired.close()


@pytest.fixture
async def desk(world: World) -> AsyncIterator[tuple[httpx.AsyncClient, dict]]:
    cast = {p.role: p for p in await access.ensure_demo_people(world.app, world.practice_id)}
    transport = httpx.ASGITransport(api(world.app))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client, cast


@pytest.mark.covers("GOV-5", "GOV-2", "GOV-4")
async def test_known_put_right_and_forgotten(world: World, database_url: str, desk, platforms: Platforms):
    client, cast = desk
    contact = make_contact(database_url, world.practice_id, world.clock.now(), **NAMED)
    stranger = make_contact(database_url, make_practice(database_url, world.clock.now()), world.clock.now())
    run(
        database_url,
        "UPDATE canonical.consent SET evidence = 'Form 12', method = 'web form' WHERE contact_id = :c",
        {"c": contact},
    )
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    path = f"/api/v1/people/{contact}"
    await sign_in(client, cast["marketer"])
    assert (await client.get(path + "/access-report")).status_code == 403
    await sign_in(client, cast["administrator"])
    assert (await client.get(path + "/access-report")).json()["code"] == "step_up_needed"
    assert (await client.post(path + "/erasure")).json()["code"] == "step_up_needed"
    await step_up(client, world.app, cast["administrator"])

    answer = await client.get(path + "/access-report")
    report = answer.json()
    (proof,) = report["consent_per_message"]
    assert (proof["channel"], proof["state"], proof["evidence"]) == ("email", "granted", "Form 12")
    assert proof["since"] <= proof["asked_at"]
    held = {section["name"]: section["rows"] for section in report["sections"]}
    assert held["Who they are"][0]["last_name"] == "Quill"
    assert {row["what"] for row in held["Entries of the audit"]} >= {"enrolment.entered", "step.requested"}
    page = await client.get(path + "/access-report", params={"form": "html"})
    assert "Zebedee" in page.text
    assert "Form 12" in page.text
    assert "<script" not in page.text
    assert (await client.get(f"/api/v1/people/{stranger}/access-report")).status_code == 404

    put = await client.post(path + "/rectification", json={"last_name": "Quilt", "email": "zeb@example.com"})
    assert put.json() == {"changed": ["last_name"]}
    assert (await client.post(path + "/rectification", json={"phone": "0123456789"})).status_code == 422
    assert (await client.post(path + "/rectification", json={})).status_code == 422
    whole = await client.get(path + "/access-report")
    assert "Quilt" in whole.text

    platforms.away = True
    assert (await client.post(path + "/erasure")).status_code == 503
    half = (await client.get(path + "/erasure")).json()
    assert (bool(half["here"]), half["platform"]) == (True, False)
    platforms.away = False
    assert (await client.post(path + "/erasure")).json()["platform"] is True

    rows = await world.rows(
        "SELECT tag, actor, detail FROM cm.audit WHERE practice_id = :practice AND tag LIKE 'privacy.%' ORDER BY at, seq"
    )
    told = [row.tag for row in rows]
    assert told == ["privacy.access_report"] * 2 + [
        "privacy.rectified",
        "privacy.access_report",
        "privacy.erased",
    ]
    assert all(row.actor.startswith("person:") for row in rows)
    assert orjson.loads(rows[2].detail) == {"fields": ["last_name"]}
    for value in ("Quill", "Quilt", "Zebedee"):
        assert value not in "".join(row.detail for row in rows)
    left = (await client.get(path + "/access-report")).text
    for value in ("Quilt", "Zebedee", "zeb@example.com", "Form 12", "step.requested"):
        assert value not in left


@pytest.mark.covers("GOV-5")
async def test_the_erasure_is_complete_when_the_platform_has_told_everybody(world: World, database_url: str):
    contact = make_contact(database_url, world.practice_id, world.clock.now(), **NAMED)
    async with world.app.uow(system(world.practice_id, "test")) as u:
        before = await privacy.progress(u, contact)
    assert (before.here, before.told) == (None, False)
    await world.event("contact.erased", {"contact_id": contact}, id=str(new_id()))
    async with world.app.uow(system(world.practice_id, "test")) as u:
        done = await privacy.progress(u, contact)
    assert (done.here, done.told) == (world.clock.now(), True)
