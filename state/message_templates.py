"""The registry of message templates: what there is, for which channel, and how much it is used (CNT-1)."""

from dataclasses import dataclass

import reflex as rx

from services.builder.template_words import spelled
from services.content import service as content
from services.content.contracts import TemplateRow
from services.contracts.languages import name_of
from state import words
from state.builder_canvas import one_of
from state.session import Session, acting, pings

CHANNELS = ("", "email", "sms", "whatsapp", "in_app")


@dataclass(frozen=True)
class TemplateCard:
    id: str
    name: str
    channel: str
    scope: str
    first_words: str
    languages: str
    used: str
    changed: str
    active: bool


class MessageTemplates(rx.State):
    loading: bool = True
    channel: str = ""
    cards: list[TemplateCard] = []
    may_write: bool = False

    @rx.event
    async def load(self) -> rx.event.EventCallback | None:
        await self._read()
        return MessageTemplates.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """A template that somebody else saves appears by itself."""
        async for topic in pings(self, "/templates"):
            if topic in ("templates", "campaigns"):
                async with self:
                    await self._read()

    @rx.event
    async def choose_channel(self, channel: str) -> None:
        self.channel = one_of(channel, CHANNELS)
        await self._read()

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            rows = await content.templates(u, channel=self.channel or None, everywhere=True)  # type: ignore[arg-type]
            self.may_write = u.actor.may("author")
        self.cards = [_card(row, zone) for row in rows]
        self.loading = False


def _card(row: TemplateRow, zone: str) -> TemplateCard:
    text = " ".join(spelled(row.content.subject or row.content.body).split())
    others = ", ".join(sorted(name_of(locale) for locale in row.translations))
    return TemplateCard(
        id=str(row.template_id),
        name=row.name,
        channel=words.CHANNELS[row.channel],
        scope="One campaign" if row.campaign_id else "Every campaign",
        first_words=text[:110] + ("…" if len(text) > 110 else ""),
        languages=f"Also in {others}" if others else "",
        used=f"In {words.plural(row.times_used, 'version')} of campaigns"
        if row.times_used
        else "Not used yet",
        changed=f"Version {row.version}, {words.day(row.updated_at, zone)}",
        active=row.active,
    )
