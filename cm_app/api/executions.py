"""Runs of every campaign over HTTP: how each went, and why messages were refused or failed."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.engine.runs import Began, Ended, RunDetail, RunFilter, RunRow, detail, page

router = APIRouter(prefix="/api/v1/executions", tags=["Executions"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("")
async def executions(
    who: Reader,
    campaign_id: UUID | None = None,
    outcome: Ended | None = None,
    began: Annotated[Began | None, Query(description="Who or what opened it.")] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    *,
    pages: Pages,
) -> Page[RunRow]:
    """List runs that fit, the newest first.

    A campaign whose people come in one by one is one run, under its own id.
    """
    place = paging.take(who, "executions", pages.cursor)
    at, _, last = (place or "").partition(" ")
    wanted = RunFilter(
        campaign_id, outcome, began, since, until, (datetime.fromisoformat(at), UUID(last)) if place else None
    )
    async with who.unit() as u:
        found = await page(u, replace(wanted, most=pages.limit), more=True)
    end = found[pages.limit - 1] if len(found) > pages.limit else None
    after = f"{end.started_at.isoformat()} {end.run_id}" if end else None
    return Page(rows=found[: pages.limit], next=paging.give(who, "executions", after))


@router.get("/{run_id}")
async def execution(run_id: UUID, who: Reader) -> RunDetail:
    """Read one run: people, messages, reasons, and what the Hub has not reported yet (LIF-8)."""
    async with who.unit() as u:
        return await detail(u, run_id)
