"""Who stands at a step of a running journey, and when each moves on (BLD-8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import reflex as rx

from services.builder import step_words
from services.builder.step_words import event_words
from services.engine.standing import PersonAt, What, people_here
from services.kit.uow import Unit
from state import words
from state.builder import INTO_PANEL, Builder
from state.session import Session, acting


@dataclass(frozen=True)
class Here:
    id: str
    name: str
    when: str
    why: str
    version: str


@dataclass(frozen=True)
class Stop:
    """A step somebody stands at, with how many; `what` is `waiting` or `held`."""

    id: str
    title: str
    what: str
    people: str


class StepPeople(rx.State):
    stops: list[Stop] = []
    step_id: str = ""
    title: str = ""
    what: str = "waiting"
    rows: list[Here] = []
    more: bool = False

    _after: str | None = None

    @rx.event
    async def overview(self) -> Any:
        """Every step where somebody stands, as a list."""
        builder = await self.get_state(Builder)
        async with acting(self, "read"):
            self.step_id, self.rows = "", []
            self.stops = _stops(builder)
            builder.panel, builder.selected = "people", ""
        return INTO_PANEL

    @rx.event
    async def open(self, report: dict[str, Any]) -> None:
        """A count was chosen, on the canvas or in the list: the people behind it."""
        builder = await self.get_state(Builder)
        self.step_id = str(report.get("step", ""))[:40]
        self.what = "held" if report.get("key") == "held" else "waiting"
        step = next((s for s in builder.journey.steps if s.id == self.step_id), None)
        self.title = step_words.title(step) if step else self.step_id
        self.rows, self._after = [], None
        async with acting(self, "read") as u:
            await self._read(u, builder)
        builder.panel, builder.selected = "people", ""

    @rx.event
    async def show_more(self) -> None:
        builder = await self.get_state(Builder)
        async with acting(self, "read") as u:
            await self._read(u, builder)

    async def _read(self, u: Unit, builder: Builder) -> None:
        what: What = "held" if self.what == "held" else "waiting"
        found = await people_here(u, builder.key, self.step_id, what=what, after=self._after)
        zone = (await self.get_state(Session)).zone
        paused = builder.state != "active"
        self.rows = [*self.rows, *(_here(one, zone, u.now, paused) for one in found.people)]
        self._after, self.more = found.after, found.after is not None


def _here(one: PersonAt, zone: str, now: datetime, paused: bool) -> Here:
    return Here(
        str(one.contact_id),
        one.name or "Somebody whose record is gone",
        when(one, zone, now, paused=paused),
        one.held_why,
        f"Version {one.version_number}",
    )


def when(one: PersonAt, zone: str, now: datetime, *, paused: bool) -> str:
    """When somebody moves on, in the practice's time."""
    if one.held_why:
        return "Held; goes on when this is over"
    if paused:
        return "Waits until the campaign goes on"
    if one.came:
        return "Goes on now: what we waited for has happened"
    at = words.moment(one.moves_at, zone)
    if one.awaits:
        return f"When someone {event_words(one.awaits)}, at the latest {at}"
    if one.moves_at <= now:
        return "Goes on in the next moments"
    return f"{'Written to' if one.sends else 'Goes on'} {at}"


def _stops(builder: Builder) -> list[Stop]:
    counts = builder.counts or {}
    return [
        Stop(step.id, step_words.title(step), count["key"], words.count(count["value"]))
        for step in builder.journey.steps
        for count in counts.get(step.id, [])
        if count["key"] in ("waiting", "held") and count["value"]
    ]
