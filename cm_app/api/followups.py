"""Follow-ups: one message to one person, planned by staff or another system (EVT-8)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from cm_app.api import paging
from cm_app.api.conditions import MustMatch
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.followups import service as followups
from services.followups.contracts import (
    Drained,
    FollowupChange,
    FollowupFilter,
    FollowupPage,
    FollowupRow,
    NewFollowup,
    Planned,
)
from services.followups.jobs import drain as drain_now

router = APIRouter(prefix="/api/v1/followups", tags=["Follow-ups"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Planner = Annotated[Caller, Depends(caller("author", "manage"))]
Changer = Annotated[Caller, Depends(caller("author", "manage", "suppress"))]
"""With `suppress` alone one may only cancel: the service asks."""


@router.get("")
async def page(who: Reader, filter: Annotated[FollowupFilter, Query()]) -> FollowupPage:
    """List follow-ups, the latest due first."""
    place = paging.take(who, "followups", filter.cursor)
    async with who.unit() as u:
        found = await followups.page(u, filter.model_copy(update={"cursor": place}))
    return found.model_copy(update={"next": paging.give(who, "followups", found.next)})


@router.post("", status_code=201)
async def create(who: Planner, new: NewFollowup, response: Response) -> Planned:
    """Plan a follow-up. With an `external_key` seen before: that one, unchanged, as 200."""
    async with who.unit("people") as u:
        planned = await followups.plan(u, new)
    response.headers["Location"] = f"/api/v1/followups/{planned.followup.followup_id}"
    if not planned.fresh:
        response.status_code = 200
    return planned


@router.get("/{followup_id}")
async def one(followup_id: UUID, who: Reader) -> FollowupRow:
    """Read a follow-up and what became of its message."""
    async with who.unit() as u:
        return await followups.one(u, followup_id)


@router.patch("/{followup_id}")
async def change(followup_id: UUID, who: Changer, wanted: FollowupChange, if_match: MustMatch) -> FollowupRow:
    """Move a follow-up to another time, or cancel it. Cancelling what is cancelled changes nothing."""
    async with who.unit("people") as u:
        now = followups.one(u, followup_id)
        await if_match.still(u, "cm.followup", "followup_id", followup_id, now)
        return await followups.change(u, followup_id, wanted)


@router.post("/drain")
async def drain(who: Manager) -> Drained:
    """Drain: settle what is due now, without waiting for the scheduler."""
    async with who.unit("people") as u:
        return await drain_now(u)
