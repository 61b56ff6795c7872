"""Running journeys over HTTP: what a change means for people inside (D8)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import Impact
from services.engine.standing import PersonAt, What, people_here

router = APIRouter(prefix="/api/v1/campaigns/{campaign_id}", tags=["Running journeys"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("/impact")
async def impact(campaign_id: UUID, who: Reader) -> Impact:
    """Read what publishing the draft would mean for people inside.

    Who stands at which step of the versions that run, what is proposed for them, and where else they could
    go; counted now.
    """
    async with who.unit() as u:
        return await campaigns.impact(u, campaign_id)


@router.get("/steps/{step_id}/people")
async def people(
    campaign_id: UUID, step_id: str, who: Reader, pages: Pages, what: What = "waiting"
) -> Page[PersonAt]:
    """List who stands at this step now and when each moves on, those who move first, first (BLD-8).

    `held`: those who are held there, with why.
    """
    name = f"people/{campaign_id}/{step_id}/{what}"
    place = paging.take(who, name, pages.cursor)
    async with who.unit() as u:
        found = await people_here(u, campaign_id, step_id, what=what, after=place, limit=pages.limit)
    return Page(rows=list(found.people), next=paging.give(who, name, found.after))
