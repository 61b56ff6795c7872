"""Closed days in the settings: public holidays of the practice's region, and days of its own."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import reflex as rx

from services.access import service as access
from services.kit.errors import Invalid
from state.session import acting, changed
from state.undo import offered


@dataclass(frozen=True)
class Closed:
    day: str
    words: str
    label: str
    public: bool
    working: bool


class ClosedDays(rx.State):
    loading: bool = True
    may_change: bool = False
    may_move: bool = False
    country: str = ""
    part: str = ""
    countries: list[list[str]] = []
    parts: list[list[str]] = []
    days: list[Closed] = []

    @rx.event
    async def load(self) -> None:
        async with acting(self, "read") as u:
            region = (await access.practice_settings(u)).holidays_of
            found = await access.closed_days(u)
            self.may_change, self.may_move = u.actor.may("manage"), u.actor.may("administer")
        self.country, _, self.part = region.partition("-")
        self.countries = [["", "None"], *([code, name] for code, name in access.countries())]
        some = [[code, name] for code, name in access.parts(self.country)]
        self.parts = [["", "The whole country"], *some] if some else []
        self.days = [
            Closed(
                one.day.isoformat(), f"{one.day:%A} {one.day.day} {one.day:%B %Y}", one.label,
                one.source == "public", one.working,
            )
            for one in found
        ]  # fmt: skip
        self.loading = False

    @rx.event
    async def choose_country(self, country: str) -> Any:
        """Keep another country's public holidays."""
        return await self._move(country)

    @rx.event
    async def choose_part(self, part: str) -> Any:
        """Keep the public holidays of a part of the country."""
        return await self._move(f"{self.country}-{part}" if part else self.country)

    async def _move(self, region: str) -> Any:
        async with acting(self, "administer") as u:
            old = await access.practice_settings(u)
            try:
                new = type(old).model_validate({**old.model_dump(), "holidays_of": region})
            except ValueError as error:
                raise Invalid("The public holidays of this region are not known. Choose another.") from error
            await access.save_settings(u, new)
        await self.load()
        await changed(self, "closed_days")
        return rx.toast.success("The public holidays ahead are those of the new region.")

    @rx.event
    async def close(self, form: dict[str, Any]) -> Any:
        """Close some days: a holiday of the team, a refit."""
        first, last = _day(form.get("closed-first"), "first"), form.get("closed-last")
        async with acting(self, "manage") as u:
            until = _day(last, "last") if last else first
            await access.close_days(u, first=first, last=until, label=str(form.get("closed-label") or ""))
        await self.load()
        await changed(self, "closed_days")
        return [
            rx.toast.success("These days are closed."),
            rx.set_value("closed-first", ""),
            rx.set_value("closed-last", ""),
        ]

    @rx.event
    async def reopen(self, day: str) -> Any:
        """Take back a day that the practice closed itself, with an undo."""
        async with acting(self, "manage") as u:
            label = await access.reopen_day(u, date.fromisoformat(day))
        await self.load()
        await changed(self, "closed_days")
        return offered(
            "The day is open again.", ClosedDays.close({"closed-first": day, "closed-label": label})
        )

    @rx.event
    async def work_on(self, day: str, working: bool) -> None:
        """Whether the practice is open on a public holiday."""
        async with acting(self, "manage") as u:
            await access.work_on(u, date.fromisoformat(day), bool(working))
        await self.load()
        await changed(self, "closed_days")


def _day(value: Any, which: str) -> date:
    try:
        return date.fromisoformat(str(value or ""))
    except ValueError as error:
        raise Invalid(f"Choose the {which} closed day.") from error
