"""One person's timeline: narrowed by kind and campaign, page by page, each item with its facts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import reflex as rx

from services.audience.people import open_person
from services.engine.timeline import GROUPS, Group, TimelineItem, campaigns_of, timeline
from state import words
from state.session import Session, acting, opens, pings, uuid_of

LOOKS: dict[str, tuple[str, words.Tone]] = {
    "entered": ("log-in", "accent"),
    "moved": ("corner-down-right", "neutral"),
    "requested": ("send", "info"),
    "message": ("mail-check", "ok"),
    "refused": ("ban", "danger"),
    "held": ("pause", "warn"),
    "released": ("play", "ok"),
    "ended": ("flag", "neutral"),
    "suppressed": ("hand", "danger"),
    "lifted": ("check", "ok"),
    "event": ("zap", "info"),
    "planned": ("calendar-plus", "info"),
    "unplanned": ("calendar-x", "neutral"),
}
FILTERS: list[tuple[str, str]] = [
    ("", "Everything"), ("messages", "Messages"), ("refusals", "Not sent"), ("journeys", "Journeys"),
    ("stops", "Stops"), ("events", "What happened"),
]  # fmt: skip
PAGE, MOST = 50, 1_000


@dataclass(frozen=True)
class Said:
    name: str
    value: str


@dataclass(frozen=True)
class Moment:
    id: str
    at: str
    ago: str
    icon: str
    tone: str
    sentence: str
    campaign: str
    href: str
    step: str
    kind: str
    facts: list[Said]
    details: list[Said]


class Story(rx.State):
    moments: list[Moment] = []
    group: str = ""
    campaign: str = ""
    campaigns: list[list[str]] = []
    more: bool = False
    loading: bool = True

    _id: str = ""
    _shown: int = PAGE

    @rx.event
    @opens
    async def load(self) -> Any:
        self._id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        self.group, self.campaign, self._shown, self.loading = "", "", PAGE, True
        await self._read()
        return Story.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """The timeline grows by itself while it is looked at."""
        async for topic in pings(self, "/people"):
            if topic in ("tick", "people", "metrics", "campaigns"):
                async with self:
                    await self._read()

    @rx.event
    async def narrow(self, group: str) -> None:
        self.group = group if group in GROUPS else ""
        self._shown = PAGE
        await self._read()

    @rx.event
    async def of_campaign(self, campaign: str) -> None:
        self.campaign = campaign
        self._shown = PAGE
        await self._read()

    @rx.event
    async def older(self) -> None:
        self._shown = min(self._shown + PAGE, MOST)
        await self._read()

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        contact = uuid_of(self._id)
        groups: list[Group] = [name for name in GROUPS if name == self.group]
        async with acting(self, None) as u:
            await open_person(u, contact, again=True)
            page = await timeline(
                u, contact, groups=groups, limit=self._shown,
                campaign_id=uuid_of(self.campaign) if self.campaign else None,
            )  # fmt: skip
            names = await campaigns_of(u, contact)
            now, auditor = u.now, u.actor.may("compliance")
        self.moments = [_moment(item, zone, now, auditor) for item in page.items]
        self.more = page.older is not None and self._shown < MOST
        self.campaigns = [["", "All campaigns"], *([str(key), name] for key, name in names)]
        self.loading = False


def _moment(item: TimelineItem, zone: str, now: datetime, auditor: bool) -> Moment:
    icon, tone = LOOKS.get(item.kind, ("circle", "neutral"))
    return Moment(
        id=item.item_id,
        at=words.moment(item.at, zone),
        ago=words.ago(item.at, now),
        icon=icon,
        tone=tone,
        sentence=item.sentence,
        campaign=item.campaign,
        href=f"/campaigns/{item.campaign_id}" if item.campaign_id else "",
        step=item.step if item.step != item.campaign else "",
        kind=item.kind,
        facts=[Said(*fact) for fact in item.facts],
        details=[Said(*fact) for fact in item.details] if auditor else [],
    )
