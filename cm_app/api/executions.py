"""Runs of every campaign over HTTP: how each went, and why messages were refused or failed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from cm_app.api.security import Caller, caller
from services.engine.runs import Began, Ended, RunDetail, RunFilter, RunRow, detail, page

router = APIRouter(prefix="/api/v1/executions", tags=["Executions"])
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("")
async def executions(
    who: Reader,
    campaign_id: UUID | None = None,
    outcome: Ended | None = None,
    began: Annotated[Began | None, Query(description="Who or what opened it.")] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 40,
) -> list[RunRow]:
    """Runs that fit, newest first. A campaign whose people come in one by one is one run, under its own id."""
    async with who.unit() as u:
        return await page(
            u,
            RunFilter(
                campaign_id=campaign_id, outcome=outcome, began=began, since=since, until=until, most=limit
            ),
        )


@router.get("/{run_id}")
async def execution(run_id: UUID, who: Reader) -> RunDetail:
    """One run: people, messages, reasons, and what the Hub has not reported yet (LIF-8)."""
    async with who.unit() as u:
        return await detail(u, run_id)
