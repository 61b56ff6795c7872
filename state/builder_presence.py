"""Who else is in this campaign's builder now, and at which step (BLD-5)."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.bootstrap import app
from services.builder import step_words
from services.kit import live, presence
from services.kit.actor import Actor
from services.kit.presence import Here
from state import words
from state.builder import Builder
from state.session import changed, permitted, pings


@dataclass(frozen=True)
class Other:
    """Somebody else in this campaign, once however many tabs they have."""

    id: str
    initials: str
    name: str
    step: str
    at: str


class Presence(rx.State):
    others: list[Other] = []

    @rx.event
    async def load(self) -> Any:
        self.others = []
        return Presence.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Tell the others that this tab is here, and who they are, while the page is open."""
        async with self:
            campaign = (await self.get_state(Builder)).id
            actor = await permitted(self, "read")
            tab = self.router.session.client_token
            await self._speak(actor, campaign)
        try:
            await live.notify(app().bus, actor.practice_id, "here")
            async for topic in pings(self, f"/campaigns/{campaign}"):
                async with self:
                    if not self.router.url.path.rstrip("/").endswith(campaign):
                        return
                    if topic in ("tick", "here"):
                        await self._speak(actor, campaign)
        finally:
            await presence.leave(app().bus, actor.practice_id, _place(campaign), tab)
            await live.notify(app().bus, actor.practice_id, "here")

    @rx.event
    async def moved(self) -> None:
        """Another step was opened here: the others see it at once."""
        actor = await permitted(self, "read")
        await self._speak(actor, (await self.get_state(Builder)).id)
        await changed(self, "here")

    async def _speak(self, actor: Actor, campaign: str) -> None:
        builder = await self.get_state(Builder)
        tab, now = self.router.session.client_token, app().clock.now()
        here = Here(tab, str(actor.person_id), actor.display_name, builder.selected)
        await presence.arrive(app().bus, actor.practice_id, _place(campaign), here, now)
        found = await presence.who(app().bus, actor.practice_id, _place(campaign), now)
        titles = {step.id: step_words.title(step) for step in builder.journey.steps}
        others = {one.person_id: one for one in found if one.person_id != str(actor.person_id)}
        seen = [_other(one, titles) for one in others.values()]
        if seen != self.others:
            self.others = seen


def _other(one: Here, titles: dict[str, str]) -> Other:
    at = f"at ‘{titles[one.at]}’" if one.at in titles else "looking at the journey"
    return Other(one.person_id, words.initials(one.name), one.name, one.at if one.at in titles else "", at)


def _place(campaign: str) -> str:
    return f"builder:{campaign}"
