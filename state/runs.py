"""The runs of campaigns: which began when and by whom, how they went, and of one run, why."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import reflex as rx

from services.campaigns import service as campaigns
from services.engine.runs import (
    BEGAN,
    ENDED,
    RunDetail,
    RunFilter,
    RunRow,
    detail,
    page,
)
from services.kit.errors import Invalid
from state import words
from state.run_words import Reason, began_words, failed_reasons, outcome_words, refused_reasons, silence_words
from state.session import Session, acting, opens, pings, uuid_of

PAGE_SIZE = 40
SHOWN: list[tuple[str, str]] = [
    ("", "All"), ("running", "Going on"), ("delivered", "Delivered"), ("partial", "Partly delivered"), ("failed", "Failed"),
    ("empty", "Nobody to write to"), ("stopped", "Stopped"), ("completed", "Completed"),
]  # fmt: skip
STARTERS: list[tuple[str, str]] = [
    ("", "Anyone or anything"), ("person", "A person"), ("schedule", "A schedule or planned time"),
    ("event", "Events"), ("one_by_one", "Staff, one person at a time"), ("api", "Another system"),
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    id: str
    campaign: str
    run: str
    began: str
    at: str
    ended: str
    outcome: str
    tone: str
    audience: str
    entered: str
    refused: str
    messages: str
    delivered: str
    failed: str
    trouble: bool


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True)
class Shown:
    """One run, for its page."""

    row: Row = Row("", "", "", "", "", "", "", "neutral", "", "", "", "", "", "", False)
    campaign_href: str = ""
    audience_hint: str = ""
    delivered_hint: str = ""
    facts: list[Fact] = field(default_factory=list)
    refused: list[Reason] = field(default_factory=list)
    failed: list[Reason] = field(default_factory=list)
    left: list[Reason] = field(default_factory=list)
    hub: str = ""
    hub_tone: str = "info"


class Runs(rx.State):
    loading: bool = True
    rows: list[Row] = []
    more: bool = False
    outcome: str = ""
    began: str = ""
    since: str = ""
    until: str = ""
    campaign: str = ""
    campaign_name: str = ""
    date_problem: str = ""

    _next: tuple[datetime, UUID] | None = None

    @rx.event
    @opens
    async def load(self) -> Any:
        asked = self.router.url.query_parameters.get("campaign", "")
        self.campaign = str(uuid_of(asked)) if asked else ""
        await self._read()
        return Runs.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Keeps the first page fresh."""
        async for topic in pings(self, "/runs"):
            if topic in ("tick", "campaigns", "people", "metrics"):
                async with self:
                    if len(self.rows) <= PAGE_SIZE:
                        await self._read()

    @rx.event
    async def choose(self, what: str, value: str) -> None:
        """One of the filters: outcome, began, since, until."""
        if what in ("outcome", "began", "since", "until"):
            setattr(self, what, value[:20])
            await self._read()

    @rx.event
    async def clear(self) -> Any:
        self.outcome = self.began = self.since = self.until = ""
        had, self.campaign = self.campaign, ""
        if had:
            return rx.redirect("/runs")
        await self._read()
        return None

    @rx.event
    async def show_more(self) -> None:
        await self._read(before=self._next)

    async def _read(self, before: tuple[datetime, UUID] | None = None) -> None:
        zone = (await self.get_state(Session)).zone
        wanted = RunFilter(
            campaign_id=uuid_of(self.campaign) if self.campaign else None,
            outcome=next((one for one in ENDED if one == self.outcome), None),
            began=next((one for one in BEGAN if one == self.began), None),
            since=midnight(self.since, zone, 0),
            until=midnight(self.until, zone, 1),
            before=before,
            most=PAGE_SIZE + 1,
        )
        backwards = wanted.since and wanted.until and wanted.since >= wanted.until
        self.date_problem = "The first day is after the last one." if backwards else ""
        async with acting(self, "read") as u:
            found = await page(u, wanted)
            if wanted.campaign_id:
                self.campaign_name = (await campaigns.get(u, wanted.campaign_id)).row.name
        fresh = [row_of(run, zone) for run in found[:PAGE_SIZE]]
        self.rows = [*self.rows, *fresh] if before else fresh
        self.more = len(found) > PAGE_SIZE
        self._next = (found[PAGE_SIZE - 1].started_at, found[PAGE_SIZE - 1].run_id) if self.more else None
        self.loading = False


class Run(rx.State):
    loading: bool = True
    shown: Shown = Shown()

    @rx.event
    @opens
    async def load(self) -> Any:
        self.loading, self.shown = True, Shown()
        await self._read()
        return Run.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Keeps the numbers fresh while the run goes on."""
        async for topic in pings(self, "/runs"):
            if topic in ("tick", "campaigns", "people", "metrics"):
                async with self:
                    await self._read()

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await detail(u, uuid_of(self.router.url.path.rstrip("/").rsplit("/", 1)[-1]))
        self.shown = shown_of(found, zone)
        self.loading = False


def row_of(run: RunRow, zone: str) -> Row:
    said, tone = outcome_words(run)
    version = f"version {run.version}" if run.version else ""
    name = f"Run {run.number}" if run.number else "One by one"
    return Row(
        id=str(run.run_id),
        campaign=run.campaign_name,
        run=", ".join(part for part in (name, version) if part),
        began=began_words(run),
        at=words.moment(run.started_at, zone),
        ended=f"until {words.moment(run.ended_at, zone)}" if run.ended_at else "",
        outcome=said,
        tone=tone,
        audience=words.count(run.audience_size),
        entered=words.count(run.enrolled),
        refused=words.count(run.refused),
        messages=words.count(run.requested),
        delivered=words.count(run.delivered),
        failed=words.count(run.failed),
        trouble=run.failed > 0,
    )


def shown_of(found: RunDetail, zone: str) -> Shown:
    run = found.row
    hub, tone = silence_words(found.silence, run.requested, zone)
    began = began_words(run)
    people = [
        ("On their way", found.live), ("Held back", found.held), ("Came to the end", found.completed),
        ("Left before the end", found.exited),
    ]  # fmt: skip
    planned = [Fact("Planned for", words.moment(run.planned_at, zone))] if run.planned_at else []
    missed = (
        [Fact("Made good for", words.plural(run.missed, "missed time") + " before")] if run.missed else []
    )
    return Shown(
        row=row_of(run, zone),
        campaign_href=f"/campaigns/{run.campaign_id}",
        audience_hint="when it was read" if run.number else "people come in one by one",
        delivered_hint=f"{words.share(run.delivered, run.requested)} of the messages"
        if run.requested
        else "",
        facts=[
            Fact("Began", words.moment(run.started_at, zone)),
            Fact("Begun by", f"{began[0].upper()}{began[1:]}"),
            *planned,
            *missed,
            Fact("Ended", words.moment(run.ended_at, zone) if run.ended_at else "Still going on"),
            *[Fact(name, words.count(number)) for name, number in people],
        ],
        refused=refused_reasons(found.refused),
        failed=failed_reasons(found.failed),
        left=refused_reasons(found.left),
        hub=hub,
        hub_tone=tone,
    )


def midnight(text: str, zone: str, days: int) -> datetime | None:
    """Midnight of a date field's text in the practice's zone, `days` later; None for no date."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise Invalid("That is no date.") from error
