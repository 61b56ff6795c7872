"""One message template being written: its languages, its problems while typing, its versions (CNT-1, 3, 7)."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.builder.template_words import spelled
from services.builder.words import check_words
from services.campaigns import service as campaigns
from services.campaigns.contracts import CampaignFilter, TemplateUse
from services.content import service as content
from services.content.checks import checked_texts
from services.content.contracts import TemplateRow, TemplateVersion, Texts
from services.contracts.journey import Channel, ChannelContent, Variant
from services.contracts.languages import MOST, NAMES, name_of
from services.contracts.merge_fields import MERGE_FIELDS
from services.kit.errors import Invalid, NotFound, StaleWrite
from services.kit.uow import Unit
from state import words
from state.builder_canvas import one_of
from state.builder_forms import LanguageRow
from state.builder_step import inserted
from state.looks import Looks
from state.session import Session, acting, changed, permitted, uuid_of

NEW = "new"
PARTS = ("subject", "preheader", "body")
EMPTY = Texts(content=ChannelContent()).model_dump_json()
LABELS = {one.name: one.label for one in MERGE_FIELDS}


@dataclass(frozen=True)
class Wrong:
    """`stops`: it cannot be saved like this."""

    sentence: str
    stops: bool


@dataclass(frozen=True)
class VersionLine:
    version: int
    words: str
    by: str
    first_words: str
    now: bool


@dataclass(frozen=True)
class UseLine:
    name: str
    href: str
    where: str
    version: str
    state: str
    tone: str


class MessageTemplate(rx.State):
    ready: bool = False
    missing: bool = False
    id: str = ""
    name: str = ""
    channel: str = "email"
    scope: str = ""
    scope_words: str = ""
    scopes: list[list[str]] = []
    editable: bool = False
    active: bool = True
    version: int = 0
    dirty: bool = False
    conflict: bool = False
    language: str = ""
    languages: list[LanguageRow] = []
    subject: str = ""
    preheader: str = ""
    body: str = ""
    wrong: list[Wrong] = []
    stopping: int = 0
    uses_fields: list[str] = []
    versions: list[VersionLine] = []
    uses: list[UseLine] = []

    _texts: str = EMPTY
    _saved: str = ""

    @rx.event
    async def load(self) -> None:
        """The template of the address; `new` begins one."""
        self.reset()
        self.id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        async with acting(self, "read") as u:
            self.editable = u.actor.may("author")
            try:
                await self._open(u)
            except NotFound:
                self.missing = True
            self.ready = True

    async def _open(self, u: Unit) -> None:
        """What is stored, in place of what was being edited here."""
        if self.id == NEW:
            rows = await campaigns.page(u, CampaignFilter())
            self.scopes = [
                ["", "Every campaign"],
                *[[str(r.campaign_id), f"Only “{r.name}”"] for r in rows.rows],
            ]
        else:
            await self._adopt(u, await content.template(u, uuid_of(self.id)))
        self._saved, self.dirty, self.conflict = self._whole(), False, False
        await self._show(u)

    async def _adopt(self, u: Unit, row: TemplateRow) -> None:
        zone = (await self.get_state(Session)).zone
        self.name, self.channel, self.active, self.version = row.name, row.channel, row.active, row.version
        self._texts = Texts(content=row.content, translations=row.translations).model_dump_json()
        self.language = self.language if self.language in row.translations else ""
        self.scope_words = "For one campaign" if row.campaign_id else "For every campaign"
        kept = await content.template_versions(u, row.template_id)
        self.versions = [_version(one, row.version, zone) for one in kept]
        self.uses = [
            UseLine(
                one.name,
                f"/campaigns/{one.campaign_id}",
                ", ".join(one.steps),
                _runs_with(one, row.version),
                *words.STATES[one.state],
            )
            for one in await campaigns.template_uses(u, row.template_id)
        ]

    @property
    def texts(self) -> Texts:
        return Texts.model_validate_json(self._texts)

    def _whole(self) -> str:
        return "\n".join((self.name, self.channel, self.scope, self._texts))

    @rx.event
    async def rename(self, name: str) -> None:
        async with acting(self, "author") as u:
            self.name = name[:120]
            await self._show(u)

    @rx.event
    async def choose_channel(self, channel: str) -> None:
        async with acting(self, "author") as u:
            if self.id == NEW:
                self.channel = one_of(channel, ("email", "sms", "whatsapp", "in_app"))
            await self._show(u)

    @rx.event
    async def choose_scope(self, scope: str) -> None:
        async with acting(self, "author"):
            self.scope = scope if scope in {key for key, _ in self.scopes} else ""

    @rx.event
    async def show_language(self, language: str) -> None:
        async with acting(self, "read") as u:
            self.language = language if language in self.texts.translations else ""
            await self._show(u)

    @rx.event
    async def add_language(self, locale: str) -> None:
        async with acting(self, "author") as u:
            texts = self.texts
            if locale not in NAMES or len(texts.translations) >= MOST:
                raise Invalid(f"Choose a language of the list; {MOST} at most.")
            there = {**texts.translations, locale: texts.translations.get(locale, ChannelContent())}
            await self._write(u, texts.model_copy(update={"translations": there}), locale)

    @rx.event
    async def remove_language(self) -> None:
        async with acting(self, "author") as u:
            texts = self.texts
            there = {one: said for one, said in texts.translations.items() if one != self.language}
            await self._write(u, texts.model_copy(update={"translations": there}), "")

    @rx.event
    async def set_words(self, part: str, value: str) -> None:
        """Subject, preview line or body of the language shown."""
        part = one_of(part, PARTS)
        async with acting(self, "author") as u:
            texts = self.texts
            said = texts.translations[self.language] if self.language else texts.content
            new = ChannelContent.model_validate({**said.model_dump(), part: value})
            if self.language:
                update: dict[str, Any] = {"translations": {**texts.translations, self.language: new}}
            else:
                update = {"content": new}
            await self._write(u, texts.model_copy(update=update), self.language)

    @rx.event
    async def insert_field(self, tag: str, at: int) -> Any:
        await permitted(self, "author")
        return await self.set_words("body", inserted(self.body, tag, at))  # type: ignore[func-returns-value]

    async def _write(self, u: Unit, texts: Texts, language: str) -> None:
        self._texts, self.language = texts.model_dump_json(), language
        await self._show(u)

    async def _show(self, u: Unit) -> None:
        """Project the texts, their problems and their look onto the page."""
        texts, channel = self.texts, self._channel()
        said = texts.translations.get(self.language, texts.content) if self.language else texts.content
        self.subject, self.preheader, self.body = said.subject, said.preheader, said.body
        both = {"": texts.content, **texts.translations}
        self.languages = [
            LanguageRow(one, name_of(one) if one else "Everybody", bool(there.body.strip()))
            for one, there in both.items()
        ]
        self._judge(texts, channel)
        self.dirty = self._whole() != self._saved or self.id == NEW
        variant = Variant(
            content={channel: texts.content},
            translations={one: {channel: there} for one, there in texts.translations.items()},
        )
        looks = await self.get_state(Looks)
        looks.language = self.language if self.language else looks.language
        await looks.take(u, channel, variant)

    def _judge(self, texts: Texts, channel: Channel) -> None:
        """What stops it from being saved, and what a campaign would stop at later."""
        self.uses_fields, found = [], []
        try:
            required, optional = checked_texts(channel, texts)
            self.uses_fields = [LABELS[n] for n in required] + [
                f"{LABELS[n]} (not always there)" for n in optional
            ]
        except Invalid as error:
            found = [Wrong(_placed(problem), True) for problem in error.problems]
        for locale, said in {"": texts.content, **texts.translations}.items():
            where = f"this template in {name_of(locale)}" if locale else "this template"
            later = check_words(None, where, channel, said) if said.body.strip() else ()
            found += [Wrong(p.sentence, False) for p in later if p.code not in _SAID]
        self.wrong, self.stopping = found, sum(one.stops for one in found)

    def _channel(self) -> Channel:
        return self.channel  # type: ignore[return-value]

    @rx.event
    async def save(self) -> Any:
        """Keep it as a new version. Somebody else's newer one is never overwritten unasked."""
        texts = self.texts
        try:
            async with acting(self, "author") as u:
                if self.id == NEW:
                    row = await content.create_template(
                        u, name=self.name, channel=self._channel(), content=texts.content, translations=texts.translations,
                        campaign_id=uuid_of(self.scope) if self.scope else None,
                    )  # fmt: skip
                else:
                    row = await content.update_template(
                        u, uuid_of(self.id), name=self.name, content=texts.content, translations=texts.translations,
                        expected=self.version,
                    )  # fmt: skip
                await self._adopt(u, row)
        except StaleWrite:
            self.conflict = True
            return None
        self._saved, self.dirty = self._whole(), False
        await changed(self, "templates")
        if self.id == NEW:
            return rx.redirect(f"/templates/messages/{row.template_id}", replace=True)
        return rx.toast.success(f"Saved as version {row.version}. Campaigns that run keep their words.")

    @rx.event
    async def settle(self, keep: str) -> Any:
        """After a conflict: `mine` goes over it as a newer version, `theirs` is loaded."""
        async with acting(self, "author") as u:
            if keep != "mine":
                await self._open(u)
                return None
            self.version, self.conflict = (await content.template(u, uuid_of(self.id))).version, False
        return await self.save()

    @rx.event
    async def restore(self, version: int) -> Any:
        async with acting(self, "author") as u:
            await content.restore_template(u, uuid_of(self.id), int(version))
            await self._open(u)
        await changed(self, "templates")
        return rx.toast.success(f"The words of version {int(version)} are back, as the newest version.")

    @rx.event
    async def use(self, active: bool) -> None:
        """Take it out of use, or back."""
        async with acting(self, "author") as u:
            await content.set_template_active(u, uuid_of(self.id), bool(active))
            self.active = bool(active)
        await changed(self, "templates")


_SAID = frozenset({"placeholder", "bad_template", "unknown_field", "no_subject", "no_content"})
"""Codes that the check of the registry says already."""


def _placed(problem: dict[str, Any]) -> str:
    """A problem's sentence with the place where it is."""
    where = {"subject": "In the subject: ", "preheader": "In the preview line: "}.get(problem["field"], "")
    line = f" It is on line {problem['line']}." if problem.get("line", 1) > 1 else ""
    return f"{where}{problem['sentence']}{line}"


def _runs_with(use: TemplateUse, newest: int) -> str:
    if use.version is None:
        return "Runs with its own words" if use.live else ""
    if use.version == newest:
        return f"Runs with version {use.version}, the newest"
    return (
        f"Runs with version {use.version}; version {newest} is newer. To take it, pause the campaign there and ask"
        " for approval."
    )


def _version(kept: TemplateVersion, newest: int, zone: str) -> VersionLine:
    by = kept.created_by_name or "An integration"
    text = " ".join(spelled(kept.content.body).split())
    back = f", brought back from version {kept.restored}" if kept.restored else ""
    return VersionLine(
        kept.version, f"Version {kept.version}{back}", f"{words.moment(kept.created_at, zone)} · {by}",
        text[:90] + ("…" if len(text) > 90 else ""), kept.version == newest,
    )  # fmt: skip
