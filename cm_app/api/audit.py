"""The audit over HTTP: pages, and the export that verifies without us."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import AwareDatetime

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.audit import service as audit
from services.audit import verifier
from services.audit.contracts import Asked, AuditRow, Verification

router = APIRouter(prefix="/api/v1/audit", tags=["Audit"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("compliance"))]
KINDS = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}


def _asked(
    tag: Annotated[
        str | None, Query(max_length=60, description="One tag, or a family such as `campaign.`")
    ] = None,
    actor: Annotated[
        str | None, Query(max_length=80, description="`person:<id>`, `api:<id>`, `engine` …")
    ] = None,
    campaign_id: UUID | None = None,
    contact_id: UUID | None = None,
    since: AwareDatetime | None = None,
    until: Annotated[AwareDatetime | None, Query(description="Exclusive.")] = None,
) -> Asked:
    return Asked(tag or None, actor or None, campaign_id, contact_id, since, until)


Wanted = Annotated[Asked, Depends(_asked)]


@router.get("")
async def page(
    who: Reader,
    wanted: Wanted,
    pages: Pages,
) -> Page[AuditRow]:
    """Search the audit by person, campaign, actor, tag and time, the newest first.

    Reading the audit is itself audited.
    """
    place = paging.take(who, "audit", pages.cursor)
    async with who.unit() as u:
        found = await audit.page(u, wanted, before=place, limit=pages.limit)
    return Page(rows=found.rows, next=paging.give(who, "audit", found.next))


@router.get("/verification")
async def verification(who: Reader) -> Verification:
    """Verify the audit: every hash and seal of this practice is computed again, now."""
    async with who.unit() as u:
        return await audit.verify(u)


@router.get("/export", response_class=StreamingResponse)
async def export(who: Reader, wanted: Wanted, format: Literal["jsonl", "csv"] = "jsonl") -> StreamingResponse:
    """Export the sealed audit, or what the filters say of it, as a file with its proof.

    Needs a one-time code of the last five minutes.
    """
    await who.require_fresh()
    parts = await audit.exported(who.app, who.actor, format, wanted)
    name = f"audit-{_day(who.app.clock.now())}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(parts, media_type=KINDS[format], headers=headers)


@router.get("/verifier", response_class=FileResponse, dependencies=[Depends(caller("compliance"))])
async def the_verifier() -> FileResponse:
    """The program that checks an export with nothing but Python: one file, to hand on with it."""
    return FileResponse(
        Path(verifier.__file__), media_type="text/x-python", filename="verify_campaign_audit.py"
    )


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d-%H%M")
