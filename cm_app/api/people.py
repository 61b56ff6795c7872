"""One person over HTTP: their timeline with its reasons, and why they get nothing now (SUP-8).

For whoever may read campaigns or stop marketing to a person, as in the portal; every call is audited
as a reading of personal data.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.audience.people import open_person
from services.engine.timeline import Group, TimelineItem, timeline
from services.engine.why_not import WhyNot, why_not_now

router = APIRouter(prefix="/api/v1/people", tags=["People"], route_class=Route)
Somebody = Annotated[Caller, Depends(caller("read", "suppress"))]


class Consent(BaseModel):
    channel: str
    purpose: str
    state: str
    method: str
    effective_at: datetime


class Summary(BaseModel):
    """A person by reference: no name, address or date of birth. Those are the Practice Platform's to give."""

    contact_id: UUID
    kind: str
    do_not_contact: bool
    deceased: bool
    stopped: bool
    journeys: int
    registered_at: datetime
    last_visit: datetime | None
    next_visit: datetime | None
    timezone: str
    consents: list[Consent]


@router.get("/{contact_id}")
async def summary(contact_id: UUID, who: Somebody) -> Summary:
    """Read what marketing knows of a person: consent, stops, journeys and visits, without who they are."""
    async with who.unit() as u:
        opened = await open_person(u, contact_id)
    person = {name: getattr(opened.person, name) for name in Summary.model_fields if name != "consents"}
    consents = [Consent.model_validate(one, from_attributes=True) for one in opened.consents]
    return Summary(**person, consents=consents)


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
