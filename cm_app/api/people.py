"""One person over HTTP: their timeline with its reasons, and why they get nothing now (SUP-8).

For whoever may read campaigns or stop marketing to a person, as in the portal; every call is audited
as a reading of personal data.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.audience.people import open_person
from services.engine.timeline import Group, TimelineItem, timeline
from services.engine.why_not import WhyNot, why_not_now

router = APIRouter(prefix="/api/v1/people", tags=["People"], route_class=Route)
Somebody = Annotated[Caller, Depends(caller("read", "suppress"))]


@router.get("/{contact_id}/timeline")
async def story(
    contact_id: UUID,
    who: Somebody,
    group: Annotated[list[Group] | None, Query(description="Only these kinds of items.")] = None,
    campaign_id: UUID | None = None,
    *,
    pages: Pages,
) -> Page[TimelineItem]:
    """Read a person's timeline: what entered, moved, was sent, refused, held or released, the newest first."""
    name = f"timeline/{contact_id}"
    place = paging.take(who, name, pages.cursor)
    async with who.unit() as u:
        await open_person(u, contact_id)
        found = await timeline(
            u, contact_id, groups=group or (), campaign_id=campaign_id, after=place, limit=pages.limit
        )
    return Page(rows=list(found.items), next=paging.give(who, name, found.older))


@router.get("/{contact_id}/why-not")
async def why_not(
    contact_id: UUID,
    who: Somebody,
    pages: Pages,
    campaign_id: UUID | None = None,
    step_id: Annotated[str | None, Query(max_length=100)] = None,
) -> Page[WhyNot]:
    """Ask why a person gets nothing now.

    Every gate's answer, for each running campaign or the one named, at the message they would get next or
    the step named.
    """
    async with who.unit() as u:
        await open_person(u, contact_id)
        found = await why_not_now(u, contact_id, campaign_id=campaign_id, step_id=step_id)
    return paging.of_list(
        who, f"why-not/{contact_id}", found, pages, lambda row: (row.campaign_id, row.step_id)
    )
