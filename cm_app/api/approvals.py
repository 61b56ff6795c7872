"""The approvers' inbox over HTTP. Deciding is for people: no API key can hold `approve`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalDetail, ApprovalRow
from services.contracts.envelope import Strict

router = APIRouter(prefix="/api/v1/approvals", tags=["Approvals"])
Reader = Annotated[Caller, Depends(caller("read"))]
Approver = Annotated[Caller, Depends(caller("approve"))]


class Decision(Strict):
    note: str = Field("", max_length=2000)


@router.get("")
async def inbox(who: Reader) -> list[ApprovalRow]:
    """Open requests, oldest first."""
    async with who.unit() as u:
        return await campaigns.inbox(u)


@router.get("/{approval_id}")
async def one(approval_id: UUID, who: Reader) -> ApprovalDetail:
    """What it will do, in words, and what changed since the last approval."""
    async with who.unit() as u:
        return await campaigns.approval(u, approval_id)


@router.post("/{approval_id}/approve")
async def approve(approval_id: UUID, who: Approver, decision: Decision) -> ApprovalRow:
    """Approve exactly this version; never one's own work (D9)."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.approve(u, approval_id, note=decision.note)


@router.post("/{approval_id}/send-back")
async def send_back(approval_id: UUID, who: Approver, decision: Decision) -> ApprovalRow:
    """Return it to its author; the note says what to change."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.send_back(u, approval_id, note=decision.note)
