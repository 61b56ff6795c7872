"""Test messages to the team's own addresses (CNT-5)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.kit.live import notify
from services.test_sends import service as test_sends
from services.test_sends.contracts import TriedOut, TryOut

router = APIRouter(
    prefix="/api/v1/campaigns/{campaign_id}/test-sends", tags=["Test messages"], route_class=Route
)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]


@router.get("")
async def kept(campaign_id: UUID, who: Reader, pages: Pages) -> Page[TriedOut]:
    """List the latest fifty test messages, the newest first. Addresses are masked: they are not kept."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await test_sends.tests(u, campaign_id)
    return paging.of_list(who, f"tests/{campaign_id}", found, pages, lambda one: one.test_id)


@router.post("", status_code=202)
async def send(campaign_id: UUID, who: Author, wanted: TryOut) -> list[TriedOut]:
    """Send a test message of a step of the draft. No campaign, contact or figure changes."""
    async with who.unit():
        sent = await test_sends.send(who.app, who.actor, campaign_id, wanted)
    await notify(who.app.bus, who.actor.practice_id, "tests")
    return sent
