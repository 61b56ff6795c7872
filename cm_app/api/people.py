"""One person over HTTP: their timeline with its reasons, and why they get nothing now (SUP-8).

For whoever may read campaigns or stop marketing to a person, as in the portal; every call is audited
as a reading of personal data.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from cm_app.api.security import Caller, caller
from services.audience.people import open_person
from services.engine.timeline import Group, TimelinePage, timeline
from services.engine.why_not import WhyNot, why_not_now

router = APIRouter(prefix="/api/v1/people", tags=["People"])
Somebody = Annotated[Caller, Depends(caller())]


@router.get("/{contact_id}/timeline")
async def story(
    contact_id: UUID,
    who: Somebody,
    group: Annotated[list[Group] | None, Query(description="Only these kinds of items.")] = None,
    campaign_id: UUID | None = None,
    after: Annotated[str | None, Query(max_length=24, description="`older` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TimelinePage:
    """What entered, moved, was sent, refused, held or released, newest first. Needs `read` or `suppress`."""
    async with who.unit() as u:
        await open_person(u, contact_id)
        return await timeline(
            u, contact_id, groups=group or (), campaign_id=campaign_id, after=after, limit=limit
        )


@router.get("/{contact_id}/why-not")
async def why_not(
    contact_id: UUID, who: Somebody, campaign_id: UUID | None = None, step_id: str | None = None
) -> list[WhyNot]:
    """Every gate's answer now, for each running campaign or the one named, at the message they would
    get next or the step named. Needs `read` or `suppress`."""
    async with who.unit() as u:
        await open_person(u, contact_id)
        return await why_not_now(u, contact_id, campaign_id=campaign_id, step_id=step_id)
