"""The integrations page: what comes in from each module, what could not be understood, replay."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import reflex as rx

from services.bootstrap import app
from services.intake import status
from services.intake.dead_letters import DeadLetter, dead_letters, replay_for, set_aside
from services.intake.notice_board import standing
from services.intake.status import SourceStatus
from state import words
from state.session import Session, acting, changed, permitted, pings
from state.undo import UNDO_SECONDS, offered

SELDOM = timedelta(seconds=2)


@dataclass(frozen=True)
class Source:
    source: str
    owner: str
    hour: str
    day: str
    last: str
    lag: str
    waiting: str
    tone: str
    curve: str
    curve_says: str


@dataclass(frozen=True)
class Letter:
    id: str
    at: str
    source: str
    type: str
    reason: str
    keeps_back: bool


@dataclass(frozen=True)
class Unknown:
    type: str
    times: str
    last: str


class Integrations(rx.State):
    loading: bool = True
    sources: list[Source] = []
    letters: list[Letter] = []
    unknown: list[Unknown] = []
    hour: str = "0"
    day: str = "0"
    working: str = ""
    _leaving: frozenset[str] = frozenset()
    """Letters that are set aside in a moment, if nobody undoes."""

    @rx.event
    async def load(self) -> Any:
        await self._read()
        return Integrations.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Keeps the page fresh, at most once a silence or a change of people."""
        read = app().clock.now()
        async for topic in pings(self, "/integrations"):
            # A thousand events a second are no reason to count a thousand times.
            busy = topic == "people" and app().clock.now() - read < SELDOM
            if topic in ("tick", "people", "events") and not busy:
                read = app().clock.now()
                async with self:
                    await self._read()

    @rx.event
    async def replay(self, letter_id: str) -> Any:
        """Put one dead letter back, or all that are shown with `all`."""
        actor = await permitted(self, "administer")
        wanted = [x.id for x in self.letters] if letter_id == "all" else [letter_id]
        self.working = letter_id
        yield
        try:
            count = await replay_for(app().uow, app().bus, actor, wanted)
        finally:
            self.working = ""
        await changed(self, "events")
        await self._read()
        yield rx.toast.success(f"{words.plural(count, 'event')} put back on the stream.")

    @rx.event(background=True)
    async def set_aside(self, letter_id: str) -> Any:
        """Takes the letter out of the list, and gives it up for good when nobody undoes."""
        async with self:
            await permitted(self, "administer")
            self._leaving = self._leaving | {letter_id}
            await self._read()
        yield offered(
            "Set aside. Whoever it was about is written to again in a moment.", Integrations.undo(letter_id)
        )
        await asyncio.sleep(UNDO_SECONDS)
        async with self:
            if letter_id not in self._leaving:
                return
            actor = await permitted(self, "administer")
            await set_aside(app().uow, app().bus, actor, [letter_id])
            self._leaving = self._leaving - {letter_id}
            await changed(self, "events")
            await self._read()

    @rx.event
    async def undo(self, letter_id: str) -> Any:
        await permitted(self, "administer")
        if letter_id not in self._leaving:
            return rx.toast.warning("That was too late: it is done already.")
        self._leaving = self._leaving - {letter_id}
        await self._read()
        return rx.toast.info("Undone. The event is kept.")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await status.sources(u, app().bus)
            odd = await status.unknown_types(u)
            letters = await dead_letters(app().bus, practice_id=u.practice_id)
            back = await standing(u, [x.key for x in letters])
            now = u.now
        self.sources = [
            Source(
                s.source, s.owner, words.count(s.hour), words.count(s.day), words.ago(s.last_at, now)
                if s.last_at else "none in a day", _lag(s), words.count(s.waiting), _tone(s),
                _curve(s.minutes), f"Last hour, at most {words.count(max(s.minutes, default=0))} a minute",
            )
            for s in found
        ]  # fmt: skip
        self.letters = [_letter(x, zone, x.key in back) for x in letters if x.letter_id not in self._leaving]
        self.unknown = [
            Unknown(x.type, words.plural(x.times, "time"), words.ago(x.last_at, now)) for x in odd
        ]
        self.hour, self.day = words.count(sum(s.hour for s in found)), words.count(sum(s.day for s in found))
        self.loading = False


def _lag(s: SourceStatus) -> str:
    if s.lag_seconds is None:
        return "–"
    return f"{words.duration(s.lag_seconds)}, at worst {words.duration(s.worst_seconds or 0)}"


def _curve(minutes: tuple[int, ...]) -> str:
    """An SVG path over 100 × 24: events a minute, the newest on the right."""
    top = max(minutes, default=0) or 1
    step = 100 / max(len(minutes) - 1, 1)
    points = [f"{n * step:.1f} {23 - 21 * value / top:.1f}" for n, value in enumerate(minutes)]
    return "M" + " L".join(points) if points else ""


def _tone(s: SourceStatus) -> str:
    if s.waiting is not None and s.waiting > 1_000:
        return "warn"
    return "ok" if s.day else "neutral"


def _letter(x: DeadLetter, zone: str, keeps_back: bool) -> Letter:
    return Letter(x.letter_id, words.moment(x.at, zone), x.source, x.type, x.reason, keeps_back)
