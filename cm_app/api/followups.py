"""Follow-ups: one message to one person, planned by staff or another system (EVT-8)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

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

router = APIRouter(prefix="/api/v1/followups", tags=["Follow-ups"])
Reader = Annotated[Caller, Depends(caller("read"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Signed = Annotated[Caller, Depends(caller())]
"""Planning takes `author` or `manage`, cancelling also `suppress`: the service asks."""


@router.get("")
async def page(who: Reader, filter: Annotated[FollowupFilter, Query()]) -> FollowupPage:
    async with who.unit() as u:
        return await followups.page(u, filter)


@router.post("", status_code=201)
async def create(
    who: Signed,
    new: NewFollowup,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Planned:
    """Plan one. With an `external_key` (or Idempotency-Key) seen before: that one, unchanged, as 200."""
    keyed = new.model_copy(update={"external_key": new.external_key or idempotency_key})
    async with who.unit("people") as u:
        planned = await followups.plan(u, keyed)
    response.headers["Location"] = f"/api/v1/followups/{planned.followup.followup_id}"
    if not planned.fresh:
        response.status_code = 200
    return planned


@router.get("/{followup_id}")
async def one(followup_id: UUID, who: Reader) -> FollowupRow:
    async with who.unit() as u:
        return await followups.one(u, followup_id)


@router.patch("/{followup_id}")
async def change(followup_id: UUID, who: Signed, wanted: FollowupChange) -> FollowupRow:
    """Another time, or `{"state": "cancelled"}`. Cancelling what is cancelled changes nothing."""
    async with who.unit("people") as u:
        return await followups.change(u, followup_id, wanted)


@router.post("/drain")
async def drain(who: Manager) -> Drained:
    """Settle what is due now, without waiting for the scheduler."""
    async with who.unit("people") as u:
        return await drain_now(u)
