"""Signing in through a real OpenID provider, and everything that must not sign anybody in."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from cm_app.api.factory import api
from services.access import service as access
from services.access.contracts import OutsideSignIn
from services.bootstrap import App, bootstrap
from services.kit.actor import Actor
from services.kit.clock import SystemClock, VirtualClock
from services.kit.embedded import Servers
from services.kit.errors import Forbidden
from tests.factories.api import ORIGIN
from tests.factories.provider import CLIENT, SECRET, SignInProvider, sign_in_provider

pytestmark = pytest.mark.covers("GOV-1")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInProvider]:
    folder: Path = tmp_path_factory.mktemp("provider")
    with sign_in_provider(folder, ORIGIN) as running:
        yield running


@dataclass
class Door:
    app: App
    clock: VirtualClock
    practice: UUID
    provider: SignInProvider
    client: httpx.AsyncClient

    async def through(self, login: str, *, next: str = "/") -> httpx.Response:
        """All the way: begin, sign in there, come back."""
        return await self.client.get(self.provider.sign_in(await self.begun(next), login))

    async def begun(self, next: str = "/") -> str:
        answer = await self.client.get("/api/session/oidc", params={"next": next})
        assert answer.status_code == 303
        return answer.headers["location"]

    async def problem(self, answer: httpx.Response) -> str:
        """Why nobody was signed in; the page has words for it."""
        found = urlsplit(answer.headers["location"])
        assert found.path == "/login"
        assert "cm_session" not in answer.cookies
        reason = parse_qs(found.query)["problem"][0]
        assert access.REFUSALS[reason]
        return reason


@pytest.fixture
async def door(
    config, servers: Servers, database_url: str, practice: UUID, provider: SignInProvider
) -> AsyncIterator[Door]:
    ours = config.model_copy(
        update={
            "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET),
            "port": 3000,
        }
    )  # fmt: skip
    clock = VirtualClock(SystemClock().now())
    wired = bootstrap(config=ours, clock=clock, database_url=database_url, redis_url=servers.redis_url)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api(wired)), base_url=ORIGIN) as client:
        yield Door(wired, clock, practice, provider, client)
    await wired.close()


async def invite(door: Door, name: str, *roles: str) -> None:
    async with door.app.uow(access.operator(door.practice)) as u:
        await access.add_person(
            u, login=f"ada-{name}", display_name="Ada", password="four grey seals", roles=["administrator"]
        )
        await access.invite(u, address=f"{name}@harbour.example", roles=roles)


async def test_an_invited_person_comes_in_and_goes_again(door: Door):
    assert await door.problem(await door.through("nora")) == "unknown"
    await invite(door, "nora", "analyst")
    answer = await door.through("nora", next="/runs?state=open")
    assert answer.headers["location"] == "/runs?state=open"
    assert "HttpOnly" in answer.headers["set-cookie"]
    me = (await door.client.get("/api/v1/me")).json()
    assert (me["login"], me["permissions"]) == ("nora", ["read"])
    async with door.app.uow(access.operator(door.practice)) as u:
        stored = (await u.execute("SELECT i.*, v.* FROM cm.identity i, cm.invitation v")).mappings().all()
    assert "harbour.example" not in str(stored)

    gone = await door.client.post("/api/session/end", headers={"origin": ORIGIN})
    assert gone.headers["location"].startswith(f"{door.provider.issuer}/session/end?")
    assert (await door.client.get("/api/v1/me")).status_code == 401
    door.provider.new_keys()  # it has forgotten everything, its old key too
    assert (await door.through("nora")).headers["location"] == "/"
    for away in ("//evil.example", "https://evil.example"):
        assert (await door.through("nora", next=away)).headers["location"] == "/"

    async with door.app.uow(access.operator(door.practice)) as u:
        nora = next(p for p in await access.people(u) if p.login == "nora")
        await access.set_active(u, nora.person_id, False)
    assert await door.problem(await door.through("nora")) == "closed"
    password = await door.client.post("/api/session", json={"login": "nora", "password": ""})
    assert password.status_code == 401


async def test_a_domain_lets_people_in_and_groups_become_roles(door: Door):
    rules = OutsideSignIn(
        domains=("harbour.example",),
        first_roles=("analyst",),
        groups={"desk": "front_desk", "boss": "approver"},
    )
    async with door.app.uow(access.operator(door.practice)) as u:
        await access.add_person(
            u, login="ada", display_name="Ada", password="four grey seals", roles=["administrator"]
        )
        await access.save_settings(
            u, (await access.practice_settings(u)).model_copy(update={"outside": rules})
        )
    assert (await door.through("otto.desk.boss")).headers["location"] == "/"
    assert (await door.client.get("/api/v1/me")).json()["roles"] == ["approver", "front_desk"]
    assert (await door.through("otto")).headers["location"] == "/"
    assert (await door.client.get("/api/v1/me")).json()["roles"] == []
    assert await door.problem(await door.through("unproved")) == "unknown"
    with pytest.raises(Forbidden):
        async with door.app.uow(await access.actor_of(door.app, door.client.cookies["cm_session"])) as u:
            await access.invite(u, address="x@harbour.example", roles=["analyst"])


async def test_whoever_comes_through_the_provider_maps_no_group_to_more_than_they_may(door: Door):
    here = access.operator(door.practice)
    boss, desk = {"boss": "administrator"}, {"desk": "front_desk"}

    async def maps(actor: Actor, **more: Any) -> None:
        async with door.app.uow(actor) as u:
            old = await access.practice_settings(u)
            new = old.outside.model_copy(update=more)
            await access.save_settings(u, old.model_copy(update={"outside": new}))

    async def actor_of() -> Actor:
        return await access.actor_of(door.app, door.client.cookies["cm_session"])

    async with door.app.uow(here) as u:
        grace = await access.add_person(
            u, login="grace", display_name="Grace", password="four grey seals", roles=["administrator"]
        )
    await maps(here, domains=("harbour.example",), groups=boss | {"team": "approver"}, claim="teams")
    await maps(here, groups=boss, claim="groups")
    assert (await door.through("otto.boss")).headers["location"] == "/"
    otto = await actor_of()
    assert "approve" not in otto.permissions
    for refused in (
        {"groups": boss | {"desk": "approver"}},
        {"groups": boss | {"boss": "marketer"}},
        {"groups": boss | desk | {"anything": "marketer"}},
    ):
        with pytest.raises(Forbidden, match="yourself"):
            await maps(otto, **refused)
    await maps(otto, groups=boss | desk, first_roles=("approver",))
    # Groups that somebody else mapped stay; named by another claim they might be otto's.
    await maps(here, groups=boss | {"team": "approver"})
    await maps(otto, groups=boss | desk | {"team": "approver"})
    with pytest.raises(Forbidden, match="yourself"):
        await maps(otto, claim="teams")
    # Somebody with a password is in no group: what they map they give to others.
    local = Actor(door.practice, f"person:{grace}", otto.permissions, person_id=grace)
    await maps(local, groups=boss | {"desk": "approver"})
    assert (await door.through("otto.boss")).headers["location"] == "/"
    assert (await actor_of()).permissions == otto.permissions


async def test_what_was_not_asked_for_here_signs_nobody_in(door: Door):
    await invite(door, "nora", "analyst")
    back = door.provider.sign_in(await door.begun(), "nora")
    carried = door.client.cookies["cm_oidc"]
    assert (await door.client.get(back)).headers["location"] == "/"
    path = "/api/session/oidc"
    door.client.cookies.clear()
    assert await door.problem(await door.client.get(back)) == "state"
    door.client.cookies.set("cm_oidc", carried, domain="127.0.0.1", path=path)
    assert await door.problem(await door.client.get(back)) == "replayed"

    back = door.provider.sign_in(await door.begun(), "nora")
    assert await door.problem(await door.client.get(back.replace("state=", "state=x"))) == "state"
    await door.begun()  # another browser's request: its state is not this one's
    assert await door.problem(await door.client.get(back)) == "state"
    back = door.provider.sign_in(await door.begun(), "nora")
    door.clock.advance(minutes=11)
    assert await door.problem(await door.client.get(back)) == "late"
    await door.begun()
    state = parse_qs(urlsplit(await door.begun()).query)["state"][0]
    no = await door.client.get(f"{path}/back", params={"state": state, "error": "access_denied"})
    assert await door.problem(no) == "declined"


async def test_a_word_for_others_or_of_another_time_signs_nobody_in(door: Door):
    ours = access.provider(door.app)
    for_others = access.Provider(
        door.app.settings.model_copy(update={"oidc_client_id": "another-program"}),
        door.app.keyring,
        ours.redirect,
    )
    now = door.clock.now()
    tokens = {}
    for name, asked in (("ours", ours), ("others", for_others)):
        begun = await asked.begin(now, "/")
        back = {
            k: v[0] for k, v in parse_qs(urlsplit(door.provider.sign_in(begun.address, "nora")).query).items()
        }
        kept = asked._kept(now, begun.carried)
        tokens[name] = (await asked._exchange(now, back["code"], kept["verifier"]), kept["nonce"])
    token, nonce = tokens["ours"]
    assert (await ours.verified(now, token, nonce))["email"] == "nora@harbour.example"
    assert await ours.verified(now - timedelta(seconds=50), token, nonce)  # its clock is a little ahead

    async def refused(word: str, expected: str, *, by: timedelta = timedelta(), said: str = nonce) -> None:
        with pytest.raises(access.SignInRefused) as caught:
            await ours.verified(now + by, word, said)
        assert caught.value.reason == expected

    await refused(tokens["others"][0], "audience", said=tokens["others"][1])
    await refused(token, "nonce", said="another")
    await refused(token, "expired", by=timedelta(hours=2))
    await refused(token, "proof", by=timedelta(minutes=-5))
    head, body, signature = token.split(".")
    await refused(f"{head}.{body}.{signature[:-4]}AAAA", "proof")
    claims = {
        "iss": door.provider.issuer,
        "aud": CLIENT,
        "sub": "nora",
        "nonce": nonce,
        "iat": 0,
        "exp": 2**40,
    }
    await refused(jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET)), "proof")
    await refused("not a token", "proof")

    silent = access.Provider(
        door.app.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"}),
        door.app.keyring,
        ours.redirect,
    )
    with pytest.raises(access.SignInRefused) as caught:
        await silent.begin(now, "/")
    assert caught.value.reason == "provider"
    assert SECRET not in repr(door.app.settings)
