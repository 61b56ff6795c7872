"""The forecast of one campaign: asked for, worked out beside the page, shown (BLD-9)."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import reflex as rx

from services.bootstrap import app
from services.campaigns import service as campaigns
from services.forecast import service as forecasts
from services.forecast.contracts import Difference, Forecast, Given, Rate, StepFlow
from services.gates.reasons import sentence
from state import words
from state.session import acting, opens, permitted, uuid_of

SPANS = ("14", "30", "60", "90", "180")
TOLD_EVERY = 0.3
"""Seconds between two words about how far it is: a short one says nothing."""
RATE_WORDS = {
    "goal": ("Reach the goal after a message", "of messages"),
    "opened": ("Open a message", "of messages"),
    "clicked": ("Click in a message", "of messages"),
    "replied": ("Answer a message", "of messages"),
    "other_event": ("Get the event that is waited for", "of those who wait"),
    "left": ("Unsubscribe or complain after a message", "of messages"),
    "a_day": ("People who start the journey", "a day"),
}


@dataclass(frozen=True)
class Assumed:
    name: str
    words: str
    unit: str
    value: str
    source: str


@dataclass(frozen=True)
class Part:
    """A piece of a step's bar; `width` is a share of everybody who came in, 0 to 100."""

    words: str
    people: str
    tone: str
    width: str


@dataclass(frozen=True)
class StepRow:
    id: str
    title: str
    kind: str
    people: str
    when: str
    parts: list[Part] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reason:
    sentence: str
    people: str


@dataclass(frozen=True)
class Differs:
    what: str
    one: str
    other: str
    change: str


class ForecastPage(rx.State):
    id: str = ""
    campaign: str = ""
    days: str = "90"
    against: str = ""
    versions: list[tuple[str, str]] = []
    working: bool = False
    ready: bool = False
    stopped: bool = False
    done: str = ""
    problem: str = ""
    took: str = ""
    range: str = ""
    figures: list[tuple[str, str, str]] = []
    per_day: list[dict[str, Any]] = []
    compared: bool = False
    steps: list[StepRow] = []
    refused: list[Reason] = []
    rates: list[Assumed] = []
    limits: list[str] = []
    differences: list[Differs] = []

    _given: dict[str, float] = {}
    _turn: int = 0

    @rx.var
    def choices(self) -> list[tuple[str, str]]:
        """What the draft may be put beside."""
        return [("none", "Nothing"), *self.versions]

    @rx.var
    def against_choice(self) -> str:
        return self.against or "none"

    @rx.event
    @opens
    async def load(self) -> Any:
        """The page's own start: the campaign of the address."""
        self.reset()
        self.id = str(uuid_of(self.router.url.path.rstrip("/").split("/")[-2]))
        async with acting(self, "read") as u:
            detail = await campaigns.get(u, UUID(self.id))
            known = await campaigns.versions(u, UUID(self.id))
        self.campaign = detail.row.name
        self.versions = [(str(row.version_id), f"Version {row.number}") for row in known[:20]]
        return self._again()

    @rx.event
    async def choose_days(self, days: str) -> Any:
        await permitted(self, "read")
        self.days = days if days in SPANS else "90"
        return self._again()

    @rx.event
    async def choose_version(self, version: str) -> Any:
        """Put the draft beside a version; anything else shows the draft alone."""
        await permitted(self, "read")
        self.against = version if any(version == key for key, _ in self.versions) else ""
        return self._again()

    @rx.event
    async def assume(self, form: dict[str, Any]) -> Any:
        """Take the shares somebody typed; an empty field goes back to what is known."""
        await permitted(self, "read")
        given = {}
        for name in RATE_WORDS:
            text = str(form.get(name) or "").strip().replace(",", ".")
            shown = next((rate.value for rate in self.rates if rate.name == name), "")
            if text and (text != shown or name in self._given):
                given[name] = float(text) if text.replace(".", "", 1).isdigit() else -1.0
        self._given = given
        return self._again()

    @rx.event
    async def as_known(self) -> Any:
        await permitted(self, "read")
        self._given = {}
        return self._again()

    @rx.event
    async def stop(self) -> Any:
        """Give up what is being worked out, in the database, too; what is shown stays."""
        await permitted(self, "read")
        self._turn += 1
        self.working, self.stopped = False, True
        return ForecastPage.work_out(0)

    @rx.event
    async def once_more(self) -> Any:
        await permitted(self, "read")
        return self._again()

    def _again(self) -> Any:
        self._turn += 1
        self.working, self.stopped, self.problem, self.done = True, False, "", ""
        return ForecastPage.work_out(self._turn)

    @rx.event(background=True, supersedes=True)
    async def work_out(self, turn: int) -> None:
        """Work it out while the page stays usable. A newer one ends it; the one numbered 0 does nothing else."""
        if not turn:
            return
        now = asyncio.get_running_loop().time
        told = now()

        async def tell(share: float) -> None:
            nonlocal told
            if now() - told > TOLD_EVERY:
                told = now()
                async with self:
                    self.done = f"{share:.0%}"

        async with self:
            actor = await permitted(self, "read")
            campaign, against, days = UUID(self.id), self.against, int(self.days)
            limits = {name: (100_000 if name == "a_day" else 100) for name in self._given}
            wrong = [name for name, value in self._given.items() if not 0 <= value <= limits[name]]
            if wrong:
                self.working = False
                self.problem = (
                    f"“{RATE_WORDS[wrong[0]][0]}” needs a number that makes sense. Shares go from 0 to 100."
                )
                return
            given = Given(**self._given)
        async with app().uow(actor) as u:
            if against:
                both = await forecasts.compare(u, campaign, UUID(against), days=days, given=given, tell=tell)
                found, other, differ = both.other, both.one, both.differences
            else:
                found = await forecasts.forecast_campaign(u, campaign, days=days, given=given, tell=tell)
                other, differ = None, []
        async with self:
            if turn == self._turn:
                self._show(found, other, differ)

    def _show(self, found: Forecast, other: Forecast | None, differ: list[Difference]) -> None:
        self.working, self.ready, self.compared = False, True, other is not None
        self.range = f"{found.first_day:%a} {found.first_day.day} {found.first_day:%B} to {found.last_day:%a} {found.last_day.day} {found.last_day:%B %Y}"
        self.figures = _figures(found)
        self.per_day = _per_day(found, other)
        self.steps = [_step(step, max(found.entered + found.on_the_way, 1)) for step in found.steps]
        everything = found.refused + found.refused_entry
        self.refused = [Reason(sentence(code), words.count(n)) for code, n in everything.most_common()]
        self.rates = [_rate(rate) for rate in found.rates]
        self.limits = found.limits
        self.differences = [_differs(one) for one in differ]


def _figures(found: Forecast) -> list[tuple[str, str, str]]:
    busiest = found.busiest
    top = (
        f"{words.count(busiest.goes_out)} on {busiest.day:%a} {busiest.day.day} {busiest.day:%b}"
        if busiest
        else ""
    )
    way = f" and {words.count(found.on_the_way)} on their way already" if found.on_the_way else ""
    return [
        ("Come in", words.count(found.entered), f"of {words.count(found.audience)} who may{way}"),
        (
            "Messages go out",
            words.count(found.requested),
            f"most of them {top}" if found.requested else "none",
        ),
        ("Held back", words.count(found.refused.total()), "messages, each with its reason below"),
        ("Reach the goal", words.count(found.goals), f"{words.count(found.left)} drop out by themselves"),
    ]


def _per_day(found: Forecast, other: Forecast | None) -> list[dict[str, Any]]:
    before = {day.day: day for day in other.days} if other else {}
    return [
        {
            "day": f"{day.day.day} {day.day:%b}",
            "Go out": day.goes_out,
            "Held back": day.refused,
            "Version": before[day.day].goes_out if day.day in before else 0,
        }
        for day in found.days
    ]


def _step(step: StepFlow, whole: int) -> StepRow:
    pieces = (
        ("go out", step.sent, "accent"),
        ("held back", step.refused.total(), "warn"),
        (
            "come to the end" if step.kind in ("exit", "goal") else "go on",
            sum(step.ways.values()) if step.kind != "message" else 0,
            "accent",
        ),
        ("reach the goal first", step.left["goal"], "ok"),
        ("drop out first", step.left["left"], "danger"),
        ("still here at the end", step.waiting, "neutral"),
    )
    parts = [
        Part(said, words.count(people), tone, f"{min(people / whole * 100, 100):.2f}%")
        for said, people, tone in pieces
        if people
    ]
    when = ""
    if step.first and step.last:
        when = f"{step.first.day} {step.first:%b}"
        when += f" to {step.last.day} {step.last:%b}" if step.last != step.first else ""
    reasons = [f"{words.count(n)}: {sentence(code)}" for code, n in step.refused.most_common(4)]
    return StepRow(step.step_id, step.title, step.kind, words.count(step.arrived), when, parts, reasons)


def _rate(rate: Rate) -> Assumed:
    said, unit = RATE_WORDS[rate.name]
    value = f"{rate.share:g}" if rate.name == "a_day" else f"{rate.share * 100:.2f}".rstrip("0").rstrip(".")
    basis = "days" if rate.name == "a_day" else "messages"
    source = {
        "given": "Entered by you for this forecast.",
        "history": f"From this practice’s own {words.count(rate.seen)} {basis}.",
        "assumed": f"Assumed: {words.count(rate.seen)} {basis} on record, too few to tell.",
    }[rate.source]
    return Assumed(rate.name, said, unit, value, source)


def _differs(one: Difference) -> Differs:
    change = one.other - one.one
    return Differs(
        one.what, words.count(one.one), words.count(one.other),
        "the same" if not change else f"{'+' if change > 0 else '−'}{words.count(abs(change))}",
    )  # fmt: skip
