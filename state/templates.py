"""The gallery: ready-made journeys as cards, a look inside, and starting a campaign from one or from nothing."""

from dataclasses import dataclass, field
from typing import Any, get_args

import reflex as rx

from services.builder.gallery import GalleryTemplate, template, templates
from services.builder.gallery_words import channels, flow, length
from services.campaigns import service as campaigns
from services.contracts.journey import Channel, Journey, Message
from services.contracts.step_names import step_name
from state import words
from state.builder_canvas import one_of
from state.looks import Looks
from state.session import acting, changed

INDENT = 18  # pixels a fork moves its ways to the right


@dataclass(frozen=True)
class FlowRow:
    id: str
    look: str
    title: str
    subtitle: str
    way: str
    indent: str


@dataclass(frozen=True)
class Card:
    key: str
    name: str
    goal: str
    description: str
    audience: str
    takes: str
    channels: str
    steps: list[FlowRow] = field(default_factory=list)


class Templates(rx.State):
    ready: bool = False
    making: str = ""
    cards: list[Card] = []
    open: str = ""
    name: str = ""
    description: str = ""
    messages: list[list[str]] = []
    message: str = ""
    channels: list[list[str]] = []
    channel: str = ""

    @rx.event
    async def load(self) -> None:
        async with acting(self, "author"):
            self.cards = [_card(one) for one in templates()]
        self.making, self.open, self.ready = "", "", True

    @rx.event
    async def look(self, key: str) -> None:
        """Open the messages of a journey; "" closes them."""
        async with acting(self, "read"):
            self.open = ""
            if not key:
                return
            chosen = template(key)
            said = [step for step in chosen.journey.steps if isinstance(step, Message)]
            self.open, self.name, self.description = chosen.key, chosen.name, chosen.description
            self.messages = [[step.id, step_name(step)] for step in said]
        if said:
            await self._show(said[0].id, "")

    @rx.event
    async def show(self, message: str, channel: str) -> None:
        """One message of the open journey on one channel; "" for its first."""
        await self._show(message, channel)

    async def _show(self, message: str, channel: str) -> None:
        journey = template(self.open).journey
        steps = {step.id: step for step in journey.steps if isinstance(step, Message)}
        step = steps[one_of(message, tuple(steps))]
        ways = [way for way in step.channels if way in step.variants[0].content]
        shown: Any = one_of(channel, get_args(Channel)) if channel else ways[0]
        self.message, self.channel = step.id, shown
        self.channels = [[way, words.CHANNELS[way]] for way in ways]
        looks = await self.get_state(Looks)
        async with acting(self, "read") as u:
            await looks.take(u, shown, step.variants[0], journey.audience)

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
    lines = [
        FlowRow(line.step_id, line.look, line.title, line.subtitle, line.way, f"{line.depth * INDENT}px")
        for line in flow(found.journey)
    ]
    ways = ", ".join(words.CHANNELS[channel] for channel in channels(found.journey))
    return Card(
        found.key, found.name, found.goal, found.description, found.audience_sentence,
        length(found.journey).capitalize(), ways, lines,
    )  # fmt: skip
