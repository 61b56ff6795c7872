"""Running journeys over HTTP: what a change means for people inside (D8)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import Impact
from services.engine.standing import PeopleHere, What, people_here

router = APIRouter(prefix="/api/v1/campaigns/{campaign_id}", tags=["Running journeys"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("/impact")
async def impact(campaign_id: UUID, who: Reader) -> Impact:
    """Who stands at which step of the versions that run, what is proposed for them if the draft were
    published, and where else they could go; counted now."""
    async with who.unit() as u:
        return await campaigns.impact(u, campaign_id)


@router.get("/steps/{step_id}/people")
async def people(
    campaign_id: UUID, step_id: str, who: Reader, what: What = "waiting", after: str | None = None
) -> PeopleHere:
    """Who stands at this step now and when each moves on, those who move first, first (BLD-8). `held`:
    those who are held there, with why. Continue with `after` of the answer."""
    async with who.unit() as u:
        return await people_here(u, campaign_id, step_id, what=what, after=after)
