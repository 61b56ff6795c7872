"""“Why not now?”: every rule's answer about one person, for one campaign or all that run."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.audience.people import open_person
from services.engine.why_not import WhyNot, why_not_now
from services.gates.every import Answer
from state import words
from state.session import acting, uuid_of


@dataclass(frozen=True)
class Rule:
    label: str
    channel: str
    verdict: str
    tone: str
    why: str
    facts: str


@dataclass(frozen=True)
class Asked:
    id: str
    campaign: str
    message: str
    verdict: str
    tone: str
    place: str
    notes: list[str]
    refused: list[Rule]
    passing: list[Rule]
    passed: str


class Why(rx.State):
    asked: bool = False
    working: bool = False
    campaign: str = ""
    step: str = ""
    campaigns: list[list[str]] = []
    steps: list[list[str]] = []
    rows: list[Asked] = []

    _id: str = ""

    @rx.event
    def load(self) -> None:
        self.reset()
        self._id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]

    @rx.event
    async def ask(self) -> Any:
        self.working = True
        yield
        try:
            await self._read()
        finally:
            self.working = False
        self.asked = True

    @rx.event
    async def of_campaign(self, campaign: str) -> None:
        self.campaign, self.step = campaign, ""
        await self._read()

    @rx.event
    async def of_step(self, step: str) -> None:
        self.step = step
        await self._read()

    async def _read(self) -> None:
        contact = uuid_of(self._id)
        chosen = uuid_of(self.campaign) if self.campaign else None
        async with acting(self, None) as u:
            await open_person(u, contact, again=True)
            found = await why_not_now(
                u, contact, campaign_id=chosen, step_id=self.step or None if chosen else None
            )
        if chosen is None:
            names = [[str(w.campaign_id), w.campaign] for w in found]
            self.campaigns = [["", "All that run"], *names]
            self.steps = []
        elif found:
            self.step = found[0].step_id
            self.steps = [list(step) for step in found[0].steps]
        self.rows = [_asked(w) for w in found]


def _asked(w: WhyNot) -> Asked:
    against = len(w.refusals) + len(w.beside)
    ways = ", else ".join(words.CHANNELS.get(c, c) for c in w.channels)
    return Asked(
        id=str(w.campaign_id),
        campaign=w.campaign,
        message=w.step,
        verdict=f"Would be sent by {ways}"
        if w.would_send
        else words.plural(against, "reason") + " against it",
        tone="ok" if w.would_send else "danger",
        place=w.place,
        notes=[*w.beside, *([w.quiet] if w.quiet else [])],
        refused=[_rule(a) for a in w.answers if a.refuses],
        passing=[_rule(a) for a in w.answers if not a.refuses],
        passed=f"{sum(not a.refuses for a in w.answers)} of {words.plural(len(w.answers), 'rule')} let it pass",
    )


def _rule(a: Answer) -> Rule:
    return Rule(
        label=a.label,
        channel=words.CHANNELS.get(a.channel, a.channel) if a.channel else "Every channel",
        verdict="Refuses" if a.refuses else "Passes",
        tone="danger" if a.refuses else "ok",
        why=a.sentence,
        facts=a.facts,
    )
