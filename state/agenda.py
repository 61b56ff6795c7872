"""The campaign calendar: a month or a week, and moving a planned start (LIF-11)."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import reflex as rx

from services.campaigns.planning import move_start
from services.engine import agenda as service
from services.kit.errors import Invalid
from state import words
from state.session import acting, changed, permitted, pings, uuid_of

ICONS = {"starts": "calendar-clock", "runs": "repeat", "sends": "send", "sent": "check"}


@dataclass(frozen=True)
class Item:
    campaign_id: str
    campaign: str
    what: str
    icon: str
    line: str
    movable: bool


@dataclass(frozen=True)
class Day:
    """One square. `day` is ISO; `weekday` and `label` are what people read."""

    day: str
    label: str
    weekday: str
    today: bool
    outside: bool
    holiday: str
    plans: list[Item] = field(default_factory=list)


class Calendar(rx.State):
    loading: bool = True
    view: str = "month"
    title: str = ""
    days: list[Day] = []
    overlaps: list[str] = []
    nothing: bool = False
    moving: bool = False
    moving_name: str = ""
    moving_to: str = ""

    _on: date | None = None
    _moving_id: str = ""

    @rx.event
    async def load(self) -> Any:
        self.moving = False
        await self._read()
        return Calendar.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/calendar"):
            if topic in ("tick", "campaigns", "approvals"):
                async with self:
                    await self._read()

    @rx.event
    async def show(self, view: str) -> None:
        self.view = "week" if view == "week" else "month"
        await self._read()

    @rx.event
    async def turn(self, way: int) -> None:
        """One page on (1) or back (-1); 0 is today."""
        on = self._on
        if way == 0 or on is None:
            self._on = None
        elif self.view == "week":
            self._on = on + timedelta(days=7 if way > 0 else -7)
        else:
            first = on.replace(day=1)
            self._on = (
                first + timedelta(days=monthrange(on.year, on.month)[1])
                if way > 0
                else (first - timedelta(days=1)).replace(day=1)
            )
        await self._read()

    @rx.event
    def ask_move(self, campaign_id: str, name: str, day: str) -> None:
        self.moving, self._moving_id, self.moving_name, self.moving_to = True, campaign_id, name, day

    @rx.event
    def set_moving(self, on: bool) -> None:
        self.moving = bool(on)

    @rx.event
    def set_moving_to(self, day: str) -> None:
        self.moving_to = day[:10]

    @rx.event
    async def move(self) -> Any:
        """Plan the start for the chosen day; it needs approval for exactly that."""
        await permitted(self, "author")
        try:
            day = date.fromisoformat(self.moving_to)
        except ValueError as error:
            raise Invalid("Choose a day.") from error
        async with acting(self, "author") as u:
            await move_start(u, uuid_of(self._moving_id), day)
        self.moving = False
        await self._read()
        await changed(self, "approvals")
        await changed(self, "campaigns")
        return rx.toast.success(
            f"“{self.moving_name}” is planned for {day.day} {day:%B}. Somebody has to approve the new day."
        )

    async def _read(self) -> None:
        async with acting(self, "read") as u:
            on = self._on or u.now.date()
            first, days = span(on, self.view)
            found = await service.agenda(u, first, days)
            may = u.actor.permissions
        self._on = on
        self.title = title_of(on, first, self.view)
        by_day: dict[date, list[service.Entry]] = {}
        for entry in found.entries:
            by_day.setdefault(entry.day, []).append(entry)
        self.days = [_day(first + timedelta(days=n), found, by_day, on, self.view, may) for n in range(days)]
        self.overlaps = [_overlap(one) for one in found.overlaps]
        self.nothing = not found.entries
        self.loading = False


def span(on: date, view: str) -> tuple[date, int]:
    """First day and number of days of whole weeks that show the month or week of a day."""
    if view == "week":
        return on - timedelta(days=on.weekday()), 7
    first = on.replace(day=1)
    begin = first - timedelta(days=first.weekday())
    last = first.replace(day=monthrange(on.year, on.month)[1])
    return begin, (last + timedelta(days=6 - last.weekday()) - begin).days + 1


def title_of(on: date, first: date, view: str) -> str:
    if view == "month":
        return f"{on:%B %Y}"
    last = first + timedelta(days=6)
    return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"


def _day(
    day: date,
    found: service.Agenda,
    by_day: dict[date, list[service.Entry]],
    on: date,
    view: str,
    may: Sequence[str] | frozenset[str],
) -> Day:
    return Day(
        day.isoformat(),
        str(day.day) if day.day > 1 or view == "week" else f"{day.day} {day:%b}",
        f"{day:%a}",
        day == found.today,
        view == "month" and day.month != on.month,
        found.holidays.get(day, ""),
        [_item(entry, found.zone, may) for entry in by_day.get(day, [])],
    )


def _item(entry: service.Entry, zone: str, may: Sequence[str] | frozenset[str]) -> Item:
    people = "" if entry.people is None else words.plural(entry.people, "person", "people")
    at = words.moment(entry.at, zone).rsplit(", ", 1)[-1] if entry.at else ""
    line = {
        "starts": f"Starts {at}" + ("" if entry.approved else ", not approved yet"),
        "runs": f"Runs {at}",
        "sends": "Due",
        "sent": "Went out",
    }[entry.what]
    messages = words.plural(entry.people or 0, "message")
    who = messages if entry.what == "sent" else people
    movable = entry.what == "starts" and "author" in may and (not entry.approved or "manage" in may)
    return Item(
        str(entry.campaign_id),
        entry.campaign,
        entry.what,
        ICONS[entry.what],
        ": ".join(part for part in (line, who) if part),
        movable,
    )


def _overlap(one: service.Overlap) -> str:
    people = words.plural(one.people, "person is", "people are")
    return f"Week of {one.week.day} {one.week:%B}: {people} due in both “{one.one}” and “{one.other}”."
