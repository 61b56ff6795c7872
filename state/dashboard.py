"""The dashboard: campaigns with the filters of 000 §17.4, the practice's totals, row actions."""

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx

from services.campaigns import service as campaigns
from services.campaigns.contracts import CampaignFilter
from services.insights.daily import daily, standing
from services.insights.totals import totals
from state import words
from state.dashboard_rows import Chip, Row, Total, row_of, totals_of
from state.session import Session, acting, changed, pings, uuid_of
from state.undo import UNDO_SECONDS, offered

PAGE_SIZE = 25
SORTS = {"updated": "Last changed", "created": "Newest", "name": "Name"}


class Dashboard(rx.State):
    loading: bool = True
    rows: list[Row] = []
    chips: list[Chip] = []
    totals: list[Total] = []
    trend: list[dict[str, Any]] = []
    more: bool = False
    anything: bool = False

    text: str = ""
    kind: str = ""
    origin: str = ""
    sort: str = "updated"
    date_field: str = "created"
    date_from: str = ""
    date_to: str = ""
    filters_open: bool = False

    _states: set[str] = set()
    _limit: int = PAGE_SIZE
    _leaving: set[str] = set()

    @rx.event
    async def load(self) -> Any:
        await self._read()
        return Dashboard.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Re-reads whenever something about campaigns or their numbers changed."""
        async for topic in pings(self, "/"):
            if topic in ("tick", "campaigns", "people", "approvals", "metrics"):
                async with self:
                    await self._read()

    @rx.event
    async def find(self, text: str) -> None:
        self.text, self._limit = text[:100], PAGE_SIZE
        await self._read()

    @rx.event
    async def toggle_state(self, key: str) -> None:
        """Show or hide one state; none chosen means all."""
        if key in words.STATES:
            self._states = self._states ^ {key}
            self._limit = PAGE_SIZE
            await self._read()

    @rx.event
    async def choose(self, what: str, value: str) -> None:
        """One of the filters: kind, origin, sort, date_field, date_from, date_to."""
        if what in ("kind", "origin", "sort", "date_field", "date_from", "date_to"):
            setattr(self, what, value[:40])
            self._limit = PAGE_SIZE
            await self._read()

    @rx.event
    async def clear(self) -> None:
        self.text = self.kind = self.origin = self.date_from = self.date_to = ""
        self.date_field, self._states, self._limit = "created", set(), PAGE_SIZE
        await self._read()

    @rx.event
    def toggle_filters(self) -> None:
        self.filters_open = not self.filters_open

    @rx.event
    async def show_more(self) -> None:
        self._limit = min(self._limit + PAGE_SIZE, 200)
        await self._read()

    @rx.event
    async def pause(self, campaign_id: str) -> Any:
        async with acting(self, "manage") as u:
            await campaigns.pause(u, uuid_of(campaign_id), reason="Paused on the dashboard")
        await self._told()
        return rx.toast.success("Paused. Nobody moves on until it is resumed.")

    @rx.event
    async def resume(self, campaign_id: str) -> Any:
        async with acting(self, "manage") as u:
            await campaigns.resume(u, uuid_of(campaign_id))
        await self._told()
        return rx.toast.success("Resumed. People go on where they were.")

    @rx.event
    async def clone(self, campaign_id: str) -> Any:
        async with acting(self, "author") as u:
            copy = await campaigns.clone(u, uuid_of(campaign_id))
        await self._told()
        return rx.toast.success(f"“{copy.name}” is a new draft.")

    @rx.event(background=True)
    async def cancel(self, campaign_id: str) -> Any:
        """Stops the campaign at once if it runs; it is cancelled for good when nobody undoes."""
        wanted = uuid_of(campaign_id)
        async with self:
            async with acting(self, "manage") as u:
                running = (await campaigns.get(u, wanted)).row.state == "active"
                if running:
                    await campaigns.pause(u, wanted, reason="Being cancelled")
            self._leaving = self._leaving | {campaign_id}
            await self._told()
        yield _undo("Stopped. It is cancelled for good in a moment.", campaign_id, running)
        if await self._left(campaign_id):
            async with self:
                async with acting(self, "manage") as u:
                    await campaigns.cancel(u, wanted, reason="Cancelled on the dashboard")
                await self._told()

    @rx.event(background=True)
    async def delete(self, campaign_id: str) -> Any:
        """Takes the draft out of the list, and deletes it when nobody undoes."""
        wanted = uuid_of(campaign_id)
        async with self:
            async with acting(self, "delete_draft") as u:
                await campaigns.get(u, wanted)
            self._leaving = self._leaving | {campaign_id}
            await self._read()
        yield _undo("Draft deleted.", campaign_id, False)
        if await self._left(campaign_id):
            async with self:
                async with acting(self, "delete_draft") as u:
                    await campaigns.delete(u, wanted)
                await self._told()

    @rx.event
    async def undo(self, campaign_id: str, running: bool) -> Any:
        async with acting(self, "manage" if running else "read") as u:
            if campaign_id not in self._leaving:
                return rx.toast.warning("That was too late: it is done already.")
            if running:
                await campaigns.resume(u, uuid_of(campaign_id))
        self._leaving = self._leaving - {campaign_id}
        await self._told()
        return rx.toast.info("Undone. Everything is as it was.")

    async def _left(self, campaign_id: str) -> bool:
        """Wait for an undo; True when none came."""
        await asyncio.sleep(UNDO_SECONDS)
        async with self:
            still = campaign_id in self._leaving
            self._leaving = self._leaving - {campaign_id}
        return still

    async def _told(self) -> None:
        await self._read()
        await changed(self, "campaigns")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await campaigns.page(u, self._filter(zone))
            numbers = await totals(u, [row.campaign_id for row in found.rows])
            days = await daily(u, days=30)
            may = u.actor.permissions
            stand = await standing(u, days=30)
        self.totals = totals_of(stand, days, found.counts_by_state.get("active", 0))
        self.rows = [
            row_of(row, numbers[row.campaign_id], zone, may)
            for row in found.rows
            if str(row.campaign_id) not in self._leaving or row.state != "draft"
        ]
        self.chips = [
            Chip(key, name, words.count(found.counts_by_state.get(key, 0)), key in self._states)
            for key, (name, _) in words.STATES.items()
        ]
        self.trend = [
            {"day": f"{d.day.day} {d.day:%b}", "Sent": d.sent, "Opened": d.opened, "Clicked": d.clicked}
            for d in days
        ]
        self.more = found.next is not None
        self.anything = sum(found.counts_by_state.values()) > 0
        self.loading = False

    def _filter(self, zone: str) -> CampaignFilter:
        begin, end = _moment(self.date_from, zone, 0), _moment(self.date_to, zone, 1)
        field = self.date_field if self.date_field in ("created", "activated", "completed") else "created"
        return CampaignFilter(
            states=sorted(self._states),
            kinds=[self.kind] if self.kind in words.KINDS else [],
            origin=self.origin if self.origin in ("ai", "manual") else "any",
            search=self.text,
            sort=self.sort if self.sort in SORTS else "updated",
            limit=self._limit,
            **{f"{field}_from": begin, f"{field}_to": end},
        )


def _moment(text: str, zone: str, days: int) -> datetime | None:
    """Midnight of a date field's text in the practice's zone, `days` later; None when empty."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)) + timedelta(days=days)
    except ValueError:
        return None


def _undo(sentence: str, campaign_id: str, running: bool) -> rx.event.EventSpec:
    return offered(sentence, Dashboard.undo(campaign_id, running))
