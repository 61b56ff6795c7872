"""The practice simulator: makes things happen to one person, in development only."""

from dataclasses import dataclass
from typing import Any, get_args

import reflex as rx

from services.audience.people import open_person, search_people
from services.bootstrap import app
from services.contracts.platform_api import HAPPENING_LABELS, Happening
from services.imports import service as imports
from services.kit.errors import AppError, Forbidden, NotFound
from state import words
from state.session import acting, changed, explain, permitted, uuid_of

GROUPS: tuple[tuple[str, str, tuple[Happening, ...]], ...] = (
    ("Appointments", "calendar-check", ("book", "reschedule", "cancel", "attend", "no_show")),
    ("Consent", "hand", ("consent_grant", "consent_revoke")),
    ("AI Concierge", "headset", ("concierge_recovery", "concierge_accepted", "concierge_declined", "concierge_no_answer")),
    ("Recall & Reconnect", "rotate-ccw", ("recall_enrol", "recall_complete", "recall_exit")),
    ("Pipeline", "git-branch", ("lead_opened", "emergency_lead", "nurture_eligible", "opportunity_closed", "opportunity_lost")),
    ("Proposals and plans", "file-text", ("proposal_created", "proposal_stalled", "proposal_accepted", "careplan_nudge")),
    ("Loyalty", "gem", ("loyalty_handoff", "loyalty_milestone", "loyalty_anniversary")),
)  # fmt: skip
"""What the page offers, grouped as the neighbouring modules are."""


@dataclass(frozen=True)
class Choice:
    id: str
    name: str
    kind: str


@dataclass(frozen=True)
class Happened:
    at: str
    sentence: str
    events: str


class Demo(rx.State):
    text: str = ""
    people: list[Choice] = []
    person: str = ""
    name: str = ""
    log: list[Happened] = []
    busy: str = ""

    @rx.event
    async def load(self) -> None:
        asked = self.router.url.query_parameters.get("person", "")
        await self._read()
        if asked:
            await self._pick(str(uuid_of(asked)))

    @rx.event
    async def find(self, text: str) -> None:
        self.text = text[:80]
        await self._read()

    @rx.event
    async def pick(self, contact_id: str) -> None:
        await self._pick(contact_id)

    @rx.event
    async def happen(self, what: str) -> Any:
        """Have the Practice Platform report `what` about the chosen person."""
        actor = await permitted(self, "read")
        if what not in get_args(Happening) or not self.person:
            return
        self.busy = what
        yield
        try:
            done = await imports.simulate(app(), actor, uuid_of(self.person), what)
        except AppError as error:  # a raised one would leave the button waiting for ever
            self.busy = ""
            yield explain(error)
            return
        self.busy = ""
        entry = Happened(f"{app().clock.now():%H:%M:%S}", done.sentence, ", ".join(done.event_types))
        self.log = [entry, *self.log][:20]
        await changed(self, "people")
        yield rx.toast.success(done.sentence or HAPPENING_LABELS[done.what])

    async def _read(self) -> None:
        _development()
        async with acting(self, "read") as u:
            found = await search_people(u, self.text, limit=12)
        self.people = [Choice(str(p.contact_id), p.name, words.plain(p.kind)) for p in found]

    async def _pick(self, contact_id: str) -> None:
        _development()
        # By id: what was clicked may have left the list in the meantime.
        async with acting(self, "read") as u:
            try:
                chosen = await open_person(u, uuid_of(contact_id), again=True)
            except NotFound:  # an address that names nobody here chooses nobody
                return
        self.person, self.name = contact_id, chosen.person.name


def _development() -> None:
    if app().settings.environment == "production":
        raise Forbidden("The simulator exists in development only.")
