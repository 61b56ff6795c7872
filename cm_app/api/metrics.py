"""Numbers over HTTP: by step, by channel, variant and version, by day, and what is credited (INS-1, INS-2)."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.insights import service as insights
from services.insights.contracts import (
    Attribution,
    By,
    GroupNumbers,
    MetricName,
    Model,
    SeriesDay,
    StepNumbers,
)
from services.kit.errors import Invalid

router = APIRouter(prefix="/api/v1", tags=["Metrics"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
MOST_DAYS = 731
Days = Annotated[int | None, Query(ge=1, le=MOST_DAYS, description="Only the last so many days.")]
SHOWN: tuple[MetricName, ...] = ("sent", "delivered", "opened", "clicked")


@router.get("/metrics/messages")
async def overall(who: Reader, pages: Pages, by: By = "channel", days: Days = None) -> Page[GroupNumbers]:
    """Count the messages of the whole practice, by channel, variant or version."""
    async with who.unit() as u:
        found = await insights.message_totals(u, by=by, days=days)
    return paging.of_list(who, "metrics", found, pages, lambda row: row.key)


@router.get("/campaigns/{campaign_id}/metrics/messages")
async def messages(
    campaign_id: UUID, who: Reader, pages: Pages, by: By = "channel", days: Days = None
) -> Page[GroupNumbers]:
    """Count the messages of a campaign, by channel, variant or version."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await insights.message_totals(u, campaign_id, by=by, days=days)
    return paging.of_list(who, f"metrics/{campaign_id}", found, pages, lambda row: row.key)


@router.get("/campaigns/{campaign_id}/metrics/steps")
async def steps(
    campaign_id: UUID, who: Reader, pages: Pages, version_id: UUID | None = None
) -> Page[StepNumbers]:
    """Count people and messages at every step of a campaign, of all its versions or of one."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await insights.step_numbers(u, campaign_id, version_id=version_id)
    return paging.of_list(who, f"step-metrics/{campaign_id}", found, pages, lambda row: row.step_id)


@router.get("/campaigns/{campaign_id}/metrics/days")
async def days(
    campaign_id: UUID,
    who: Reader,
    pages: Pages,
    first: Annotated[date, Query(description="First day, UTC.")],
    last: Annotated[date, Query(description="Last day, included; 731 days at most.")],
    name: Annotated[list[MetricName] | None, Query(max_length=20, description="Which numbers.")] = None,
    step_id: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[SeriesDay]:
    """Count a campaign's messages day by day, the oldest first, zeros included."""
    if not timedelta() <= last - first < timedelta(days=MOST_DAYS):
        raise Invalid(
            f"Ask for 1 to {MOST_DAYS} days, the first before the last.",
            [{"parameter": "last", "message": "Too far from `first`, or before it."}],
        )
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await insights.series(
            u, [campaign_id], names=name or SHOWN, first=first, last=last, step_id=step_id
        )
    return paging.of_list(who, f"days/{campaign_id}/{first}", found, pages, lambda row: row.day)


@router.get("/campaigns/{campaign_id}/metrics/attribution")
async def attribution(
    campaign_id: UUID,
    who: Reader,
    model: Model = "last",
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = MOST_DAYS - 1,
) -> Attribution:
    """Read the bookings, opportunities and revenue credited to a campaign."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        return await insights.attribution(u, campaign_id, model=model, days=days)
