"""The campaign calendar and deeds for several campaigns at once, over HTTP (LIF-10, LIF-11)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns.bulk import Bulk, several
from services.campaigns.contracts import ApprovalRow, Decided
from services.campaigns.planning import move_start
from services.campaigns.several import MOST
from services.contracts.envelope import Strict
from services.engine.agenda import MOST_DAYS, Agenda, agenda

router = APIRouter(prefix="/api/v1", tags=["Calendar"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]
Days = Annotated[int, Query(ge=1, le=MOST_DAYS)]


class NewDay(Strict):
    """The time of day stays."""

    day: date


class BulkAsked(Strict):
    """`tag` needs one tag in `tag`; the others take a reason for the audit."""

    do: Bulk
    campaign_ids: list[UUID] = Field(min_length=1, max_length=MOST)
    reason: str = Field("", max_length=2000)
    tag: str = Field("", max_length=40)


@router.get("/calendar")
async def calendar(who: Reader, first: date, days: Days = 31) -> Agenda:
    """Planned starts, repeating runs, people whose next message is due, messages that went out, people in
    two campaigns in one week, and days off; in the practice's days."""
    async with who.unit() as u:
        return await agenda(u, first, days)


@router.post("/campaigns/{campaign_id}/planned-start")
async def planned_start(campaign_id: UUID, who: Author, new: NewDay) -> ApprovalRow:
    """Move a planned start to another day. It needs approval for exactly that (D9)."""
    async with who.unit("campaigns", "approvals") as u:
        return await move_start(u, campaign_id, new.day)


@router.post("/campaign-deeds")
async def deeds(who: Reader, asked: BulkAsked) -> list[Decided]:
    """Pause, resume, cancel or tag several campaigns; each by itself, and what is refused says why.
    Resuming several needs a fresh one-time code (D10)."""
    if asked.do == "resume":
        await who.require_fresh()
    done = await several(
        who.app.uow, who.actor, asked.campaign_ids, asked.do, reason=asked.reason, tag=asked.tag
    )
    async with who.unit("campaigns"):
        return done
