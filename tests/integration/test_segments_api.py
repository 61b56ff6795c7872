"""Saved segments over the API, and attempts to reach what no rule may reach (AUD-6)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from cm_app.api.factory import api
from services.access import service as access
from services.audience import segments, service
from services.audience.errors import RuleInvalid
from services.bootstrap import App
from services.contracts.segment import Audience
from services.kit.actor import Actor, system
from services.kit.errors import StaleWrite
from services.kit.ids import new_id
from tests.factories.practice import make_contact, run

ORIGIN = "http://127.0.0.1:3000"
BRISTOL = {"node": "field", "field": "contact.postcode", "op": "starts_with", "value": "bs"}


@pytest.fixture
async def client(app: App, practice: UUID, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as the marketer of a practice with two people in Bristol and one in Bath."""
    for postcode in ("BS1 5TY", "bs8 1aa", "BA1 1AA"):
        make_contact(database_url, practice, app.clock.now(), postcode=postcode)
    maya = next(p for p in await access.ensure_demo_people(app, practice) if p.role == "marketer")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api(app)), base_url=ORIGIN) as client:
        answer = await client.post("/api/session", json={"login": maya.login, "password": maya.password})
        assert answer.status_code == 200
        yield client


def body(*include: Any, name: str = "Bristol", **more: Any) -> dict[str, Any]:
    return {"name": name, "audience": {"include": list(include), **more.pop("audience", {})}, **more}


@pytest.mark.covers("AUD-1", "AUD-4")
async def test_a_segment_is_made_read_changed_and_removed(
    client: httpx.AsyncClient, app: App, practice: UUID
):
    made = await client.post("/api/v1/segments", json=body(BRISTOL, description="Near us"))
    assert made.status_code == 201
    segment = made.json()
    at = f"/api/v1/segments/{segment['segment_id']}"
    assert segment["sentence"] == "Leads and patients whose postcode starts with “bs”."
    assert segment["size"] == 2, "counted as soon as it is saved"
    assert (await client.get(at)).json() == segment
    assert [one["name"] for one in (await client.get("/api/v1/segments")).json()["rows"]] == ["Bristol"]
    assert (await client.post("/api/v1/segments", json=body(BRISTOL, name="bristol"))).status_code == 409

    app.clock.advance(minutes=5)
    turned = {"node": "none", "rules": [BRISTOL]}
    fresh = body(turned, name="Elsewhere")
    assert (await client.put(at, json=fresh)).status_code == 428
    stale = await client.put(at, json=fresh, headers={"if-match": '"another"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    read = (await client.get(at)).headers["etag"]
    changed = await client.put(at, json=fresh, headers={"if-match": read})
    assert (changed.status_code, changed.json()["size"]) == (200, 1)
    assert [point["size"] for point in (await client.get(f"{at}/sizes")).json()["rows"]] == [2, 1]

    built_on = body({"node": "segment", "segment_id": segment["segment_id"]}, name="On top")
    assert (await client.post("/api/v1/segments", json=built_on)).status_code == 201
    assert (await client.delete(at)).json()["code"] == "segment_in_use"
    (other,) = [s for s in (await client.get("/api/v1/segments")).json()["rows"] if s["name"] == "On top"]
    assert (await client.delete(f"/api/v1/segments/{other['segment_id']}")).status_code == 204
    assert (await client.delete(at)).status_code == 204
    assert (await client.get("/api/v1/segments")).json()["rows"] == []
    assert (await client.put(at, json=fresh, headers={"if-match": "*"})).status_code == 404
    async with app.uow(system(practice, "test")) as u:
        changes = await u.execute(
            "SELECT detail::jsonb->>'change' FROM cm.audit WHERE tag = 'segment.changed'"
        )
        assert sorted(changes.scalars()) == ["archived", "archived", "created", "created", "updated"]


@pytest.mark.covers("AUD-4")
async def test_an_audience_is_looked_at_without_saving(client: httpx.AsyncClient, database_url: str):
    run(database_url, "UPDATE canonical.contact SET do_not_contact = true WHERE postcode = 'BS1 5TY'", {})
    looked = (await client.post("/api/v1/segments/preview", json={"audience": {"include": [BRISTOL]}})).json()
    assert (looked["count"], looked["reachable"], looked["excluded"]) == (2, None, [])
    by_email = {"audience": {"include": [BRISTOL]}, "channel": "email"}
    reached = (await client.post("/api/v1/segments/preview", json=by_email)).json()
    assert reached["reachable"] + sum(one["count"] for one in reached["excluded"]) == reached["count"] == 2
    assert reached["excluded"][0]["sentence"]
    begun = {"audience": {"include": [BRISTOL, {"node": "did", "what": "opened", "days": None}]}}
    refused = await client.post("/api/v1/segments/preview", json=begun)
    assert refused.status_code == 422
    assert [one["detail"] for one in refused.json()["errors"]] == [
        "Say over how many days it is counted, or that it is ever."
    ]
    fields = (await client.get("/api/v1/segments/fields")).json()["rows"]
    assert {"name": "contact.age", "label": "age"}.items() <= fields[1].items()


PROHIBITED = (
    "clinical.notes", "clinical_notes", "appointment.notes", "appointment.treatment", "contact.medical_history",
    "ai_quality_monitor.score", "ai_quality.flags", "quality.call_score", "contact.email", "contact.first_name",
    "contact.identity_hash", "c.email", "r.treatment", "canonical.contact", "Contact.Age", "contact.age ",
    "contact.age\u0000", "consent.post", "pipeline.stage; DROP TABLE cm.audit", "contact.age' OR '1'='1",
    "__class__", "records.table", "*", "contact.*",
)  # fmt: skip


@pytest.mark.covers("AUD-6")
async def test_no_name_reaches_what_rules_may_not_know(client: httpx.AsyncClient, app: App, practice: UUID):
    for name in PROHIBITED:
        rule = {"node": "field", "field": name, "op": "is_set", "value": None}
        nested = {
            "node": "none",
            "rules": [{"node": "any", "rules": [BRISTOL, {**rule, "op": "is", "value": "x"}]}],
        }
        answer = await client.post("/api/v1/segments/preview", json={"audience": {"include": [rule]}})
        assert answer.status_code == 422, (name, answer.text)
        kept = await client.post("/api/v1/segments", json=body(nested))
        assert kept.status_code == 422, (name, kept.text)
    assert (await client.get("/api/v1/segments")).json()["rows"] == []


SHAPES: tuple[Any, ...] = (
    {**BRISTOL, "table": "clinical.note"},
    {**BRISTOL, "sql": "1=1"},
    {**BRISTOL, "op": "is_set OR true"},
    {**BRISTOL, "op": "regex"},
    {**BRISTOL, "value": {"field": "clinical.notes"}},
    {"node": "sql", "sql": "true"},
    {"node": "did", "what": "clinical_note"},
    {"node": "did", "what": "opened", "where": "r.kind = 'note'"},
    {"node": "did", "what": "opened", "days": "1; DROP TABLE cm.audit"},
    {"node": "list", "contacts": ["' OR true --"]},
    {"node": "segment", "segment_id": "canonical.contact"},
    {"node": "all", "rules": [BRISTOL], "having": "true"},
    {"field": "contact.age", "op": "gt", "value": 1},
    "true",
    ["contact.age"],
    None,
)


@pytest.mark.covers("AUD-6")
async def test_no_shape_of_json_says_more_than_the_grammar(client: httpx.AsyncClient):
    for rule in SHAPES:
        answer = await client.post("/api/v1/segments", json=body(rule))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), rule


@pytest.mark.covers("AUD-6")
async def test_a_rule_smuggled_into_the_table_is_refused_where_it_is_used(
    client: httpx.AsyncClient, app: App, practice: UUID, database_url: str
):
    made = (await client.post("/api/v1/segments", json=body(BRISTOL))).json()
    on = Audience.model_validate({"include": [{"node": "segment", "segment_id": made["segment_id"]}]})
    evil = [{"node": "field", "field": "clinical.notes", "op": "is_set", "value": None}]
    run(
        database_url,
        "UPDATE cm.segment SET rule = :rule",
        {
            "rule": app.keyring.seal(
                orjson.dumps({"include": evil}), place=f"segment.rule:{made['segment_id']}"
            )
        },
    )
    async with app.uow(system(practice, "engine")) as u:
        with pytest.raises(RuleInvalid, match="no field called"):
            await service.count(u, on)


@pytest.mark.covers("AUD-1")
async def test_groups_that_nest_too_deep_are_a_sentence_not_a_crash(client: httpx.AsyncClient):
    rule: Any = BRISTOL
    for _ in range(21):
        rule = {"node": "all", "rules": [rule]}
    answer = await client.post("/api/v1/segments", json=body(rule))
    assert (answer.status_code, "nest at most" in answer.json()["detail"]) == (422, True)
    text = f'{{"name": "Deep", "audience": {{"include": [{_nested(3_000)}]}}}}'
    answer = await client.post(
        "/api/v1/segments", content=text.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 413, 422)
    many = [BRISTOL] * 11
    assert (await client.post("/api/v1/segments", json=body(*many))).status_code == 422


def _nested(depth: int) -> str:
    return '{"node":"all","rules":[' * depth + "]}" * depth


@pytest.mark.covers("GOV-1")
async def test_who_may_only_read_changes_nothing(app: App, practice: UUID):
    reader = next(p for p in await access.ensure_demo_people(app, practice) if p.role == "analyst")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api(app)), base_url=ORIGIN) as client:
        await client.post("/api/session", json={"login": reader.login, "password": reader.password})
        assert (await client.get("/api/v1/segments")).status_code == 200
        assert (await client.post("/api/v1/segments", json=body(BRISTOL))).status_code == 403
        at = f"/api/v1/segments/{new_id()}"
        assert (await client.put(at, json=body(BRISTOL))).status_code == 403
        assert (await client.delete(at)).status_code == 403


async def test_two_people_never_overwrite_each_other(app: App, practice: UUID):
    author = Actor(practice, "person:author", frozenset({"author", "read"}), person_id=new_id())
    audience = Audience.model_validate({"include": [BRISTOL]})
    async with app.uow(author) as u:
        made = await segments.create(u, name="Ours", audience=audience)
        since = (await segments.get(u, made)).updated_at
    app.clock.advance(seconds=1)
    async with app.uow(author) as u:
        await segments.update(u, made, name="Theirs", audience=audience, unchanged_since=since)
    app.clock.advance(seconds=1)
    async with app.uow(author) as u:
        with pytest.raises(StaleWrite):
            await segments.update(u, made, name="Mine", audience=audience, unchanged_since=since)
        assert (await segments.get(u, made)).name == "Theirs"
        assert (await segments.histories(u)) == {}
        assert u.now - since == timedelta(seconds=2)
