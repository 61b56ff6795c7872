"""Campaigns over HTTP: the same use cases, guards and words as the portal (000 §17.6)."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from cm_app.api.security import Caller, caller
from services.builder.contracts import Problem
from services.campaigns import service as campaigns
from services.campaigns.contracts import (
    ApprovalRow,
    CampaignDetail,
    CampaignFilter,
    CampaignPage,
    CampaignRow,
    ChosenFate,
    VersionRow,
)
from services.contracts.envelope import Strict
from services.contracts.journey import Journey, Step
from services.engine.executions import Run, runs
from services.forecast.contracts import MOST_DAYS, ForecastView, Given
from services.forecast.service import DAYS, forecast_campaign, view
from services.kit.errors import AppError, Conflict, Invalid, NotFound

router = APIRouter(prefix="/api/v1/campaigns", tags=["Campaigns"])
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Remover = Annotated[Caller, Depends(caller("delete_draft"))]
IfMatch = Annotated[str | None, Header(description='ETag of the draft you edited, such as "3".')]


class RevisionMissing(AppError):
    code = "if_match_missing"
    status = 428


class NewCampaign(Strict):
    """From a journey, from a template, or empty."""

    name: str = Field(min_length=1, max_length=200)
    journey: Journey | None = None
    template_key: str | None = None
    external_key: str | None = Field(None, max_length=200)


class Changes(Strict):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=200)
    tags: list[str] | None = None


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


class Saved(BaseModel):
    revision: int
    problems: list[Problem]


@router.get("")
async def page(who: Reader, filter: Annotated[CampaignFilter, Query()]) -> CampaignPage:
    async with who.unit() as u:
        return await campaigns.page(u, filter)


@router.post("", status_code=201)
async def create(
    who: Author,
    new: NewCampaign,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> CampaignRow:
    """A new Draft. With an `external_key` (or Idempotency-Key) seen before: that one, unchanged."""
    async with who.unit("campaigns") as u:
        row = await campaigns.create(
            u,
            name=new.name,
            journey=new.journey,
            template_key=new.template_key,
            external_key=new.external_key or idempotency_key,
        )
    response.headers["Location"] = f"/api/v1/campaigns/{row.campaign_id}"
    response.headers["ETag"] = _etag(row.draft_revision)
    return row


@router.get("/{campaign_id}")
async def one(campaign_id: UUID, who: Reader, response: Response) -> CampaignDetail:
    async with who.unit() as u:
        found = await campaigns.get(u, campaign_id)
    response.headers["ETag"] = _etag(found.draft_revision)
    return found


@router.patch("/{campaign_id}")
async def change(campaign_id: UUID, who: Author, changes: Changes) -> CampaignRow:
    async with who.unit("campaigns") as u:
        if changes.name is not None:
            await campaigns.rename(u, campaign_id, changes.name)
        if changes.tags is not None:
            await campaigns.set_tags(u, campaign_id, changes.tags)
        return (await campaigns.get(u, campaign_id)).row


@router.delete("/{campaign_id}", status_code=204)
async def delete(campaign_id: UUID, who: Remover) -> None:
    """Drafts only; anything else is cancelled instead."""
    async with who.unit("campaigns") as u:
        await campaigns.delete(u, campaign_id)


@router.post("/{campaign_id}/clone", status_code=201)
async def clone(campaign_id: UUID, who: Author) -> CampaignRow:
    async with who.unit("campaigns") as u:
        return await campaigns.clone(u, campaign_id)


@router.get("/{campaign_id}/draft")
async def draft(campaign_id: UUID, who: Reader, response: Response) -> Journey:
    """The declarative schema the builder writes."""
    async with who.unit() as u:
        found = await campaigns.get(u, campaign_id)
    response.headers["ETag"] = _etag(found.draft_revision)
    return found.draft


@router.put("/{campaign_id}/draft")
async def save_draft(
    campaign_id: UUID, who: Author, journey: Journey, response: Response, if_match: IfMatch = None
) -> Saved:
    """Replace the draft. `If-Match` carries the ETag it was read with, so that nobody's work is lost."""
    return await _save(who, campaign_id, journey, _revision(if_match), response)


@router.get("/{campaign_id}/steps")
async def steps(campaign_id: UUID, who: Reader) -> list[Step]:
    async with who.unit() as u:
        return (await campaigns.get(u, campaign_id)).draft.steps


@router.get("/{campaign_id}/steps/{step_id}")
async def step(campaign_id: UUID, step_id: str, who: Reader, response: Response) -> Step:
    async with who.unit() as u:
        found = await campaigns.get(u, campaign_id)
    response.headers["ETag"] = _etag(found.draft_revision)
    return found.draft.steps[_index(found.draft, step_id)]


@router.post("/{campaign_id}/steps", status_code=201)
async def add_step(
    campaign_id: UUID, who: Author, new: Step, response: Response, if_match: IfMatch = None
) -> Saved:
    """Add one step; other steps are linked to it by changing their `next`."""
    journey = await _draft(who, campaign_id)
    if any(known.id == new.id for known in journey.steps):
        raise Conflict(f"There is a step called “{new.id}” already.")
    edited = journey.model_copy(update={"steps": [*journey.steps, new]})
    return await _save(who, campaign_id, edited, _revision(if_match), response)


@router.put("/{campaign_id}/steps/{step_id}")
async def save_step(
    campaign_id: UUID,
    step_id: str,
    who: Author,
    new: Step,
    response: Response,
    if_match: IfMatch = None,
) -> Saved:
    """Replace one step of the draft."""
    journey = await _draft(who, campaign_id)
    if new.id != step_id:
        raise Invalid(
            "A step keeps its id.", [{"field": "id", "message": f"Should be “{step_id}”, as in the address."}]
        )
    edited = [*journey.steps]
    edited[_index(journey, step_id)] = new
    return await _save(
        who, campaign_id, journey.model_copy(update={"steps": edited}), _revision(if_match), response
    )


@router.get("/{campaign_id}/executions")
async def executions(who: Reader, campaign_id: UUID) -> list[Run]:
    """The runs of a campaign with what became of their messages, the newest first (LIF-8)."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        return await runs(u, campaign_id)


@router.get("/{campaign_id}/versions")
async def versions(campaign_id: UUID, who: Reader) -> list[VersionRow]:
    async with who.unit() as u:
        return await campaigns.versions(u, campaign_id)


@router.get("/{campaign_id}/versions/{version_id}")
async def version(campaign_id: UUID, version_id: UUID, who: Reader) -> Journey:
    """The journey of one immutable version."""
    async with who.unit() as u:
        if all(known.version_id != version_id for known in await campaigns.versions(u, campaign_id)):
            raise NotFound("This campaign has no such version.")
        return await campaigns.journey_of(u, version_id)


@router.get("/{campaign_id}/forecast")
async def forecast_one(
    campaign_id: UUID, who: Reader, asked: Annotated[ForecastAsked, Query()]
) -> ForecastView:
    """What would happen if the draft (or a version) began now. Rates in percent replace what the
    practice's history or our assumptions say; nothing is sent or changed."""
    given = Given.model_validate(asked.model_dump(exclude={"version_id", "days"}))
    async with who.unit() as u:
        found = await forecast_campaign(
            u, campaign_id, version_id=asked.version_id, days=asked.days, given=given
        )
    return view(found)


@router.post("/{campaign_id}/moves")
async def move(campaign_id: UUID, who: Manager, wanted: Move) -> CampaignRow:
    """Change the state (D6). Becoming active needs an approval: see /approvals."""
    deed = getattr(campaigns, wanted.to)
    async with who.unit("campaigns") as u:
        await deed(u, campaign_id, reason=wanted.reason)
        return (await campaigns.get(u, campaign_id)).row


@router.post("/{campaign_id}/approvals", status_code=201)
async def request_approval(campaign_id: UUID, who: Author, wanted: ApprovalRequest) -> ApprovalRow:
    """Freeze the draft as a version and ask for approval of exactly that."""
    async with who.unit("campaigns", "approvals") as u:
        return await campaigns.request_approval(
            u, campaign_id, note=wanted.note, activate_at=wanted.activate_at, fates=wanted.fates
        )


async def _draft(who: Caller, campaign_id: UUID) -> Journey:
    async with who.unit() as u:
        return (await campaigns.get(u, campaign_id)).draft


async def _save(who: Caller, campaign_id: UUID, journey: Journey, revision: int, response: Response) -> Saved:
    async with who.unit("campaigns") as u:
        saved = await campaigns.save_draft(u, campaign_id, journey, revision=revision)
        problems = await campaigns.problems_of(u, journey, campaign_id)
    response.headers["ETag"] = _etag(saved)
    return Saved(revision=saved, problems=problems)


def _index(journey: Journey, step_id: str) -> int:
    for n, known in enumerate(journey.steps):
        if known.id == step_id:
            return n
    raise NotFound(f"This campaign has no step called “{step_id}”.")


def _etag(revision: int) -> str:
    return f'"{revision}"'


def _revision(if_match: str | None) -> int:
    """The revision an `If-Match` header names. Raises RevisionMissing, Invalid."""
    if if_match is None:
        raise RevisionMissing("Send If-Match with the ETag of the draft you edited.")
    plain = if_match.strip().removeprefix("W/").strip('"')
    if not plain.isdecimal():
        raise Invalid("If-Match carries one ETag as this API gave it.")
    return int(plain)
