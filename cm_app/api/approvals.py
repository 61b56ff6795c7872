"""The approvers' inbox over HTTP. Deciding is for people: no API key can hold `approve`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalDetail, ApprovalRow
from services.contracts.envelope import Strict

router = APIRouter(prefix="/api/v1/approvals", tags=["Approvals"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Approver = Annotated[Caller, Depends(caller("approve"))]


class Decision(Strict):
    note: str = Field("", max_length=2000)


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


@router.post("/{approval_id}/approve")
async def approve(approval_id: UUID, who: Approver, decision: Decision) -> ApprovalRow:
    """Approve exactly this version. Never one's own work (D9); a person, not a key."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.approve(u, approval_id, note=decision.note)


@router.post("/{approval_id}/send-back")
async def send_back(approval_id: UUID, who: Approver, decision: Decision) -> ApprovalRow:
    """Send a request back to its author. The note says what to change."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.send_back(u, approval_id, note=decision.note)
