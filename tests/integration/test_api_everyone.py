"""Every route, called as everyone: each role, nobody, a key without the scope, the other practice."""

import inspect
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from cm_app.api.description import BODIES, needs, operation_id, words_of
from cm_app.api.factory import PUBLIC, api, routes_of
from cm_app.api.routing import Route
from services.access import service as access
from services.access.rules import KEY_SCOPES, ROLES
from services.bootstrap import App, bootstrap
from services.kit.ids import new_id
from tests.factories.api import ORIGIN, sign_in
from tests.factories.practice import make_practice

OWN_CHECK = {"events_ingress"}
"""Guarded by a signature instead of a permission."""
HARMLESS = {
    "not_found",
    "invalid",
    "conflict",
    "transition_error",
    "if_match_missing",
    "stale",
    "step_up_needed",
}
"""What a caller with the permission may be told; `forbidden` never is."""
ENDS_THE_SESSION = {"sessions_sign_out", "sessions_sign_out_form", "sessions_sign_in", "sessions_step_up"}


PLENTY = {"api_per_caller": 10**6, "api_per_practice": 10**6, "api_per_stranger": 10**6}


@pytest.fixture
async def app(app: App, config, servers, database_url: str) -> AsyncIterator[App]:
    """With connections that stay open and no limit in the way: these are many requests."""
    wired = bootstrap(
        config=config.model_copy(update=PLENTY), clock=app.clock, database_url=database_url,
        redis_url=servers.redis_url,
    )  # fmt: skip
    yield wired
    await wired.close()


def every(app: App) -> list[tuple[APIRoute, str]]:
    return [(route, method) for route in routes_of(app.settings) for method in sorted(route.methods)]


def request(document: dict[str, Any], route: APIRoute, method: str) -> dict[str, Any]:
    """A request with the description's own example; ids are nobody's."""
    operation = document["paths"][route.path_format][method.lower()]
    path = re.sub(r"{\w*id}", lambda _: str(new_id()), route.path_format)
    path = path.replace("{day}", "2026-12-30")
    path = re.sub(r"{act}", "stop", re.sub(r"{(key|name|step_id)}", "none", path))
    media = operation.get("requestBody", {}).get("content", {})
    sent: dict[str, Any] = {"headers": {"if-match": '"none"'}}
    if "application/json" in media:
        sent["json"] = media["application/json"]["example"]
    elif "multipart/form-data" in media:
        sent["files"] = {"file": ("a.csv", b"", "text/csv")}
    query = [p for p in operation.get("parameters", []) if p["in"] == "query" and p.get("required")]
    sent["params"] = {one["name"]: one["example"] for one in query}
    return {"method": method, "url": path, **sent}


@pytest.mark.covers("SRF-3", "GOV-1")
async def test_every_route_answers_everyone_as_its_permissions_say(
    app: App, made: FastAPI, client: httpx.AsyncClient, cast
):
    document, wrong = made.openapi(), []
    guarded = [
        (r, m) for r, m in every(app) if needs(r) is not None and operation_id(r) not in ENDS_THE_SESSION
    ]
    assert len(guarded) > 90
    for role, person in cast.items():
        await sign_in(client, person)
        holds = ROLES[role]
        for route, method in guarded:
            asked = request(document, route, method)
            if (
                operation_id(route).startswith("imports_")
                and needs(route)
                and holds & set(needs(route) or ())
            ):
                continue  # the platform would be asked: test_api_objects does
            answer = await client.request(**asked)
            permitted = not needs(route) or bool(holds & set(needs(route) or ()))
            code = answer.json()["code"] if answer.status_code >= 400 else ""
            fine = answer.status_code < 400 or code in HARMLESS if permitted else code == "forbidden"
            if not fine:
                wrong.append((role, method, route.path_format, answer.status_code, code))
        await client.delete("/api/session")
    assert wrong == []


@pytest.mark.covers("SRF-3", "GOV-1")
async def test_a_key_has_its_scopes_and_strangers_have_nothing(app: App, made: FastAPI, client, cast):
    ada = (await access.sign_in(app, cast["administrator"].login, cast["administrator"].password)).actor
    async with app.uow(ada) as u:
        made_key = await access.create_api_key(u, label="Reader", scopes=["read"])
    document, wrong = made.openapi(), []
    key, no_key = {"authorization": f"Bearer {made_key.key}"}, {"authorization": "Bearer cmk_none"}
    for route, method in every(app):
        permissions = needs(route)
        if (method, route.path_format) in PUBLIC or operation_id(route) in OWN_CHECK:
            continue
        asked = request(document, route, method)
        headers = asked.pop("headers")
        for given in ({}, no_key):
            answer = await client.request(**asked, headers=headers | given)
            if answer.status_code not in (401, 403):
                wrong.append(("nobody", method, route.path_format, answer.status_code))
        if permissions and "read" not in permissions:
            answer = await client.request(**asked, headers=headers | key)
            if answer.status_code != 403:
                wrong.append(("a key", method, route.path_format, answer.status_code))
        if permissions:
            assert set(permissions) & (KEY_SCOPES | {"approve", "administer", "people"}), route.path_format
    assert wrong == []


@pytest.mark.covers("GOV-3")
async def test_another_practice_finds_nothing_of_ours(
    app: App, made: FastAPI, client: httpx.AsyncClient, cast, database_url: str
):
    """The other practice's administrator asks for every object by our ids."""
    await sign_in(client, cast["marketer"])
    document = made.openapi()
    campaign = (await client.post("/api/v1/campaigns", json={"name": "Ours"})).json()["campaign_id"]
    segment = document["paths"]["/api/v1/segments"]["post"]["requestBody"]["content"]["application/json"]
    kept = (await client.post("/api/v1/segments", json=segment["example"])).json()["segment_id"]
    await sign_in(client, cast["administrator"])
    hook = document["paths"]["/api/v1/webhooks"]["post"]["requestBody"]["content"]["application/json"]
    endpoint = (await client.post("/api/v1/webhooks", json=hook["example"])).json()["endpoint"]["endpoint_id"]
    ours = {"campaign_id": campaign, "segment_id": kept, "endpoint_id": endpoint}

    other = make_practice(database_url, app.clock.now(), name="Elsewhere")
    stranger = await everything(app, other)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(made), base_url=ORIGIN, headers=stranger
    ) as elsewhere:
        wrong = []
        for route, method in every(app):
            ids = [name for name in ours if f"{{{name}}}" in route.path_format]
            if not ids:
                continue
            asked = request(document, route, method)
            asked["url"] = re.sub(
                r"{\w*id}", str(new_id()), route.path_format.replace(f"{{{ids[0]}}}", ours[ids[0]])
            )
            answer = await elsewhere.request(**asked)
            if answer.status_code not in (403, 404) and answer.json().get("code") not in (
                "invalid",
                "step_up_needed",
            ):
                wrong.append((method, route.path_format, answer.status_code, answer.text[:200]))
        assert wrong == []
        for path in ("campaigns", "segments", "webhooks", "enrolments", "executions", "followups"):
            assert (await elsewhere.get(f"/api/v1/{path}")).json()["rows"] == []


async def everything(app: App, practice_id: UUID) -> dict[str, str]:
    """Somebody of another practice with every role, as headers."""
    async with app.uow(access.operator(practice_id)) as u:
        await access.add_person(
            u, login="other", display_name="Other", password="a-long-password-1", roles=list(ROLES)
        )
    token = (await access.sign_in(app, "other", "a-long-password-1")).token
    return {"cookie": f"cm_session={token}"}


@pytest.mark.covers("SRF-3")
def test_every_route_says_what_it_does_takes_and_answers(made: FastAPI, app: App):
    document = made.openapi()
    names = [operation_id(route) for route, _ in every(app)]
    assert len(names) == len(set(names))
    for route, method in every(app):
        operation = document["paths"][route.path_format][method.lower()]
        where = f"{method} {route.path_format}"
        assert isinstance(route, Route), f"{where}: its router needs route_class=Route"
        assert inspect.getdoc(route.endpoint), f"{where} has no docstring"
        summary, _ = words_of(route)
        assert 2 < len(summary) < 130, where
        assert operation["description"], where
        assert operation["tags"], where
        if needs(route) is None:
            assert (
                (method, route.path_format) in PUBLIC
                or operation_id(route)
                in OWN_CHECK
                | {
                    "sessions_sign_out",
                    "sessions_sign_out_form",
                }
                or "QA mode" in operation["tags"]
            ), f"{where} names no permission"
        if "Health" not in operation["tags"]:
            assert {"401", "403", "422", "429", "500"} <= set(operation["responses"]), where
            assert operation.get("security") or needs(route) is None, where
        if operation_id(route) in BODIES or route.body_field is not None:
            for media in operation["requestBody"]["content"].values():
                fits(document, media, f"{where} request")
        for status, answer in operation["responses"].items():
            for kind, media in answer.get("content", {}).items():
                if kind == "application/json":
                    fits(document, media, f"{where} {status}")
    for answer in document["components"]["responses"].values():
        (media,) = answer["content"].values()
        fits(document, media, answer["description"])


def fits(document: dict[str, Any], media: dict[str, Any], where: str) -> None:
    schema = {**media["schema"], "components": document["components"]}
    found = list(jsonschema_rs.validator_for(schema).iter_errors(media["example"]))
    assert not found, f"{where}: {found[0].message} at {found[0].instance_path}"


@pytest.mark.covers("SRF-3")
def test_the_description_is_the_same_each_time(app: App):
    assert api(app).openapi() == api(app).openapi()
