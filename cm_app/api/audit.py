"""The audit over HTTP: pages, and the export that verifies without us."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.audit import service as audit
from services.audit.contracts import AuditRow, Verification

router = APIRouter(prefix="/api/v1/audit", tags=["Audit"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("compliance"))]
KINDS = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}


@router.get("")
async def page(
    who: Reader,
    tag: Annotated[
        str | None, Query(max_length=100, description="One tag, or a family such as `campaign.`")
    ] = None,
    actor: Annotated[str | None, Query(max_length=100)] = None,
    campaign_id: UUID | None = None,
    contact_id: UUID | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    *,
    pages: Pages,
) -> Page[AuditRow]:
    """Search the audit by person, campaign, actor, tag and time, the newest first.

    Reading the audit is itself audited.
    """
    place = paging.take(who, "audit", pages.cursor)
    async with who.unit() as u:
        found = await audit.page(
            u,
            tag=tag,
            actor=actor,
            campaign_id=campaign_id,
            contact_id=contact_id,
            since=since,
            until=until,
            before=place,
            limit=pages.limit,
        )
    return Page(rows=found.rows, next=paging.give(who, "audit", found.next))


@router.get("/verification")
async def verification(who: Reader) -> Verification:
    """Verify the audit: every hash and seal of this practice is computed again, now."""
    async with who.unit() as u:
        return await audit.verify(u)


@router.get("/export", response_class=StreamingResponse)
async def export(who: Reader, format: Literal["jsonl", "csv"] = "jsonl") -> StreamingResponse:
    """Export the whole sealed audit as a file. Needs a one-time code of the last five minutes."""
    await who.require_fresh()
    parts = await audit.exported(who.app, who.actor, format)
    name = f"audit-{_day(who.app.clock.now())}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(parts, media_type=KINDS[format], headers=headers)


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d-%H%M")
