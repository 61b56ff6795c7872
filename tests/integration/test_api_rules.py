"""What holds for every route: once-only acts, tags, limits, and nothing taken that is not understood."""

import asyncio
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from cm_app.api.factory import api
from services.access import service as access
from services.bootstrap import App
from services.kit.actor import system
from services.kit.answers import forget_old
from services.kit.rates import Policy, Rates, TooMany
from tests.factories.api import ORIGIN, sign_in

NEW = {"name": "Spring"}
KEY = {"idempotency-key": "crm-42"}


async def names(client: httpx.AsyncClient) -> list[str]:
    return [row["name"] for row in (await client.get("/api/v1/campaigns")).json()["rows"]]


@pytest.mark.covers("SRF-3")
async def test_a_request_sent_twice_with_its_key_is_done_once(app: App, practice: UUID, client, cast):
    await sign_in(client, cast["marketer"])
    first = await client.post("/api/v1/campaigns", json=NEW, headers=KEY)
    again = await client.post("/api/v1/campaigns", json=NEW, headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = await client.post("/api/v1/campaigns", json={"name": "Autumn"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = await client.post(first.headers["location"] + "/clone", headers=KEY)
    assert elsewhere.json()["code"] == "idempotency_key_reused"
    assert await names(client) == ["Spring"]
    bad = await client.post("/api/v1/campaigns", json=NEW, headers={"idempotency-key": "a b"})
    assert (bad.status_code, bad.json()["errors"][0]["header"]) == (422, "Idempotency-Key")

    # What failed was not done, so it may be tried again with the same key.
    body = {"to": "resume"}
    refused = await client.post(first.headers["location"] + "/moves", json=body, headers=key("2"))
    assert refused.status_code == 409
    async with app.uow(system(practice, "test")) as u:
        kept = await u.execute("SELECT answer FROM cm.api_answer")
        (answer,) = kept.scalars().all()
        assert b"Spring" not in bytes(answer)
    await sign_in(client, cast["administrator"])
    assert (await client.post("/api/v1/campaigns", json=NEW, headers=KEY)).status_code == 403
    app.clock.advance(hours=25)
    await sign_in(client, cast["marketer"])
    assert (await client.post("/api/v1/campaigns", json=NEW, headers=KEY)).status_code == 201
    assert await names(client) == ["Spring", "Spring"]
    app.clock.advance(hours=25)
    async with app.uow(system(practice, "test")) as u:
        assert await forget_old(u) == 1


def key(value: str) -> dict[str, str]:
    return {"idempotency-key": value}


@pytest.mark.covers("SRF-3")
async def test_twins_that_come_together_are_one_act(client, cast):
    await sign_in(client, cast["marketer"])
    twins = [client.post("/api/v1/campaigns", json=NEW, headers=KEY) for _ in range(6)]
    answers = await asyncio.gather(*twins)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await names(client) == ["Spring"]


@pytest.mark.covers("SRF-3")
async def test_a_tag_says_what_was_read_and_guards_what_is_written(client, cast):
    await sign_in(client, cast["marketer"])
    at = (await client.post("/api/v1/campaigns", json=NEW)).headers["location"]
    read = await client.get(at)
    tag = read.headers["etag"]
    assert tag.startswith('"')
    same = await client.get(at, headers={"if-none-match": f'"other", {tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await client.get(at, headers={"if-none-match": '"other"'})).status_code == 200
    missing = await client.patch(at, json={"name": "Summer"})
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
    changed = await client.patch(at, json={"name": "Summer"}, headers={"if-match": tag})
    assert changed.status_code == 200
    for method, path, body in (
        ("PATCH", at, {"name": "Autumn"}),
        ("DELETE", at, None),
        ("POST", at + "/moves", {"to": "cancel", "reason": "x"}),
    ):
        stale = await client.request(method, path, json=body, headers={"if-match": tag})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale"), path
    twins = [
        client.patch(at, json={"name": name}, headers={"if-match": (await client.get(at)).headers["etag"]})
        for name in ("One", "Two")
    ]
    assert sorted(answer.status_code for answer in await asyncio.gather(*twins)) == [200, 412]
    assert (await client.patch(at, json={"name": "Any"}, headers={"if-match": "*"})).status_code == 200


@pytest.mark.covers("SRF-3")
async def test_lists_come_in_pages_and_take_no_foreign_cursor(client, cast):
    await sign_in(client, cast["marketer"])
    for name in ("One", "Two", "Three"):
        await client.post("/api/v1/campaigns", json={"name": name})
    for path in ("/api/v1/campaigns", "/api/v1/segments/fields", "/api/v1/gallery"):
        page = (await client.get(path, params={"limit": 2})).json()
        seen = page["rows"]
        while page["next"] is not None:
            assert len(page["rows"]) == 2
            page = (await client.get(path, params={"limit": 2, "cursor": page["next"]})).json()
            seen += page["rows"]
        assert seen == (await client.get(path, params={"limit": 200})).json()["rows"]
        assert len(seen) > 2
    foreign = (await client.get("/api/v1/campaigns", params={"limit": 1})).json()["next"]
    for cursor in (foreign, "x", "AAAA", foreign[:-2]):
        bad = await client.get("/api/v1/templates", params={"cursor": cursor})
        assert (bad.status_code, bad.json()["code"]) == (400, "bad_cursor")
    for limit in ("0", "201", "x"):
        assert (await client.get("/api/v1/campaigns", params={"limit": limit})).status_code == 422


@pytest.mark.covers("SRF-3")
async def test_what_is_not_understood_is_refused_with_its_place(client, cast):
    await sign_in(client, cast["marketer"])
    asked = await client.get("/api/v1/campaigns", params={"state": "draft"})
    assert (asked.status_code, asked.json()["errors"][0]["parameter"]) == (422, "state")
    assert "states" in asked.json()["detail"]
    body = await client.post("/api/v1/campaigns", json={"name": "x", "colour": "red"})
    problem = body.json()
    assert (body.status_code, problem["errors"][0]["pointer"]) == (422, "#/colour")
    assert (problem["instance"], problem["status"], problem["title"]) == (
        "/api/v1/campaigns",
        422,
        "Not valid",
    )
    kind = await client.post("/api/v1/campaigns", content=b"<a/>", headers={"content-type": "text/xml"})
    assert (kind.status_code, kind.json()["code"]) == (415, "unsupported_media_type")
    assert (await client.post("/api/v1/campaigns", content=b"{}")).status_code == 415
    large = await client.post("/api/v1/campaigns", json={"name": "x" * 1_100_000})
    assert (large.status_code, large.json()["code"]) == (413, "too_large")

    async def parts():
        for _ in range(20):
            yield b" " * 100_000

    kind = {"content-type": "application/json"}
    assert (await client.post("/api/v1/campaigns", content=parts(), headers=kind)).status_code == 413
    wrong = await client.delete("/api/v1/campaigns")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, POST")


@pytest.mark.covers("SRF-3")
async def test_who_asks_too_often_waits_and_nobody_else_does(app: App, cast):
    limits = {"api_per_caller": 5, "api_per_practice": 8, "api_per_stranger": 10}
    few = replace(app, settings=app.settings.model_copy(update=limits))
    tokens = [
        (await access.sign_in(app, cast[role].login, cast[role].password)).token
        for role in ("marketer", "analyst", "approver")
    ]
    maya, anil, alex = ({"cookie": f"cm_session={token}"} for token in tokens)
    # Two processes of the web count together.
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(api(few)), base_url=ORIGIN) as one,
        httpx.AsyncClient(transport=httpx.ASGITransport(api(few)), base_url=ORIGIN) as two,
    ):
        for n in range(5):
            answer = await (one, two)[n % 2].get("/api/v1/me", headers=maya)
            assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"caller";q=5;w=60, "practice";q=8;w=60'
        assert answer.headers["ratelimit"].startswith('"caller";r=0;t=')
        refused = await one.get("/api/v1/me", headers=maya)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) in range(1, 61)
        assert [(await one.get("/api/v1/me", headers=anil)).status_code for _ in range(3)] == [200] * 3
        crowded = await two.get("/api/v1/me", headers=alex)
        assert crowded.headers["ratelimit-policy"] == '"practice";q=8;w=60'
        guesses = [(await one.get("/api/v1/me")).status_code for _ in range(11)]
        assert guesses == [401] * 10 + [429]


async def test_without_redis_requests_pass_and_it_is_left_alone_for_a_while(app: App, monkeypatch):
    rates, asked = Rates(app.bus), []
    policy = [(Policy("caller", 1), "someone")]
    assert len(await rates.take(policy)) == 1
    with pytest.raises(TooMany):
        await rates.take(policy)

    async def away(*_: object) -> bool:
        asked.append(1)
        raise RedisConnectionError("away")

    monkeypatch.setattr(rates._limiter, "hit", away)
    assert [await rates.take(policy) for _ in range(3)] == [[], [], []]
    assert len(asked) == 1
