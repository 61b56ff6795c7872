"""Running journeys over HTTP: what a change means for people inside (D8)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import Impact

router = APIRouter(prefix="/api/v1/campaigns/{campaign_id}", tags=["Running journeys"])
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("/impact")
async def impact(campaign_id: UUID, who: Reader) -> Impact:
    """Who stands at which step of the versions that run, what is proposed for them if the draft were
    published, and where else they could go; counted now."""
    async with who.unit() as u:
        return await campaigns.impact(u, campaign_id)
