"""The API: sessions, credentials on every route, problems, audit."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cm_app.api.factory import PUBLIC, ROUTERS
from services.access import service as access
from services.audit.verifier import verify_file
from services.bootstrap import App
from services.kit.ids import new_id
from services.proofs.service import unpacked, work_once
from tests.factories.api import ORIGIN, sign_in, step_up
from tests.factories.journeys import journey
from tests.factories.practice import make_contact


def routes(made: FastAPI) -> list[tuple[str, str]]:
    """Every method and path, read off the description and off the routers themselves."""
    described = {
        (method.upper(), path) for path, methods in made.openapi()["paths"].items() for method in methods
    }
    served = {(m, r.path) for router in ROUTERS for r in router.routes for m in r.methods}
    assert served <= described
    return sorted(described | {("GET", "/api/openapi.json")})


@pytest.mark.covers("GOV-1", "SRF-3")
async def test_every_route_but_the_public_ones_asks_for_credentials(made: FastAPI, client: httpx.AsyncClient):
    found = routes(made)
    assert len(found) > 35
    assert set(found) >= PUBLIC
    for method, path in found:
        if (method, path) in PUBLIC:
            continue
        address = re.sub(r"{\w*id}", str(new_id()), path)
        answer = await client.request(method, re.sub(r"{\w+}", "small", address))
        assert answer.status_code in (401, 403), f"{method} {path}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.covers("GOV-1")
async def test_signing_in_sets_a_cookie_scripts_cannot_read(client: httpx.AsyncClient, cast):
    maya = cast["marketer"]
    answer = await client.post("/api/session", json={"login": maya.login, "password": maya.password})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    me = (await client.get("/api/v1/me")).json()
    assert (me["login"], me["roles"], me["practice"]) == ("maya", ["marketer"], "Harbour Dental")
    assert "author" in me["permissions"]
    assert (await client.delete("/api/session")).status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401
    wrong = await client.post("/api/session", json={"login": "maya", "password": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "not_signed_in")
    assert wrong.headers["www-authenticate"] == "Bearer"


async def test_the_cookie_is_secure_behind_https(made: FastAPI, cast):
    maya = cast["marketer"]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(made), base_url="https://cm.example"
    ) as client:
        answer = await client.post("/api/session", json={"login": maya.login, "password": maya.password})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.covers("GOV-1")
async def test_a_browsers_form_is_sent_on(client: httpx.AsyncClient, cast):
    maya = {"login": cast["marketer"].login, "password": cast["marketer"].password}
    ours = {"origin": ORIGIN}
    for wanted, goes_to in (
        ("", "/"),
        ("/campaigns?state=draft", "/campaigns?state=draft"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
    ):
        answer = await client.post("/api/session", data={**maya, "next": wanted}, headers=ours)
        assert (answer.status_code, answer.headers["location"]) == (303, goes_to)
    old = client.cookies["cm_session"]
    wrong = await client.post("/api/session", data={"login": "maya", "password": "x"}, headers=ours)
    assert wrong.headers["location"] == "/login?problem=wrong"
    assert (await client.post("/api/session/end", headers=ours)).headers["location"] == "/login"
    client.cookies.set("cm_session", old)
    assert (await client.get("/api/v1/me")).status_code == 401  # gone on the server too


@pytest.mark.covers("GOV-1")
async def test_another_sites_page_cannot_act_for_a_person(client: httpx.AsyncClient, cast):
    maya = {"login": cast["marketer"].login, "password": cast["marketer"].password}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert (await client.post("/api/session", data=maya, headers=headers)).status_code == 403
    await sign_in(client, cast["marketer"])
    for method, path in (
        ("POST", "/api/session/end"),
        ("POST", "/api/v1/campaigns"),
        ("DELETE", "/api/session"),
    ):
        answer = await client.request(method, path, headers={"origin": "https://evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.covers("GOV-2", "GOV-4")
async def test_exporting_the_audit_needs_a_fresh_code_and_gives_a_file_that_verifies(
    app: App, client: httpx.AsyncClient, cast, tmp_path: Path
):
    await sign_in(client, cast["marketer"])
    assert (await client.get("/api/v1/audit")).status_code == 403
    client.cookies.clear()
    await sign_in(client, cast["administrator"])
    page = (await client.get("/api/v1/audit", params={"tag": "access.", "limit": 3})).json()
    assert page["rows"][0]["tag"] == "access.signed_in"
    assert page["rows"][0]["actor_name"] == "Ada Moreau"
    again = await client.get("/api/v1/audit", params={"tag": "access.", "cursor": page["next"]})
    assert again.json()["rows"]
    refused = await client.get("/api/v1/audit/export")
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")

    before = client.cookies["cm_session"]
    await step_up(client, app, cast["administrator"])
    assert client.cookies["cm_session"] != before
    for fmt in ("jsonl", "csv"):
        answer = await client.get("/api/v1/audit/export", params={"format": fmt})
        assert f'.{fmt}"' in answer.headers["content-disposition"]
        path = tmp_path / f"export.{fmt}"
        path.write_bytes(answer.content)
        assert verify_file(path).ok
    verified = (await client.get("/api/v1/audit/verification")).json()
    assert verified["ok"] is True


@pytest.mark.covers("GOV-1")
async def test_an_api_key_does_what_its_scopes_say_and_no_more(app: App, client, cast):
    ada = (await access.sign_in(app, cast["administrator"].login, cast["administrator"].password)).actor
    async with app.uow(ada) as u:
        made = await access.create_api_key(u, label="Reports", scopes=["read", "compliance"])
    headers = {"authorization": f"Bearer {made.key}"}
    assert (await client.get("/api/v1/me", headers=headers)).json()["permissions"] == ["compliance", "read"]
    assert (await client.get("/api/v1/campaigns", headers=headers)).status_code == 200
    assert (await client.post("/api/v1/campaigns", headers=headers, json={"name": "x"})).status_code == 403
    refused = await client.get("/api/v1/audit/export", headers=headers)
    assert refused.json()["code"] == "step_up_needed"
    assert (await client.get("/api/v1/me", headers={"authorization": "Bearer cmk_no"})).status_code == 401


@pytest.mark.covers("SRF-3")
async def test_campaigns_live_through_the_api_from_draft_to_approval(app: App, client, cast):
    await sign_in(client, cast["marketer"])
    key = {"idempotency-key": "crm-42"}
    new = {"name": "Spring", "journey": journey().model_dump(mode="json")}
    made = await client.post("/api/v1/campaigns", json=new, headers=key)
    assert made.status_code == 201
    again = await client.post("/api/v1/campaigns", json=new, headers=key)
    address = made.headers["location"]
    assert again.headers["location"] == address

    draft = await client.get(f"{address}/draft")
    missing = await client.put(f"{address}/draft", json=draft.json())
    assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
    etag = {"if-match": draft.headers["etag"]}
    saved = await client.put(f"{address}/draft", json=draft.json() | {"holdout_percent": 5}, headers=etag)
    assert saved.status_code == 200, saved.text
    stale = await client.put(f"{address}/draft", json=draft.json(), headers=etag)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")

    steps = (await client.get(f"{address}/steps")).json()["rows"]
    step = steps[0] | {"note": "Edited over the API"}
    kept = await client.put(
        f"{address}/steps/{step['id']}", json=step, headers={"if-match": saved.headers["etag"]}
    )
    assert kept.status_code == 200, kept.text
    assert (await client.get(f"{address}/steps/{step['id']}")).json()["note"] == "Edited over the API"
    bad = await client.put(
        f"{address}/draft", json={"script": "alert(1)"}, headers={"if-match": kept.headers["etag"]}
    )
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "#/script")
    assert "alert" not in bad.text

    read = {"if-match": (await client.get(address)).headers["etag"]}
    renamed = await client.patch(address, json={"name": "Spring 2026", "tags": ["Whitening"]}, headers=read)
    assert (renamed.json()["name"], renamed.json()["tags"]) == ("Spring 2026", ["whitening"])
    listed = (await client.get("/api/v1/campaigns", params={"states": "draft"})).json()
    assert (len(listed["rows"]), listed["counts_by_state"]["draft"]) == (1, 1)

    asked = await client.post(f"{address}/approvals", json={"note": "Please"})
    assert asked.status_code == 201, asked.text
    approval = f"/api/v1/approvals/{asked.json()['approval_id']}"
    assert (await client.post(f"{approval}/approve", json={})).status_code == 403
    version = (await client.get(f"{address}/versions")).json()["rows"][0]["version_id"]
    assert (await client.get(f"{address}/versions/{version}")).json()["holdout_percent"] == 5

    await sign_in(client, cast["approver"])
    assert len((await client.get("/api/v1/approvals")).json()["rows"]) == 1
    assert (await client.get(approval)).json()["may_decide"] is True
    assert (await client.post(f"{approval}/approve", json={})).status_code == 200
    paused = await client.post(f"{address}/moves", json={"to": "pause", "reason": "Holiday"})
    assert paused.json()["state"] == "paused"
    wrong = await client.post(f"{address}/moves", json={"to": "unschedule"})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "transition_error")


@pytest.mark.covers("SRF-3")
async def test_problems_are_problems_everywhere(client: httpx.AsyncClient, cast):
    for method, path, status in (("GET", "/api/v1/nothing", 404), ("PATCH", "/healthz", 405)):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["type"].startswith("urn:campaign-manager:problem:")
    await sign_in(client, cast["marketer"])
    missing = await client.get(f"/api/v1/campaigns/{new_id()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (await client.get("/api/v1/campaigns/abc")).status_code == 422


@pytest.mark.covers("OPS-2")
async def test_health_is_open_and_readiness_asks_the_servers(client: httpx.AsyncClient):
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["bus"]) == (200, "ok", "ok")


@pytest.mark.covers("EVT-7")
async def test_schemas_are_served(client, cast):
    await sign_in(client, cast["analyst"])
    names = (await client.get("/api/v1/schemas")).json()
    for name in (*names["schemas"], *names["inbound"], *names["outbound"]):
        assert "properties" in (await client.get(f"/api/v1/schemas/{name}")).json()
    assert (await client.get("/api/v1/schemas/no.such")).status_code == 404
    document = (await client.get("/api/v1/asyncapi.json")).json()
    assert {*names["inbound"], *names["outbound"]} == set(document["components"]["messages"])


@pytest.mark.covers("EVT-8")
async def test_a_follow_up_is_planned_listed_moved_cancelled_and_drained(
    app: App, client: httpx.AsyncClient, cast, practice, database_url
):
    contact = make_contact(database_url, practice, app.clock.now())
    body = {
        "contact_id": str(contact), "channels": ["email"], "why": "After the crown",
        "content": {"email": {"subject": "How are you?", "body": "Hello {{ contact.first_name }}"}},
    }  # fmt: skip
    await sign_in(client, cast["marketer"])
    headers = {"Idempotency-Key": "crown-7"}
    first = await client.post("/api/v1/followups", json=body, headers=headers)
    again = await client.post("/api/v1/followups", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    made = first.json()["followup"]
    assert again.json() == first.json()
    assert first.headers["Location"] == f"/api/v1/followups/{made['followup_id']}"

    second = (await client.post("/api/v1/followups", json=body)).json()["followup"]
    later = (app.clock.now() + timedelta(days=1)).isoformat()
    moved = await client.patch(
        f"/api/v1/followups/{second['followup_id']}", json={"due_at": later}, headers={"if-match": "*"}
    )
    assert moved.json()["state"] == "pending"
    assert (await client.post("/api/v1/followups/drain")).json() == {"sent": 1, "failed": 0, "waiting": 0}
    page = (await client.get("/api/v1/followups", params={"contact_id": str(contact), "limit": 1})).json()
    rest = (await client.get("/api/v1/followups", params={"cursor": page["next"]})).json()
    assert [row["state"] for row in page["rows"] + rest["rows"]] == ["pending", "sent"]

    await sign_in(client, cast["front_desk"])
    assert (await client.post("/api/v1/followups", json=body)).status_code == 403
    assert (await client.post("/api/v1/followups/drain")).status_code == 403
    address, off = f"/api/v1/followups/{second['followup_id']}", {"state": "cancelled", "note": "She came in"}
    assert (await client.patch(address, json=off, headers={"if-match": "*"})).json()["note"] == "She came in"
    refused = await client.patch(
        f"/api/v1/followups/{made['followup_id']}", json=off, headers={"if-match": "*"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "transition_error")


@pytest.mark.covers("ENG-6")
async def test_a_proof_run_is_asked_for_and_its_files_are_taken(
    app: App, client: httpx.AsyncClient, cast, practice, database_url
):
    make_contact(database_url, practice, app.clock.now())
    audience = {
        "kinds": ["patient"],
        "include": [{"node": "field", "field": "contact.kind", "op": "in", "value": ["patient"]}],
    }
    body = {"name": "Check-ups", "journey": journey(audience=audience).model_dump(mode="json")}
    await sign_in(client, cast["marketer"])
    campaign = (await client.post("/api/v1/campaigns", json=body)).json()["campaign_id"]
    asked = await client.post(f"/api/v1/campaigns/{campaign}/proofs")
    assert asked.status_code == 202, asked.text
    address = asked.headers["Location"]
    assert (await client.get(f"{address}/files")).status_code == 404
    assert await work_once(app.uow, practice)
    assert (await client.get(address)).json()["summary"]["entered"] == 1
    files = await client.get(f"{address}/files")
    assert files.headers["content-type"] == "application/zip"
    assert set(unpacked(files.content)) == {
        "messages.csv", "refused.csv", "words.csv", "summary.md", "summary.json", "proof.sql", "manifest.json",
    }  # fmt: skip
    assert len((await client.get(f"/api/v1/campaigns/{campaign}/proofs")).json()["rows"]) == 1
    await sign_in(client, cast["front_desk"])
    assert (await client.post(f"/api/v1/campaigns/{campaign}/proofs")).status_code == 403
