"""One world that all the acts share, and the table they put themselves into."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from services.access.contracts import DemoPerson
from services.audit.tags import AuditTag
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalRow
from services.contracts.journey import Entry, Journey, Reentry, Step
from services.engine import by_hand
from services.engine.ticks import TICKS, run_tick
from services.kit.actor import Actor
from tests.factories.api import sign_in, step_up
from tests.factories.campaign import Launched, journey, launch
from tests.factories.hub import HubWorld
from tests.factories.journeys import journey as two_emails
from tests.factories.practice import make_contact, run
from tests.factories.world import World

PATIENTS = {"include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}]}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the row of an act must say: who, about whom, of which campaign, and why. Of an act about none of these
    `detail` names the subject."""

    actor: str
    contact: UUID | None = None
    campaign: UUID | None = None
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Stage:
    """The product wired for one practice, with people of every kind at hand."""

    world: World
    url: str
    hub: HubWorld
    client: httpx.AsyncClient
    cast: dict[str, DemoPerson]
    author: Actor
    approver: Actor
    sessions: dict[str, httpx.Cookies] = field(default_factory=dict)

    @property
    def practice(self) -> UUID:
        return self.world.practice_id

    def contact(self, **more: Any) -> UUID:
        return make_contact(self.url, self.practice, self.world.clock.now(), **more)

    async def draft(self, made: Journey | None = None) -> UUID:
        async with self.world.app.uow(self.author) as u:
            made = made or two_emails(audience=PATIENTS)
            return (await campaigns.create(u, name="Recall", journey=made)).campaign_id

    async def requested(self, made: Journey | None = None) -> ApprovalRow:
        """A draft that waits for its approval."""
        campaign = await self.draft(made)
        async with self.world.app.uow(self.author) as u:
            return await campaigns.request_approval(u, campaign)

    async def approved(self, made: Journey | None = None) -> ApprovalRow:
        """A campaign that its approval made active."""
        asked = await self.requested(made)
        async with self.world.app.uow(self.approver) as u:
            return await campaigns.approve(u, asked.approval_id)

    async def running(self, *steps: Step, **more: Any) -> Launched:
        """An active campaign that takes people in by hand only, so that acts keep out of each other's way."""
        entry = Entry(id="entry", how="manual", next=steps[0].id, reentry=Reentry())
        made = journey(*steps, entry=entry, **more)
        launched = await launch(self.world.app, self.practice, made, kind="transactional")
        gone = "DELETE FROM cm.execution WHERE practice_id = :p AND execution_id = :x"
        run(self.url, gone, {"p": self.practice, "x": launched.execution_id})
        return launched

    async def enrol(self, made: Launched, contact: UUID) -> UUID | None:
        async with self.world.app.uow(self.author) as u:
            (asked,) = await by_hand.add(u, made.campaign_id, [contact])
        return asked.enrolment_id

    async def tick(self, name: str) -> int:
        (tick,) = [tick for tick in TICKS if tick.name == name]
        return await run_tick(self.world.app, tick)

    async def signed_in(self, role: str, *, fresh: bool = False) -> str:
        """Let the client be somebody of the demonstration practice; returns how the book calls them."""
        if role in self.sessions:
            self.client.cookies = self.sessions[role]
        else:
            self.client.cookies = httpx.Cookies()
            await sign_in(self.client, self.cast[role])
        if fresh:
            self.world.clock.advance(minutes=1)  # a code counts once
            await step_up(self.client, self.world.app, self.cast[role])
        self.sessions[role] = self.client.cookies
        (who,) = await self.world.rows(
            "SELECT person_id FROM cm.person WHERE practice_id = :practice AND login = :login",
            login=self.cast[role].login,
        )
        return f"person:{who.person_id}"


Act = Callable[[Stage], Awaitable[Row]]
TABLE: dict[AuditTag, Act] = {}


def act(tag: AuditTag) -> Callable[[Act], Act]:
    """Enter an act into the table as the one that writes `tag`."""

    def enter(one: Act) -> Act:
        assert tag not in TABLE, f"{tag} has two acts"
        TABLE[tag] = one
        return one

    return enter
