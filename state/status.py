"""The status page: what is alive, what waits, and what to do."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.bootstrap import app
from services.status.contracts import Light
from services.status.service import status
from state import words
from state.session import Session, permitted, pings

TONES: dict[Light, words.Tone] = {"green": "ok", "amber": "warn", "red": "danger", "off": "neutral"}
SAID: dict[Light, str] = {"green": "Well", "amber": "Look", "red": "Act", "off": "–"}
HEADLINES: dict[Light, str] = {
    "green": "Everything is well.",
    "amber": "Something wants a look.",
    "red": "Something needs you now.",
    "off": "Nothing to say yet.",
}


@dataclass(frozen=True)
class Line:
    key: str
    name: str
    light: str
    tone: str
    said: str
    advice: str


@dataclass(frozen=True)
class Part:
    name: str
    lines: list[Line]


class StatusPage(rx.State):
    loading: bool = True
    headline: str = ""
    tone: str = "neutral"
    version: str = ""
    at: str = ""
    parts: list[Part] = []

    @rx.event
    async def load(self) -> Any:
        await self._read()
        return StatusPage.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Looks again every few seconds while the page is open."""
        async for topic in pings(self, "/status"):
            if topic == "tick":
                async with self:
                    await self._read()

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        found = await status(app(), await permitted(self, "manage"))
        self.headline, self.tone = HEADLINES[found.light], TONES[found.light]
        self.version, self.at = found.version, words.moment(found.at, zone)
        self.parts = [
            Part(
                group.name,
                [Line(c.key, c.name, SAID[c.light], TONES[c.light], c.said, c.advice) for c in group.checks],
            )
            for group in found.groups
        ]
        self.loading = False
