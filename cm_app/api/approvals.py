"""The approvers' inbox over HTTP. Deciding is for people: no API key can hold `approve`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, Field

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalDetail, ApprovalRow, Comment, Decided
from services.campaigns.several import MOST, each
from services.contracts.envelope import Strict
from services.engine.judging import Judged, judged
from services.kit.uow import Unit

router = APIRouter(prefix="/api/v1/approvals", tags=["Approvals"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Approver = Annotated[Caller, Depends(caller("approve"))]
Writer = Annotated[Caller, Depends(caller("approve", "author"))]


class Decision(Strict):
    note: str = Field("", max_length=2000)


class Approve(Decision):
    """`until`: approved for a time; the campaign is paused then and needs a new approval to go on."""

    until: AwareDatetime | None = None


class ApproveSeveral(Decision):
    approval_ids: list[UUID] = Field(min_length=1, max_length=MOST)


class Remark(Strict):
    words: str = Field(min_length=1, max_length=2000)


@router.get("")
async def inbox(who: Reader, pages: Pages) -> Page[ApprovalRow]:
    """List open requests, the oldest first."""
    async with who.unit() as u:
        found = await campaigns.inbox(u)
    return paging.of_list(who, "approvals", found, pages, lambda row: row.approval_id)


@router.get("/{approval_id}")
async def one(approval_id: UUID, who: Reader) -> ApprovalDetail:
    """Read a request: what it will do, in words, and what changed since the last approval."""
    async with who.unit() as u:
        return await campaigns.approval(u, approval_id)


@router.get("/{approval_id}/judgement")
async def judgement(approval_id: UUID, who: Reader) -> Judged:
    """Who it reaches now, what to look at before deciding, the words before and now, and the thread."""
    async with who.unit() as u:
        return await judged(u, approval_id)


@router.post("/{approval_id}/comments", status_code=201)
async def remark(approval_id: UUID, who: Writer, said: Remark) -> list[Comment]:
    """Comment on a request. Adds to the thread; returns the whole thread."""
    async with who.unit("approvals") as u:
        await campaigns.comment(u, approval_id, said.words)
        return await campaigns.comments(u, approval_id)


@router.post("/decisions")
async def approve_several(who: Approver, decision: ApproveSeveral) -> list[Decided]:
    """Approve several at once, each by itself; what is refused says why. Needs a fresh one-time code (D10)."""
    await who.require_fresh()

    async def deed(u: Unit, approval_id: UUID) -> None:
        await campaigns.approve(u, approval_id, note=decision.note)

    async with who.unit("campaigns", "approvals"):  # a key is claimed before the first of them
        return await each(who.app.uow, who.actor, decision.approval_ids, deed, campaigns.campaign_of_request)


@router.post("/{approval_id}/approve")
async def approve(approval_id: UUID, who: Approver, decision: Approve) -> ApprovalRow:
    """Approve exactly this version. Never one's own work (D9); a person, not a key."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.approve(u, approval_id, note=decision.note, until=decision.until)


@router.post("/{approval_id}/send-back")
async def send_back(approval_id: UUID, who: Approver, decision: Decision) -> ApprovalRow:
    """Send a request back to its author. The note says what to change."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.send_back(u, approval_id, note=decision.note)
