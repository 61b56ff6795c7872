"""Finding people, and one person's page: consents, journeys, and the timeline with its reasons."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.audience.people import ConsentFound, PersonFound, open_person, search_people
from services.engine.timeline import EnrolmentItem, enrolments_of
from services.suppression import service as suppression
from services.suppression.contracts import LiveSuppression
from state import words
from state.session import Session, acting, changed, opens, pings, uuid_of
from state.undo import offered

ENROLMENTS: dict[str, tuple[str, words.Tone]] = {
    "live": ("Under way", "ok"),
    "held": ("Waiting", "warn"),
    "completed": ("Completed", "accent"),
    "exited": ("Left", "neutral"),
}

KINDS = [("", "Everyone"), ("patient", "Patients"), ("lead", "Leads"), ("partner", "Partners")]


@dataclass(frozen=True)
class Found:
    id: str
    name: str
    initials: str
    kind: str
    reach: str
    last_visit: str
    next_visit: str
    journeys: str
    stopped: bool


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True)
class Consent:
    channel: str
    state: str
    tone: str
    since: str


@dataclass(frozen=True)
class Enrolled:
    id: str
    campaign: str
    href: str
    state: str
    tone: str
    step: str
    next: str
    why: str


PAGE = 50
MOST = 200
"""People shown at first and at a press more, and at most; beyond them one searches."""


class People(rx.State):
    loading: bool = True
    text: str = ""
    kind: str = ""
    rows: list[Found] = []
    more: bool = False
    full: bool = False

    _shown: int = PAGE

    @rx.event
    async def load(self) -> None:
        self._shown = PAGE
        await self._read()

    @rx.event
    async def find(self, text: str) -> None:
        self.text, self._shown = text[:80], PAGE
        await self._read()

    @rx.event
    async def choose_kind(self, kind: str) -> None:
        self.kind, self._shown = kind if kind in dict(KINDS) else "", PAGE
        await self._read()

    @rx.event
    async def show_more(self) -> None:
        self._shown = min(self._shown + PAGE, MOST)
        await self._read()

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, None) as u:
            found = await search_people(u, self.text, kind=self.kind, limit=self._shown + 1)
        self.rows = [_found(person, zone) for person in found[: self._shown]]
        self.more, self.full = len(found) > self._shown, self._shown >= MOST
        self.loading = False


class Person(rx.State):
    loading: bool = True
    name: str = ""
    kind: str = ""
    initials: str = ""
    facts: list[Fact] = []
    consents: list[Consent] = []
    enrolments: list[Enrolled] = []
    stopped: bool = False
    stops: list[str] = []
    asking: bool = False

    _id: str = ""

    @rx.event
    @opens
    async def load(self) -> Any:
        self.loading, self.asking = True, False
        self._id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        await self._read(again=False)
        return Person.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Consents and journeys stay fresh while they are looked at."""
        async for _ in pings(self, "/people"):
            async with self:
                await self._read(again=True)

    @rx.event
    def ask(self, open: bool) -> None:
        self.asking = open

    @rx.event
    async def decide(self, form: dict[str, str]) -> Any:
        """Stops marketing to this person, or allows it again, with the reason given."""
        note = form.get("reason", "").strip()
        if not note:
            return rx.toast.error("Say why, so that colleagues understand it later.")
        async with acting(self, "suppress") as u:
            act = suppression.resume_marketing if self.stopped else suppression.stop_marketing
            moved = await act(u, uuid_of(self._id), note=note)
        done = "Marketing is allowed again." if self.stopped else "Marketing to this person has stopped."
        self.asking = False
        stopped = not self.stopped
        await self._read(again=True)
        await changed(self, "people")
        said = f"{done} {words.plural(moved, 'journey')} affected." if moved else done
        return offered(said, Person.undo(self._id, stopped), good=True)

    @rx.event
    async def undo(self, contact_id: str, stopped: bool) -> Any:
        """Takes the last stop, or the last permission, back."""
        async with acting(self, "suppress") as u:
            act = suppression.resume_marketing if stopped else suppression.stop_marketing
            await act(u, uuid_of(contact_id), note="Undone")
        if contact_id == self._id:
            await self._read(again=True)
        await changed(self, "people")
        return rx.toast.info("Undone.")

    async def _read(self, *, again: bool) -> None:
        zone = (await self.get_state(Session)).zone
        contact = uuid_of(self._id)
        async with acting(self, None) as u:
            opened = await open_person(u, contact, again=again)
            enrolled = await enrolments_of(u, contact)
            stops = await suppression.live_suppressions(u, contact)
        person = opened.person
        self.name = person.name or "An erased person"
        self.initials = words.initials(self.name)
        self.kind = words.plain(person.kind)
        self.facts = _facts(person, zone)
        given = {c.channel: _consent(c, zone) for c in opened.consents if c.purpose == "marketing"}
        self.consents = [
            given.get(key) or Consent(name, "Not given", "neutral", "")
            for key, name in words.CHANNELS.items()
        ]
        self.enrolments = [_enrolled(item, zone) for item in enrolled]
        self.stopped = any(s.reason == "MANUAL_SUPPRESSION" for s in stops)
        self.stops = [_stop(s, zone) for s in stops]
        self.loading = False


def _found(person: PersonFound, zone: str) -> Found:
    reach = [person.email or "", person.phone or ""]
    return Found(
        id=str(person.contact_id),
        name=person.name or "No name",
        initials=words.initials(person.name),
        kind=words.plain(person.kind),
        reach=" · ".join(part for part in reach if part) or "No address on file",
        last_visit=words.day(person.last_visit, zone),
        next_visit=words.day(person.next_visit, zone),
        journeys=words.count(person.journeys) if person.journeys else "–",
        stopped=person.stopped or person.do_not_contact,
    )


def _facts(person: PersonFound, zone: str) -> list[Fact]:
    flags = [
        word
        for on, word in (
            (person.do_not_contact, "Do not contact"),
            (person.deceased, "Deceased"),
            (person.app_user, "Uses the patient app"),
            (person.whatsapp_verified, "WhatsApp checked"),
        )
        if on
    ]
    return [
        Fact("Email", person.email or "None on file"),
        Fact("Phone", person.phone or "None on file"),
        Fact("Known since", words.day(person.registered_at, zone)),
        Fact("Last visit", words.day(person.last_visit, zone)),
        Fact("Next visit", words.moment(person.next_visit, zone)),
        Fact("Came from", words.plain(person.source_system) or "The practice"),
        *([Fact("Notes", ", ".join(flags))] if flags else []),
    ]


def _consent(consent: ConsentFound, zone: str) -> Consent:
    given = consent.state == "granted"
    method = f" by {consent.method}" if consent.method else ""
    return Consent(
        words.CHANNELS.get(consent.channel, consent.channel),
        "Given" if given else "Withdrawn",
        "ok" if given else "danger",
        f"{words.day(consent.effective_at, zone)}{method}",
    )


def _enrolled(item: EnrolmentItem, zone: str) -> Enrolled:
    state, tone = ENROLMENTS.get(item.state, (item.state, "neutral"))
    return Enrolled(
        id=str(item.enrolment_id),
        campaign=item.campaign,
        href=f"/campaigns/{item.campaign_id}",
        state=state,
        tone=tone,
        step=item.step,
        next=f"Moves on {words.moment(item.next_at, zone)}" if item.next_at else "",
        why=item.why,
    )


def _stop(stop: LiveSuppression, zone: str) -> str:
    where = f" on {words.CHANNELS.get(stop.channel, stop.channel)}" if stop.channel else ""
    note = f" “{stop.note}”" if stop.note else ""
    return f"{stop.sentence}{where} Since {words.moment(stop.applied_at, zone)}.{note}"
