"""The test walk of one campaign: a sample person, one step at a time (BLD-10)."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import reflex as rx

from services.audience import service as audience
from services.campaigns import service as campaigns
from services.content.preview import email_page
from services.contracts.languages import name_of
from services.forecast.walk import Said, Stop, Walk, walk
from state import words
from state.session import acting, opens, uuid_of

CHANNELS = {"in_app": "In the app", "email": "Email", "sms": "Text message", "whatsapp": "WhatsApp"}


@dataclass(frozen=True)
class Check:
    label: str
    facts: str
    refuses: bool


@dataclass(frozen=True)
class Read:
    heading: str
    subject: str
    text: str
    html: bool


@dataclass(frozen=True)
class Place:
    id: str
    title: str
    kind: str
    when: str
    explained: str
    next: str
    goes_out: bool
    waits: bool
    happened: bool
    read: list[Read] = field(default_factory=list)
    refused: list[Check] = field(default_factory=list)
    passed: list[Check] = field(default_factory=list)


class WalkPage(rx.State):
    id: str = ""
    campaign: str = ""
    people: list[tuple[str, str]] = []
    person: str = ""
    belongs: bool = True
    places: list[Place] = []
    at: int = 0
    working: bool = False
    unreadable: str = ""

    _happened: list[str] = []

    @rx.var
    def here(self) -> Place:
        """The step that is shown."""
        blank = Place("", "", "", "", "", "", False, False, False)
        return self.places[self.at] if self.at < len(self.places) else blank

    @rx.var
    def position(self) -> str:
        return f"Step {self.at + 1} of {len(self.places)}" if self.places else ""

    @rx.event
    @opens
    async def load(self) -> Any:
        """The page's own start: the campaign of the address, and people of its audience."""
        self.reset()
        self.id = str(uuid_of(self.router.url.path.rstrip("/").split("/")[-2]))
        async with acting(self, "read") as u:
            detail = await campaigns.get(u, UUID(self.id))
            self.campaign = detail.row.name
            if detail.draft_problems:
                self.unreadable = f"This journey cannot be read. {detail.draft_problems[0].sentence}"
                return
            sample = await audience.sample(u, detail.draft.audience, 20)
        self.people = [(str(one.contact_id), f"{one.name}, {one.kind}") for one in sample]
        if self.people:
            self.person = self.people[0][0]
            await self._walk()

    @rx.event
    async def choose(self, person: str) -> None:
        self.person, self._happened, self.at = str(uuid_of(person)), [], 0
        await self._walk()

    @rx.event
    async def step(self, by: int) -> None:
        """On or back; the ends stay."""
        async with acting(self, "read"):
            self.at = min(max(self.at + int(by), 0), max(len(self.places) - 1, 0))

    @rx.event
    async def event_comes(self, comes: bool) -> None:
        """Does the event that is waited for here come?"""
        here = self.here.id
        others = [step for step in self._happened if step != here]
        self._happened = [*others, here] if comes else others
        await self._walk()

    async def _walk(self) -> None:
        async with acting(self, "read") as u:
            detail = await campaigns.get(u, UUID(self.id))
            found = await walk(
                u, UUID(self.id), detail.draft, UUID(self.person), happened=frozenset(self._happened)
            )
        self.belongs = found.belongs
        self.places = [_place(stop, found, stop.step_id in self._happened) for stop in found.stops]
        self.at = min(self.at, max(len(self.places) - 1, 0))


def _place(stop: Stop, found: Walk, happened: bool) -> Place:
    checks = [Check(_label(a.label, a.channel), a.sentence or a.facts, a.refuses) for a in stop.answers]
    return Place(
        stop.step_id, stop.title, stop.kind, words.moment(stop.at, found.zone), stop.explained, stop.next,
        stop.goes_out, stop.waits_for_event, happened, [_read(one) for one in stop.said],
        [c for c in checks if c.refuses], [c for c in checks if not c.refuses],
    )  # fmt: skip


def _label(label: str, channel: str | None) -> str:
    return f"{CHANNELS[channel]}: {label[0].lower()}{label[1:]}" if channel else label


def _read(said: Said) -> Read:
    shown = said.preview
    heading = " · ".join(
        part
        for part in (CHANNELS[shown.channel], said.variant, name_of(shown.language) if shown.language else "")
        if part
    )
    if shown.problem:
        return Read(heading, "", shown.problem, False)
    html = shown.channel == "email"
    return Read(heading, shown.subject, email_page(shown.body) if html else shown.body, html)
