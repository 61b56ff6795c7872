"""The gallery: ready-made journeys as cards, and starting a campaign from one or from nothing."""

from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from services.builder import step_words
from services.builder.gallery import GalleryTemplate, template, templates
from services.campaigns import service as campaigns
from services.contracts.journey import Entry, Exit, Journey
from state import words
from state.session import acting, changed

SHOWN = 6  # steps on a card


@dataclass(frozen=True)
class StepLine:
    title: str
    subtitle: str


@dataclass(frozen=True)
class Card:
    key: str
    name: str
    goal: str
    audience: str
    steps: list[StepLine] = field(default_factory=list)
    more_words: str = ""


class Templates(rx.State):
    ready: bool = False
    making: str = ""
    cards: list[Card] = []

    @rx.event
    async def load(self) -> None:
        async with acting(self, "author"):
            self.cards = [_card(one) for one in templates()]
        self.making, self.ready = "", True

    @rx.event
    async def use(self, key: str) -> Any:
        """A new draft from a template, opened in the builder."""
        chosen = template(key)
        async with acting(self, "author") as u:
            row = await campaigns.create(u, name=chosen.name, journey=chosen.journey, template_key=chosen.key)
        await changed(self, "campaigns")
        return rx.redirect(f"/campaigns/{row.campaign_id}")

    @rx.event
    async def start_empty(self) -> Any:
        """A new draft with nothing in it, opened in the builder."""
        async with acting(self, "author") as u:
            row = await campaigns.create(u, name="New campaign", journey=Journey())
        await changed(self, "campaigns")
        return rx.redirect(f"/campaigns/{row.campaign_id}")


def _card(found: GalleryTemplate) -> Card:
    steps = [s for s in found.journey.steps if not isinstance(s, Entry | Exit)]
    more = len(steps) - SHOWN
    lines = [StepLine(step_words.title(s), step_words.subtitle(s)) for s in steps[:SHOWN]]
    more_words = f"and {words.plural(more, 'more step')}" if more > 0 else ""
    return Card(found.key, found.name, found.goal, found.audience_sentence, lines, more_words)
