"""Journeys over HTTP: a campaign's draft, its steps, and its versions that never change.

The tag of a draft and of its steps is the draft's revision: whoever saves names the one they edited.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from cm_app.api import paging
from cm_app.api.conditions import Condition, MayMatch, MustMatch, Stale, TagMissing
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.builder.contracts import Problem
from services.campaigns import service as campaigns
from services.campaigns.contracts import CampaignDetail, VersionRow
from services.contracts.journey import Journey, Step
from services.kit.errors import Conflict, Invalid, NotFound, StaleWrite
from services.kit.locks import lock_row
from services.kit.uow import Unit

router = APIRouter(prefix="/api/v1/campaigns/{campaign_id}", tags=["Journeys"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]


class Saved(BaseModel):
    """`problems`: what still keeps it from being approved."""

    revision: int
    problems: list[Problem]


@router.get("/draft")
async def draft(campaign_id: UUID, who: Reader, response: Response) -> Journey:
    """Read the draft: the declarative schema the builder writes."""
    async with who.unit() as u:
        found = await campaigns.get(u, campaign_id)
    response.headers["ETag"] = _tag(found.draft_revision)
    return found.readable


@router.put("/draft")
async def save_draft(
    campaign_id: UUID, who: Author, journey: Journey, response: Response, if_match: MustMatch
) -> Saved:
    """Replace the draft. `If-Match` carries the ETag it was read with, so that nobody's work is lost."""
    async with who.unit("campaigns") as u:
        revision = (await _held(u, campaign_id, if_match)).draft_revision
        return await _save(u, campaign_id, journey, revision, response)


@router.get("/steps")
async def steps(campaign_id: UUID, who: Reader, pages: Pages) -> Page[Step]:
    """List the steps of the draft."""
    async with who.unit() as u:
        found = (await campaigns.get(u, campaign_id)).readable.steps
    return paging.of_list(who, f"steps/{campaign_id}", found, pages, lambda step: step.id)


@router.get("/steps/{step_id}")
async def step(campaign_id: UUID, step_id: str, who: Reader, response: Response) -> Step:
    """Read one step of the draft."""
    async with who.unit() as u:
        found = await campaigns.get(u, campaign_id)
    at = _index(found.readable, step_id)
    response.headers["ETag"] = _tag(found.draft_revision)
    return found.draft.steps[at]


@router.post("/steps", status_code=201)
async def add_step(
    campaign_id: UUID, who: Author, new: Step, response: Response, if_match: MayMatch
) -> Saved:
    """Add a step to the draft. Other steps are linked to it by changing their `next`."""
    if if_match.is_any:
        raise TagMissing("Send If-Match with the ETag of the draft you edited.")
    async with who.unit("campaigns") as u:
        held = await _held(u, campaign_id, if_match)
        journey, revision = held.readable, held.draft_revision
        if any(known.id == new.id for known in journey.steps):
            raise Conflict(f"There is a step called “{new.id}” already.")
        edited = journey.model_copy(update={"steps": [*journey.steps, new]})
        return await _save(u, campaign_id, edited, revision, response)


@router.put("/steps/{step_id}")
async def save_step(
    campaign_id: UUID, step_id: str, who: Author, new: Step, response: Response, if_match: MustMatch
) -> Saved:
    """Replace one step of the draft."""
    if new.id != step_id:
        raise Invalid(
            "A step keeps its id.", [{"field": "id", "message": f"Should be “{step_id}”, as in the address."}]
        )
    async with who.unit("campaigns") as u:
        held = await _held(u, campaign_id, if_match)
        journey, revision = held.readable, held.draft_revision
        edited = [*journey.steps]
        edited[_index(journey, step_id)] = new
        return await _save(u, campaign_id, journey.model_copy(update={"steps": edited}), revision, response)


@router.get("/versions")
async def versions(campaign_id: UUID, who: Reader, pages: Pages) -> Page[VersionRow]:
    """List the versions, the newest first."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await campaigns.versions(u, campaign_id)
    return paging.of_list(who, f"versions/{campaign_id}", found, pages, lambda row: row.version_id)


@router.get("/versions/{version_id}")
async def version(campaign_id: UUID, version_id: UUID, who: Reader) -> Journey:
    """Read the journey of a version. It never changes."""
    async with who.unit() as u:
        if all(known.version_id != version_id for known in await campaigns.versions(u, campaign_id)):
            raise NotFound("This campaign has no such version.")
        return await campaigns.journey_of(u, version_id)


async def _held(u: Unit, campaign_id: UUID, if_match: Condition) -> CampaignDetail:
    """The campaign with its draft, held until the transaction ends. Raises Stale, NotFound."""
    await lock_row(u, "cm.campaign", "campaign_id", campaign_id)
    found = await campaigns.get(u, campaign_id)
    if_match.check(_tag(found.draft_revision))
    return found


async def _save(u: Unit, campaign_id: UUID, journey: Journey, revision: int, response: Response) -> Saved:
    try:
        saved = await campaigns.save_draft(u, campaign_id, journey, revision=revision)
    except StaleWrite as error:
        raise Stale(error.message) from error
    response.headers["ETag"] = _tag(saved)
    return Saved(revision=saved, problems=await campaigns.problems_of(u, journey, campaign_id))


def _index(journey: Journey, step_id: str) -> int:
    for n, known in enumerate(journey.steps):
        if known.id == step_id:
            return n
    raise NotFound(f"This campaign has no step called “{step_id}”.")


def _tag(revision: int) -> str:
    return f'"{revision}"'
