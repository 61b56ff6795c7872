"""The stored text of a campaign, for support when it cannot be read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns.stored import stored_text

router = APIRouter(prefix="/api/v1/campaigns/{campaign_id}", tags=["Journeys"], route_class=Route)
Manager = Annotated[Caller, Depends(caller("manage"))]


@router.get("/stored", response_class=Response)
async def stored(campaign_id: UUID, who: Manager, version: UUID | None = None) -> Response:
    """Take the stored text of the draft, or of one version, as it is: for support."""
    async with who.unit() as u:
        text = await stored_text(u, campaign_id, version)
    name = f"campaign-{campaign_id.hex[-8:]}.txt"
    return Response(
        text, media_type="text/plain", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
