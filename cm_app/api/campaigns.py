"""Campaigns over HTTP: the same use cases, guards and words as the portal (000 §17.6)."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, Field

from cm_app.api import paging
from cm_app.api.conditions import MayMatch, MustMatch
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import (
    ApprovalRow,
    CampaignDetail,
    CampaignFilter,
    CampaignPage,
    CampaignRow,
    ChosenFate,
)
from services.contracts.envelope import Strict
from services.contracts.journey import Journey
from services.engine.executions import Run, runs
from services.forecast.contracts import MOST_DAYS, ForecastView, Given
from services.forecast.service import DAYS, forecast_campaign, view

router = APIRouter(prefix="/api/v1/campaigns", tags=["Campaigns"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Remover = Annotated[Caller, Depends(caller("delete_draft"))]


class NewCampaign(Strict):
    """From a journey, from a template, or empty."""

    name: str = Field(min_length=1, max_length=200)
    journey: Journey | None = None
    template_key: str | None = Field(None, max_length=200)
    external_key: str | None = Field(None, max_length=200)


class Changes(Strict):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=200)
    tags: list[str] | None = Field(None, max_length=50)


class Move(Strict):
    """`pause`, `resume`, `cancel`, `complete`, or `unschedule` (back to Draft)."""

    to: Literal["pause", "resume", "cancel", "complete", "unschedule"]
    reason: str = Field("", max_length=2000)


class ApprovalRequest(Strict):
    note: str = Field("", max_length=2000)
    activate_at: AwareDatetime | None = None
    fates: list[ChosenFate] = Field(
        default_factory=list,
        max_length=2000,
        description="What becomes of people inside (D8); groups left out finish on the version they are in.",
    )


class ForecastAsked(Given):
    """Which version (none: the draft), how far ahead, and what people are expected to do."""

    version_id: UUID | None = None
    days: int = Field(DAYS, ge=1, le=MOST_DAYS)


@router.get("")
async def page(who: Reader, filter: Annotated[CampaignFilter, Query()]) -> CampaignPage:
    """List campaigns.

    Narrowed by every filter of the dashboard; `counts_by_state` counts under all of them but the states'.
    """
    place = paging.take(who, "campaigns", filter.cursor)
    async with who.unit() as u:
        found = await campaigns.page(u, filter.model_copy(update={"cursor": place}))
    return found.model_copy(update={"next": paging.give(who, "campaigns", found.next)})


@router.post("", status_code=201)
async def create(who: Author, new: NewCampaign, response: Response) -> CampaignRow:
    """Create a campaign.

    A new Draft, from a journey, from a template of the gallery, or empty. With an `external_key` seen
    before: that one, unchanged.
    """
    async with who.unit("campaigns") as u:
        row = await campaigns.create(
            u,
            name=new.name,
            journey=new.journey,
            template_key=new.template_key,
            external_key=new.external_key,
        )
    response.headers["Location"] = f"/api/v1/campaigns/{row.campaign_id}"
    return row


@router.get("/{campaign_id}")
async def one(campaign_id: UUID, who: Reader) -> CampaignDetail:
    """Read a campaign, with its draft, its live version and its approval."""
    async with who.unit() as u:
        return await campaigns.get(u, campaign_id)


@router.patch("/{campaign_id}")
async def change(campaign_id: UUID, who: Author, changes: Changes, if_match: MustMatch) -> CampaignRow:
    """Rename or tag a campaign."""
    async with who.unit("campaigns") as u:
        await if_match.still(u, "cm.campaign", "campaign_id", campaign_id, campaigns.get(u, campaign_id))
        if changes.name is not None:
            await campaigns.rename(u, campaign_id, changes.name)
        if changes.tags is not None:
            await campaigns.set_tags(u, campaign_id, changes.tags)
        return (await campaigns.get(u, campaign_id)).row


@router.delete("/{campaign_id}", status_code=204)
async def delete(campaign_id: UUID, who: Remover, if_match: MayMatch) -> None:
    """Delete a draft. Anything else is cancelled instead."""
    async with who.unit("campaigns") as u:
        await if_match.still(u, "cm.campaign", "campaign_id", campaign_id, campaigns.get(u, campaign_id))
        await campaigns.delete(u, campaign_id)


@router.post("/{campaign_id}/clone", status_code=201)
async def clone(campaign_id: UUID, who: Author, response: Response) -> CampaignRow:
    """Clone a campaign into a new draft."""
    async with who.unit("campaigns") as u:
        row = await campaigns.clone(u, campaign_id)
    response.headers["Location"] = f"/api/v1/campaigns/{row.campaign_id}"
    return row


@router.get("/{campaign_id}/executions")
async def executions(who: Reader, campaign_id: UUID, pages: Pages) -> Page[Run]:
    """List the runs of a campaign, with what became of their messages, the newest first."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await runs(u, campaign_id)
    return paging.of_list(who, f"runs/{campaign_id}", found, pages, lambda run: run.number)


@router.get("/{campaign_id}/forecast")
async def forecast_one(
    campaign_id: UUID, who: Reader, asked: Annotated[ForecastAsked, Query()]
) -> ForecastView:
    """Forecast a campaign.

    What would happen if the draft (or a version) began now. Rates in percent replace what the practice's
    history or our assumptions say; nothing is sent or changed.
    """
    given = Given.model_validate(asked.model_dump(exclude={"version_id", "days"}))
    async with who.unit() as u:
        found = await forecast_campaign(
            u, campaign_id, version_id=asked.version_id, days=asked.days, given=given
        )
    return view(found)


@router.post("/{campaign_id}/moves")
async def move(campaign_id: UUID, who: Manager, wanted: Move, if_match: MayMatch) -> CampaignRow:
    """Pause, resume, cancel, complete or unschedule a campaign.

    Asking for the state it has already changes nothing. Becoming active needs an approval: see Approvals.
    """
    deed = getattr(campaigns, wanted.to)
    async with who.unit("campaigns") as u:
        await if_match.still(u, "cm.campaign", "campaign_id", campaign_id, campaigns.get(u, campaign_id))
        await deed(u, campaign_id, reason=wanted.reason)
        return (await campaigns.get(u, campaign_id)).row


@router.post("/{campaign_id}/approvals", status_code=201)
async def request_approval(campaign_id: UUID, who: Author, wanted: ApprovalRequest) -> ApprovalRow:
    """Ask for approval. Freezes the draft as a version and asks for exactly that."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.request_approval(
            u, campaign_id, note=wanted.note, activate_at=wanted.activate_at, fates=wanted.fates
        )
