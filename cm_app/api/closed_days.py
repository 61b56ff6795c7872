"""Days on which the practice is closed, over HTTP: public holidays of its region, and days of its own (D23)."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from cm_app.api import paging
from cm_app.api.conditions import MayMatch, MustMatch
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.access import service as access
from services.access.closed_days import LONGEST_LABEL, ClosedDay
from services.contracts.envelope import Strict

router = APIRouter(prefix="/api/v1/closed-days", tags=["Closed days"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Day = Annotated[date, Path(description="YYYY-MM-DD, by the practice's calendar.")]
MOST = 1_000


class ClosedDayChange(Strict):
    """`label`: what the day is called; without it the name it has. `working`: on a public holiday, that the
    practice is open."""

    label: str | None = Field(None, min_length=1, max_length=LONGEST_LABEL)
    working: bool = False


@router.get("")
async def listing(who: Reader, pages: Pages) -> Page[ClosedDay]:
    """List the closed days from today on: public holidays of the practice's region, and its own."""
    async with who.unit() as u:
        found = await access.closed_days(u, size=MOST)
    return paging.of_list(who, "closed-days", found, pages, lambda one: one.day)


@router.get("/{day}")
async def one(day: Day, who: Reader) -> ClosedDay:
    """Read a closed day. 404 where the practice is open as usual."""
    async with who.unit() as u:
        return await access.closed_day(u, day)


@router.put("/{day}")
async def keep(day: Day, who: Manager, wanted: ClosedDayChange, if_match: MustMatch) -> ClosedDay:
    """Close a day, rename it, or say whether the practice is open on a public holiday.

    Journeys that keep off closed days wait for the next open one from now on.
    """
    async with who.unit("closed_days") as u:
        await if_match.still(u, "cm.holiday", "day", day, access.closed_day(u, day))
        return await access.keep_day(u, day, label=wanted.label, working=wanted.working)


@router.delete("/{day}", status_code=204)
async def reopen(day: Day, who: Manager, if_match: MayMatch) -> None:
    """Take back a day that the practice closed itself. A public holiday is not taken back: say that you work on it."""
    async with who.unit("closed_days") as u:
        await if_match.still(u, "cm.holiday", "day", day, access.closed_day(u, day))
        await access.reopen_day(u, day)
