"""Message templates and test messages over the API (CNT-1, CNT-5)."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from cm_app.api.factory import api
from services.access import service as access
from services.bootstrap import App

ORIGIN = "http://127.0.0.1:3000"


@pytest.fixture
async def client(app: App, practice: UUID) -> AsyncIterator[httpx.AsyncClient]:
    maya = next(p for p in await access.ensure_demo_people(app, practice) if p.role == "marketer")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api(app)), base_url=ORIGIN) as client:
        answer = await client.post("/api/session", json={"login": maya.login, "password": maya.password})
        assert answer.status_code == 200
        yield client


@pytest.mark.covers("CNT-1", "CNT-7")
async def test_a_template_is_made_changed_brought_back_and_retired(client: httpx.AsyncClient):
    welsh = {"cy": {"body": "Helo {{ contact.first_name }}"}}
    new = {
        "name": "Hello",
        "channel": "sms",
        "content": {"body": "Hello {{ contact.first_name }}"},
        "translations": welsh,
    }
    made = await client.post("/api/v1/templates", json=new)
    assert made.status_code == 201
    at = made.headers["Location"]
    assert made.json()["required_variables"] == ["contact.first_name"]
    assert (await client.post("/api/v1/templates", json=new)).json()["code"] == "name_taken"

    change = {"name": "Hello again", "content": {"body": "Good day"}, "expected": 1}
    assert (await client.put(at, json=change)).json()["version"] == 2
    assert (await client.put(at, json=change)).status_code == 409
    wrong = await client.put(
        at, json={**change, "content": {"body": "{% for x in y %}lorem ipsum"}, "expected": 2}
    )
    assert wrong.status_code == 422
    assert {p["code"] for p in wrong.json()["problems"]} == {"placeholder", "bad_template"}

    assert [v["version"] for v in (await client.get(f"{at}/versions")).json()] == [2, 1]
    back = (await client.post(f"{at}/versions/1/restore")).json()
    assert (back["version"], back["content"]["body"], list(back["translations"])) == (
        3,
        "Hello {{ contact.first_name }}",
        ["cy"],
    )
    assert (await client.get(f"{at}/uses")).json() == []
    assert (await client.patch(at, json={"active": False})).json()["active"] is False
    assert (await client.get("/api/v1/templates", params={"active": True})).json() == []
    assert [
        one["name"] for one in (await client.get("/api/v1/templates", params={"channel": "sms"})).json()
    ] == ["Hello"]
    assert len((await client.get("/api/v1/gallery")).json()) == 9


@pytest.mark.covers("CNT-5")
async def test_a_test_that_cannot_be_handed_over_says_so(client: httpx.AsyncClient):
    """There is no Hub at this address: what was asked is on record, and why it did not go."""
    made = await client.post("/api/v1/campaigns", json={"name": "Recall", "template_key": "birthday"})
    campaign = made.json()["campaign_id"]
    at = f"/api/v1/campaigns/{campaign}/test-sends"
    wanted = {"step_id": "wish", "channel": "email", "addresses": ["team@practice.example"]}
    sent = await client.post(at, json=wanted)
    assert sent.status_code == 202
    assert [(one["state"], one["sent_to"]) for one in sent.json()] == [("failed", "te…@practice.example")]
    assert (await client.get(at)).json() == sent.json()
    refused = await client.post(at, json={**wanted, "channel": "sms"})
    assert "no words" in refused.text
