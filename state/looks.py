"""How a message looks: on a phone, a tablet, in an inbox; to an example person or a real one (CNT-4).

Other pages hand their words over with `take`; everything else is this state's own. A real person's
values are read once when they are chosen, which is audited, and kept on the server only.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import reflex as rx

from services.audience import service as audience
from services.audience.people import search_people
from services.bootstrap import app
from services.content import service as content
from services.content.links import Link, host_of
from services.content.preview import email_page
from services.content.previews import SAMPLE_LINK
from services.content.reaching import reach
from services.content.reading import read_over
from services.contracts.journey import Channel, Variant
from services.contracts.languages import name_of
from services.contracts.segment import Audience
from services.kit.uow import Unit
from state.builder_canvas import one_of
from state.session import acting, permitted, uuid_of

DEVICES = ("phone", "tablet", "inbox")
THEIR_OWN = "their"
NOBODY = Variant().model_dump_json()


@dataclass(frozen=True)
class NoteRow:
    tone: str
    about: str
    sentence: str


@dataclass(frozen=True)
class LinkRow:
    words: str
    url: str
    tone: str
    sentence: str


class Looks(rx.State):
    device: str = "phone"
    dark: bool = False
    channel: str = ""
    sender: str = ""
    subject: str = ""
    preheader: str = ""
    page: str = ""
    text: str = ""
    problem: str = ""
    language: str = THEIR_OWN
    languages: list[list[str]] = []
    reads: str = ""
    person: str = ""
    person_name: str = "An example patient"
    people: list[list[str]] = []
    searching: bool = False
    notes: list[NoteRow] = []
    links: list[LinkRow] = []
    asking: bool = False

    _variant: str = NOBODY
    _audience: str = ""
    _locale: str = ""
    _context: dict[str, Any] = {}
    _found: list[Link] = []

    async def take(self, u: Unit, channel: Channel, variant: Variant, who: Audience | None = None) -> None:
        """Show other words; the person and the device stay."""
        self.channel = channel
        self._variant = variant.model_dump_json()
        self._audience = who.model_dump_json() if who else ""
        locales = [locale for locale, there in variant.translations.items() if channel in there]
        self.languages = [
            [THEIR_OWN, "As they read"],
            ["", "Everybody's words"],
            *[[one, name_of(one)] for one in locales],
        ]
        if self.language not in {key for key, _ in self.languages}:
            self.language = THEIR_OWN
        if not self._context:
            self._context = await content.context_of(u, None)
        self._draw()

    def _draw(self) -> None:
        """Fill in and judge the words as this person gets them."""
        variant, channel = Variant.model_validate_json(self._variant), self.channel
        locale = self._locale if self.language == THEIR_OWN else self.language
        language, words = content.words_for(variant, channel, locale)  # type: ignore[arg-type]
        self.reads = name_of(language) if language else ""
        self.page = self.text = self.subject = self.preheader = self.problem = ""
        self.notes, self.links, self._found = [], [], []
        if words is None or not words.body.strip():
            self.problem = "Nothing is written here yet."
            return
        shown = content.preview(channel, words, self._context, language=language)  # type: ignore[arg-type]
        self.problem, self.subject, self.preheader = shown.problem, shown.subject, shown.preheader
        practice = self._context["practice"]
        self.sender = str(practice["name"])
        if channel == "email" and not shown.problem:
            self.page = email_page(shown.body, sender=self.sender, dark=self.dark, language=language)
        else:
            self.text = shown.body
        own = [
            host_of(str(practice.get("booking_url") or "")).removeprefix("www."),
            str(practice.get("email") or "").partition("@")[2],
        ]
        read = read_over(shown, own_hosts=own, each_persons=[SAMPLE_LINK])
        self._found = list(read.links)
        self.notes = [NoteRow(n.tone, n.about, n.sentence) for n in read.notes if n.about != "Link"]
        self.links = [
            LinkRow(one.words, one.url, _tone(one), one.sentence or "Looks right.") for one in read.links
        ]

    @rx.event
    async def choose_device(self, device: str) -> None:
        async with acting(self, "read"):
            self.device = one_of(device, DEVICES)

    @rx.event
    async def turn_dark(self, dark: bool) -> None:
        async with acting(self, "read"):
            self.dark = bool(dark)
            self._draw()

    @rx.event
    async def choose_language(self, language: str) -> None:
        async with acting(self, "read") as u:
            self.language = language if language in {key for key, _ in self.languages} else THEIR_OWN
            await self._read(u)

    @rx.event
    async def find(self, text: str) -> None:
        """People whose name fits. Needs what searching for people needs."""
        async with acting(self, None) as u:
            found = await search_people(u, text[:80], limit=8)
            self.people = [[str(one.contact_id), one.name] for one in found]
        self.searching = True

    @rx.event
    async def choose(self, person: str) -> None:
        """This person's own values; empty: an example's."""
        async with acting(self, "read") as u:
            if person:
                await search_people(
                    u, "", limit=1
                )  # whoever may not look people up sees no person's words either
            name = next((name for key, name in self.people if key == person), "This person")
            self.person, self.person_name = (
                person and str(uuid_of(person)),
                name if person else "An example patient",
            )
            await self._read(u)
        self.searching = False

    @rx.event
    async def another(self) -> None:
        """Somebody else whom this would go to: the next of a sample of the audience."""
        async with acting(self, None) as u:
            if self._audience:
                found = await audience.sample(u, Audience.model_validate_json(self._audience), 20)
                people = [[str(one.contact_id), one.name] for one in found]
            else:
                people = [
                    [str(one.contact_id), one.name]
                    for one in await search_people(u, "", kind="patient", limit=20)
                ]
            if not people:
                return
            await search_people(u, "", limit=1)
            keys = [key for key, _ in people]
            at = (keys.index(self.person) + 1) % len(keys) if self.person in keys else 0
            self.person, self.person_name = people[at]
            await self._read(u)

    async def _read(self, u: Unit) -> None:
        contact = UUID(self.person) if self.person else None
        self._locale = await content.locale_of(u, contact) if contact else ""
        language = self._locale if self.language == THEIR_OWN else self.language
        self._context = await content.context_of(u, contact, language=language)
        self._draw()

    @rx.event(background=True)
    async def ask_links(self) -> None:
        """Ask every link whether somebody answers there; only when a person presses the button."""
        async with self:
            await permitted(self, "author")
            self.asking, asked = True, [one.url for one in self._found if one.judged != "wrong"]
        answers = {one.url: one for one in await reach(asked, private=app().settings.webhooks_reach_private)}
        async with self:
            self.asking = False
            self.links = [
                LinkRow(
                    row.words, row.url, "ok" if answers[row.url].ok else "danger", answers[row.url].sentence
                )
                if row.url in answers
                else row
                for row in self.links
            ]


def _tone(link: Link) -> str:
    return {"ok": "neutral", "note": "warn", "wrong": "danger"}[link.judged]
