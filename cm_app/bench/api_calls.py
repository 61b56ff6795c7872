"""What the callers of `cm bench api` ask for: reads and writes in the proportions of a busy practice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count, cycle
from typing import Any
from uuid import UUID

import httpx
import orjson

from cm_app.bench.canvas import journey_of
from services.access import service as access
from services.bootstrap import App
from services.kit.actor import Actor, system
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.kit.webhooks import sign

KEYS = 5
DRAFTS = 20
PEOPLE = 400
PATIENCE = 30.0
"""Seconds until a call counts as not answered."""
SCOPES = ("author", "read", "suppress", "compliance")
CAMPAIGNS, STOPS = "/api/v1/campaigns", "/api/v1/suppressions"
DECK = {
    "list campaigns": 12, "one campaign, If-None-Match": 10, "save a draft, If-Match": 5, "read a draft": 4, "a person's timeline": 6,
    "metrics of a campaign": 3, "metrics of the practice": 3, "an event in": 3, "list the audit": 2, "put a suppression": 1,
    "lift a suppression": 1,
}  # fmt: skip
"""How many of fifty calls each is."""

Call = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


@dataclass
class Draft:
    """A campaign's draft as one caller after another edits it."""

    campaign_id: str
    tag: str = ""
    seen: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Callers:
    """API keys and what they ask about. `practice_id` and `secret` sign the events."""

    keys: list[str]
    people: list[UUID]
    practice_id: UUID
    secret: str
    drafts: list[Draft] = field(default_factory=list)
    stops: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self._turn = {name: count() for name in DECK}
        self._key = cycle(self.keys)
        self._journey = journey_of(8).model_dump(mode="json")
        self._calls: dict[str, Call] = dict(
            zip(
                DECK,
                (
                    self._list, self._one, self._save, self._draft, self._timeline, self._steps, self._totals,
                    self._event, self._audit, self._put, self._lift,
                ),
                strict=True,
            )
        )  # fmt: skip

    async def call(self, client: httpx.AsyncClient, name: str) -> httpx.Response:
        """One call of the deck, by the next key."""
        return await self._calls[name](client)

    async def make_drafts(self, client: httpx.AsyncClient) -> None:
        """The campaigns that are read and saved. Raises httpx.HTTPStatusError."""
        for n in range(DRAFTS):
            new = {"name": f"Bench {n}", "journey": self._journey}
            made = (await client.post(CAMPAIGNS, headers=self._head(), json=new)).raise_for_status()
            draft = Draft(made.json()["campaign_id"])
            read = await client.get(f"{CAMPAIGNS}/{draft.campaign_id}/draft", headers=self._head())
            draft.tag = read.raise_for_status().headers["ETag"]
            self.drafts.append(draft)

    def _head(self, **more: str) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in more.items() if value}
        return {"Authorization": f"Bearer {next(self._key)}", **given}

    def _next(self, name: str) -> Draft:
        return self.drafts[next(self._turn[name]) % len(self.drafts)]

    async def _list(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(CAMPAIGNS, headers=self._head())

    async def _one(self, client: httpx.AsyncClient) -> httpx.Response:
        draft = self._next("one campaign, If-None-Match")
        head = self._head(If_None_Match=draft.seen)
        answer = await client.get(f"{CAMPAIGNS}/{draft.campaign_id}", headers=head)
        draft.seen = answer.headers.get("ETag", draft.seen)
        return answer

    async def _save(self, client: httpx.AsyncClient) -> httpx.Response:
        """Nobody saves over a save that has not been answered: a wait here counts as the API's."""
        draft = self._next("save a draft, If-Match")
        async with draft.lock:
            words = self._journey["steps"][1]["variants"][0]["content"]["email"]
            words["subject"] = f"Time for a check-up {next(self._turn['save a draft, If-Match'])}"
            answer = await client.put(
                f"{CAMPAIGNS}/{draft.campaign_id}/draft",
                headers=self._head(If_Match=draft.tag), json=self._journey,
            )  # fmt: skip
            draft.tag = answer.headers.get("ETag", draft.tag)
        return answer

    async def _draft(self, client: httpx.AsyncClient) -> httpx.Response:
        path = f"{CAMPAIGNS}/{self._next('read a draft').campaign_id}/draft"
        return await client.get(path, headers=self._head())

    async def _timeline(self, client: httpx.AsyncClient) -> httpx.Response:
        person = self.people[next(self._turn["a person's timeline"]) % len(self.people)]
        return await client.get(f"/api/v1/people/{person}/timeline", headers=self._head())

    async def _steps(self, client: httpx.AsyncClient) -> httpx.Response:
        campaign = self._next("metrics of a campaign").campaign_id
        return await client.get(f"{CAMPAIGNS}/{campaign}/metrics/steps", headers=self._head())

    async def _totals(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/api/v1/metrics/messages", headers=self._head(), params={"days": "30"})

    async def _event(self, client: httpx.AsyncClient) -> httpx.Response:
        person, at, message = (
            self.people[next(self._turn["an event in"]) % len(self.people)],
            _now(),
            new_id(),
        )
        data = {
            "proposal_id": str(new_id()), "patient_id": str(person), "practice_id": str(self.practice_id)
        }  # fmt: skip
        body = orjson.dumps(
            {
                "id": str(new_id()), "source": "proposals", "type": "proposal.created", "time": at.isoformat(),
                "practiceid": str(self.practice_id), "data": data,
            }
        )  # fmt: skip
        signed = {
            "webhook-id": str(message), "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": sign(self.secret, str(message), at, body), "Content-Type": "application/json",
        }  # fmt: skip
        return await client.post("/api/v1/events", headers=signed, content=body)

    async def _audit(self, client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/api/v1/audit", headers=self._head())

    async def _put(self, client: httpx.AsyncClient) -> httpx.Response:
        person = self.people[-1 - next(self._turn["put a suppression"]) % len(self.people)]
        new = {"contact_id": str(person), "note": "Asked at the desk"}
        answer = await client.post(STOPS, headers=self._head(), json=new)
        if answer.status_code == httpx.codes.CREATED:
            self.stops.put_nowait(answer.json()["suppression_id"])
        return answer

    async def _lift(self, client: httpx.AsyncClient) -> httpx.Response:
        """The one that was put the longest ago; raises TimeoutError when none has been put for long."""
        async with asyncio.timeout(PATIENCE):
            stop = await self.stops.get()
        note: dict[str, Any] = {"note": "Asked to go on"}
        return await client.post(f"{STOPS}/{stop}/lift", headers=self._head(), json=note)


async def callers(app: App, administrator: Actor) -> Callers:
    """Keys made by `administrator`, who may write campaigns from now on (a key does what its maker may), and
    people of that practice."""
    practice_id, roles = administrator.practice_id, ["administrator", "marketer"]
    assert administrator.person_id
    async with app.uow(access.operator(practice_id)) as u:
        await access.change_roles(u, administrator.person_id, roles)
    administrator = replace(administrator, permissions=access.permissions_of(roles))
    async with app.uow(administrator) as u:
        made = [(await access.create_api_key(u, label=f"Bench {n}", scopes=SCOPES)).key for n in range(KEYS)]
    async with app.uow(system(practice_id, "bench")) as u:
        found = await u.execute(
            "SELECT contact_id FROM canonical.contact ORDER BY contact_id LIMIT :most", most=PEOPLE
        )
        people = list(found.scalars())
    return Callers(made, people, practice_id, access.webhook_secret(app.keyring, practice_id))


def _now() -> Any:
    """Signatures are checked against real time."""
    return SystemClock().now()
