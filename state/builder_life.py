"""The builder's header: asking for approval, pausing, and live numbers of a running campaign."""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx

from services.audience import service as audience
from services.builder import edits
from services.builder.step_edits import minutes_of
from services.campaigns import service as campaigns
from services.contracts.campaign_types import TYPE_KEYS
from services.engine.marks import Age
from services.engine.outlook import outlook
from services.insights import service as insights
from services.kit.errors import Invalid
from state import builder_rows as rows
from state.builder import Builder
from state.builder_canvas import one_of
from state.builder_impact import ChangeImpact
from state.builder_step import whole
from state.builder_words import Words, read_running
from state.session import acting, changed, opens, pings

PATIENCE = 8
"""Counting a running journey takes a ninth of the time at most, however many are inside."""
TOPICS = ("tick", "campaigns", "people", "approvals", "metrics", "templates")


class Life(rx.State):
    asking: bool = False
    note: str = ""
    when: str = "now"
    at: str = ""
    outlook: str = ""
    stopping: bool = False
    reason: str = ""

    @rx.event
    @opens
    async def load(self) -> Any:
        self.reset()
        await self._refresh()
        await self._templates()
        return Life.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Numbers and state of the campaign, as they change, for as long as the page is open. Where
        counting takes long, because a million people are inside, it is done less often."""
        age = Age()
        async for topic in pings(self, "/campaigns"):
            if topic in TOPICS:
                await asyncio.sleep(age.rest(PATIENCE))  # later, but never left out
                with age.measured():
                    async with self:
                        await self._refresh()
                        if topic in ("campaigns", "approvals", "templates"):
                            await self._templates()

    async def _templates(self) -> None:
        builder = await self.get_state(Builder)
        if builder.id:
            async with acting(self, "read") as u:
                await read_running(await self.get_state(Words), u, builder)

    async def _refresh(self) -> None:
        builder = await self.get_state(Builder)
        if not builder.id:
            return
        async with acting(self, "read") as u:
            detail = await campaigns.get(u, builder.key)
            builder.facts(detail, author=u.actor.may("author"))
            if detail.row.active_version_id is None:
                builder.counts, self.outlook = None, ""
                return
            numbers = await insights.step_numbers(u, builder.key)
            running = detail.row.state == "active"
            self.outlook = await outlook(u, builder.key) if running else ""
        builder.counts = rows.counts(builder.journey, numbers)
        builder.show_taken(rows.taken(numbers))

    @rx.event
    async def ask(self) -> None:
        """Open the approval dialog; what blocks is shown instead while there is something."""
        builder = await self.get_state(Builder)
        async with acting(self, "author") as u:
            await builder.check(u)
        (await self.get_state(ChangeImpact)).groups = []
        if builder.state == "paused" and builder.blocking == 0:
            await builder.save()
            if builder.conflict:
                return
            async with acting(self, "author") as u:
                await (await self.get_state(ChangeImpact)).read(u, builder)
            self.when = "now"
        self.asking = builder.blocking == 0
        if not self.asking:
            builder.panel, builder.selected = "problems", ""

    @rx.event
    async def set_note(self, value: str) -> None:
        self.note = value[:2000]

    @rx.event
    async def set_when(self, value: str) -> None:
        self.when = one_of(value, ("now", "later"))

    @rx.event
    async def set_at(self, value: str) -> None:
        self.at = value[:16]

    @rx.event
    async def set_asking(self, on: bool) -> None:
        self.asking = bool(on)

    @rx.event
    async def send(self) -> Any:
        """Save, then ask for approval of exactly what was saved."""
        builder = await self.get_state(Builder)
        await builder.save()
        if builder.conflict:
            return None
        fates = (await self.get_state(ChangeImpact)).chosen() if builder.state == "paused" else []
        async with acting(self, "author") as u:
            start = local_time(self.at, await audience.zone(u)) if self.when == "later" else None
            await campaigns.request_approval(u, builder.key, note=self.note, activate_at=start, fates=fates)
        self.asking, self.note = False, ""
        return await self._told("Sent. Somebody who may approve finds it in their inbox.", "approvals")

    @rx.event
    async def withdraw(self) -> Any:
        builder = await self.get_state(Builder)
        async with acting(self, "author") as u:
            await campaigns.withdraw(u, builder.key)
        return await self._told("Taken back. You can go on editing.", "approvals")

    @rx.event
    async def pause(self) -> Any:
        builder = await self.get_state(Builder)
        async with acting(self, "manage") as u:
            await campaigns.pause(u, builder.key, reason="Paused in the builder")
        return await self._told("Paused. Nobody moves on until it is resumed.", "campaigns")

    @rx.event
    async def resume(self) -> Any:
        builder = await self.get_state(Builder)
        async with acting(self, "manage") as u:
            await campaigns.resume(u, builder.key)
        return await self._told("Resumed. People go on where they were.", "campaigns")

    @rx.event
    async def unschedule(self) -> Any:
        builder = await self.get_state(Builder)
        async with acting(self, "manage") as u:
            await campaigns.unschedule(u, builder.key, reason="Taken back in the builder")
        return await self._told("Taken back to draft. It will not start by itself.", "campaigns")

    @rx.event
    async def set_stopping(self, on: bool) -> None:
        self.stopping = bool(on)

    @rx.event
    async def set_reason(self, value: str) -> None:
        self.reason = value[:500]

    @rx.event
    async def cancel(self) -> Any:
        builder = await self.get_state(Builder)
        async with acting(self, "manage") as u:
            await campaigns.cancel(u, builder.key, reason=self.reason)
        self.stopping = False
        return await self._told("Cancelled. Everybody in it has left, and nothing more is sent.", "campaigns")

    @rx.event
    async def set_type(self, value: str) -> Any:
        builder = await self.get_state(Builder)
        kind = one_of(value, tuple(TYPE_KEYS))
        return await builder.apply(
            lambda j: edits.set_fields(j, campaign_type=kind), "change the kind of campaign"
        )

    @rx.event
    async def set_pace(self, part: str, value: str) -> Any:
        """How fast messages go out; empty: as fast as they can."""
        builder = await self.get_state(Builder)
        key = one_of(part, ("per_minute", "per_hour"))
        return await self._pace(builder, key, whole(value) if value.strip() else 0)

    @rx.event
    async def set_spread(self, amount: str, unit: str) -> Any:
        """Over how long people who come in together are spread; empty: not at all."""
        builder = await self.get_state(Builder)
        minutes = minutes_of(whole(amount), unit) if amount.strip() else 0
        return await self._pace(builder, "spread_minutes", minutes)

    async def _pace(self, builder: Builder, key: str, number: int) -> Any:
        return await builder.apply(
            lambda j: edits.set_fields(j, pace={**j.pace.model_dump(), key: number or None}),
            "change the pace",
            key=f"pace.{key}",
        )

    @rx.event
    async def set_objective(self, value: str) -> Any:
        """What the journey is for, with the event that proves it."""
        builder = await self.get_state(Builder)
        proof = {
            "booking": "appointment.booked",
            "engagement": "hub.message.clicked",
            "conversion": "proposal.accepted",
            "revenue": "pipeline.opportunity.converted",
        }
        goal = {"objective": one_of(value, tuple(proof)), "event": {"type": proof[value]}}
        return await builder.apply(lambda j: edits.set_fields(j, goal=goal), "change the aim")

    async def _told(self, sentence: str, topic: str) -> Any:
        await self._refresh()
        await changed(self, topic)
        if topic != "campaigns":
            await changed(self, "campaigns")
        return rx.toast.success(sentence)


def local_time(value: str, zone: str) -> datetime:
    """A start as typed, in the practice's zone. Raises Invalid."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone))
    except ValueError as error:
        raise Invalid("Choose a day and a time for the start.") from error
