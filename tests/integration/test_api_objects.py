"""Objects of the API that the portal shows in other words: enrolments, numbers, stops, settings, keys, files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest

from services.bootstrap import App, bootstrap
from services.imports import service as imports
from services.imports.client import PlatformClient
from services.kit.ids import new_id
from services.neighbours.platform.api import create_api
from tests.factories.api import sign_in, step_up
from tests.factories.campaign import launch
from tests.factories.journeys import journey
from tests.factories.practice import make_contact
from tests.factories.world import World


@pytest.mark.covers("SRF-3", "LIF-3", "SUP-9")
async def test_people_come_in_are_seen_and_taken_out_by_reference(
    world: World, client: httpx.AsyncClient, cast, practice: UUID, database_url: str
):
    now = world.clock.now()
    one, two = (make_contact(database_url, practice, now) for _ in range(2))
    gone = make_contact(database_url, practice, now, do_not_contact=True)
    everybody = {"kinds": ["patient"], "include": []}
    audience = journey(how="manual", audience=everybody)
    campaign = (await launch(world.app, practice, audience, kind="transactional")).campaign_id
    at = f"/api/v1/campaigns/{campaign}"
    await sign_in(client, cast["administrator"])
    asked = {"contact_ids": [str(c) for c in (two, gone, one, new_id())]}
    answer = await client.post(f"{at}/enrolments", json=asked, headers={"idempotency-key": "visit-1"})
    assert answer.status_code == 200, answer.text
    people = answer.json()["people"]
    assert [p["outcome"] for p in people] == ["enrolled", "refused", "enrolled", "not_admitted"]
    assert people[1]["reason"] == "DO_NOT_CONTACT"
    again = await client.post(f"{at}/enrolments", json=asked, headers={"idempotency-key": "visit-2"})
    assert {p["outcome"] for p in again.json()["people"]} == {"not_admitted", "refused"}
    await world.run()

    listed = (
        await client.get("/api/v1/enrolments", params={"campaign_id": str(campaign), "limit": 1})
    ).json()
    rest = (await client.get("/api/v1/enrolments", params={"cursor": listed["next"], "limit": 1})).json()
    assert {row["contact_id"] for row in listed["rows"] + rest["rows"]} == {str(one), str(two)}
    assert rest["next"] is None
    enrolment = f"/api/v1/enrolments/{people[0]['enrolment_id']}"
    assert (await client.get(enrolment)).json()["state"] == "live"
    ended = (await client.post(f"{enrolment}/exit", json={"note": "Asked at the desk"})).json()
    assert (ended["state"], ended["reason"]) == ("exited", "REMOVED_BY_STAFF")
    assert (await client.post(f"{enrolment}/exit", json={})).json() == ended
    assert (await client.get(f"/api/v1/enrolments/{new_id()}")).status_code == 404

    steps = (await client.get(f"{at}/metrics/steps")).json()["rows"]
    assert {row["step_id"]: row["requested"] for row in steps}["hello"] == 2
    for path in ("metrics/messages?by=variant", "metrics/attribution", "metrics/messages?days=7"):
        assert (await client.get(f"{at}/{path}")).status_code == 200, path
    days = await client.get(f"{at}/metrics/days?first=2026-05-31&last=2026-06-01&name=requested")
    assert [row["values"]["requested"] for row in days.json()["rows"]] == [0, 2]
    assert (await client.get(f"{at}/metrics/days?first=2026-06-02&last=2026-06-01")).status_code == 422
    other = await client.post(f"/api/v1/campaigns/{new_id()}/enrolments", json=asked)
    assert other.status_code == 404
    assert (await client.post(f"{at}/moves", json={"to": "pause", "reason": "x"})).status_code == 200
    assert (await client.post(f"{at}/enrolments", json=asked)).json()["code"] == "conflict"


@pytest.mark.covers("SRF-3", "SUP-9")
async def test_staff_put_and_lift_suppressions_and_nobody_lifts_an_events(
    world: World, client: httpx.AsyncClient, cast, practice: UUID, database_url: str
):
    person = make_contact(database_url, practice, world.clock.now())
    await sign_in(client, cast["front_desk"])
    made = await client.post("/api/v1/suppressions", json={"contact_id": str(person), "note": "In hospital"})
    assert made.status_code == 201, made.text
    unknown = await client.post("/api/v1/suppressions", json={"contact_id": str(new_id()), "note": "x"})
    assert unknown.status_code == 404
    summary = (await client.get(f"/api/v1/people/{person}")).json()
    assert (summary["stopped"], summary["kind"]) == (True, "patient")
    assert not {"first_name", "email", "phone", "date_of_birth"} & set(summary)
    data = {"contact_id": person, "channel": "sms", "dispatch_id": new_id(), "campaign_id": new_id()}
    await world.event("hub.message.stop", data)
    listed = (await client.get("/api/v1/suppressions", params={"contact_id": str(person)})).json()["rows"]
    assert {row["reason"] for row in listed} == {"MANUAL_SUPPRESSION", "STOP"}
    for row in listed:
        lifted = await client.post(
            f"/api/v1/suppressions/{row['suppression_id']}/lift", json={"note": "Is home"}
        )
        expected = 200 if row["reason"] == "MANUAL_SUPPRESSION" else 409
        assert lifted.status_code == expected, lifted.text
    ended = (await client.get("/api/v1/suppressions", params={"live": False})).json()["rows"]
    assert [row["reason"] for row in ended] == ["MANUAL_SUPPRESSION"]


@pytest.mark.covers("SRF-3", "GOV-2")
async def test_settings_keys_and_the_kill_switch_are_for_people(app: App, client, cast):
    await sign_in(client, cast["administrator"])
    read = await client.get("/api/v1/settings")
    tag = {"if-match": read.headers["etag"]}
    changed = await client.patch("/api/v1/settings", json={"quiet_start": "20:00:00"}, headers=tag)
    assert (changed.status_code, changed.json()["quiet_start"]) == (200, "20:00:00")
    assert (await client.patch("/api/v1/settings", json={}, headers=tag)).status_code == 412
    anyway = {"if-match": "*"}
    alone = {"single_operator": True}
    refused = await client.patch("/api/v1/settings", json=alone, headers=anyway)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
    wrong = await client.patch("/api/v1/settings", json={"concierge_hold_hours": 0}, headers=anyway)
    assert wrong.json()["errors"][0]["pointer"] == "#/concierge_hold_hours"

    made = await client.post("/api/v1/api-keys", json={"label": "Reports", "scopes": ["manage", "read"]})
    assert made.status_code == 201
    (row,) = (await client.get("/api/v1/api-keys")).json()["rows"]
    assert "key" not in row
    key = {"authorization": f"Bearer {made.json()['key']}", "cookie": ""}
    assert (await client.get("/api/v1/settings", headers=key)).status_code == 403
    stopped = await client.post("/api/v1/kill-switch/stop", json={"reason": "Wrong words"}, headers=key)
    assert (stopped.json()["on"], stopped.json()["reason"]) == (True, "Wrong words")
    release = await client.post("/api/v1/kill-switch/release", json={}, headers=key)
    assert release.json()["code"] == "step_up_needed"
    assert (await client.delete(f"/api/v1/api-keys/{row['api_key_id']}")).status_code == 204
    assert (await client.get("/api/v1/kill-switch", headers=key)).status_code == 401
    await step_up(client, app, cast["administrator"])
    assert (await client.post("/api/v1/kill-switch/release", json={})).json()["on"] is False
    assert (await client.get("/api/v1/kill-switch")).json()["on"] is False


@pytest.fixture
async def platform(app: App, config, servers, database_url: str, monkeypatch) -> AsyncIterator[App]:
    """The Practice Platform, reached by the service as over the network."""
    wired = bootstrap(
        config=config, clock=app.clock, database_url=database_url, redis_url=servers.redis_url,
        role="cm_platform",
    )  # fmt: skip
    transport = httpx.ASGITransport(create_api(wired.uow))

    @asynccontextmanager
    async def reached(_config, keyring, practice_id: UUID) -> AsyncIterator[PlatformClient]:
        client = PlatformClient("http://platform", keyring, practice_id, transport=transport)
        yield client
        await client.close()

    monkeypatch.setattr(imports, "platform_client", reached)
    yield wired
    await wired.close()


@pytest.mark.covers("SRF-3", "AUD-7")
async def test_a_file_is_uploaded_once_looked_at_and_confirmed(platform: App, client, cast):
    await sign_in(client, cast["marketer"])
    files = {
        "file": ("leads.csv", b"First name,Last name,Email\nGrace,Hopper,grace@example.com\n", "text/csv")
    }
    for _ in range(2):
        made = await client.post("/api/v1/imports", files=files, headers={"idempotency-key": "file-1"})
        assert made.status_code == 201, made.text
    batch = made.json()
    assert (batch["mapping"]["email"], batch["total_rows"]) == ("Email", 1)
    assert "grace" not in made.text.lower()
    assert len((await client.get("/api/v1/imports")).json()["rows"]) == 1
    at = made.headers["location"]
    done = await client.post(f"{at}/confirm", json={})
    assert (done.status_code, done.json()["batch"]["imported"]) == (200, 1)
    assert "grace" not in (await client.get(at)).text.lower()
    assert (await client.post("/api/v1/imports", json={})).status_code == 415
    await sign_in(client, cast["analyst"])
    assert (await client.post("/api/v1/imports", files=files)).status_code == 403
