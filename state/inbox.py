"""The approvals inbox: what waits, and several approved at once with a fresh code (D9, D10)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import reflex as rx

from services.bootstrap import app
from services.campaigns import service as campaigns
from services.campaigns.several import each, told
from services.kit.uow import Unit
from state import step_up, words
from state.approval_rows import starts, type_of
from state.session import Session, acting, changed, permitted, pings, uuid_of


@dataclass(frozen=True)
class Asked:
    id: str
    campaign: str
    type: str
    by: str
    asked: str
    starts: str
    people: str
    note: str
    mine: bool
    inside: str
    reminded: str


class Approvals(rx.State):
    loading: bool = True
    rows: list[Asked] = []
    chosen: list[str] = []
    may_approve: bool = False
    coding: bool = False
    code_hint: str = ""

    @rx.event
    async def load(self) -> Any:
        self.chosen, self.coding = [], False
        await self._read()
        return Approvals.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/approvals"):
            if topic in ("tick", "approvals", "campaigns"):
                async with self:
                    await self._read()

    @rx.event
    def choose(self, id: str, on: bool) -> None:
        """Mark one for approving together; only what is listed."""
        known = [row.id for row in self.rows]
        self.chosen = [one for one in known if one in {*self.chosen, id} and (one != id or on)]

    @rx.event
    async def approve_chosen(self) -> Any:
        """Approve all that are marked; asks for a fresh code where none was given lately."""
        actor = await permitted(self, "approve")
        if not await step_up.fresh(self):
            return None

        async def deed(u: Unit, approval_id: UUID) -> None:
            await campaigns.approve(u, approval_id)

        ids = [uuid_of(one) for one in self.chosen]
        done = await each(app().uow, actor, ids, deed, campaigns.campaign_of_request)
        self.chosen = []
        await self._read()
        await changed(self, "approvals")
        await changed(self, "campaigns")
        say = rx.toast.success if all(one.done for one in done) else rx.toast.warning
        return say(told(done, "approved"), duration=10_000)

    @rx.event
    def ask_code(self, open: bool) -> None:
        self.coding = bool(open)

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        """Check the one-time code, then approve what waited for it."""
        await permitted(self, "approve")
        await step_up.take(self, form)
        return Approvals.approve_chosen

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found, me = await campaigns.inbox(u), u.actor
            now = u.now
        self.rows = [
            Asked(
                str(row.approval_id), row.campaign_name, type_of(row), row.requested_by_name,
                words.ago(row.requested_at, now), starts(row, zone),
                words.plural(row.audience_count or 0, "person", "people"), row.note, row.requested_by == me.person_id,
                _inside(sum(fate.live + fate.held for fate in row.impact)),
                f"Reminded {words.ago(row.reminded_at, now)}" if row.reminded_at else "",
            )
            for row in found
        ]  # fmt: skip
        known = {row.id for row in self.rows}
        self.chosen = [one for one in self.chosen if one in known]
        self.may_approve = me.may("approve")
        self.loading = False


def _inside(people: int) -> str:
    return (
        f"Changes a running journey with {words.plural(people, 'person', 'people')} inside" if people else ""
    )
