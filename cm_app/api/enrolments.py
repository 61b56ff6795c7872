"""Enrolments over HTTP: who is where in which journey, people brought in and taken out (ENG-7, LIF-3)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.contracts.envelope import Strict
from services.engine import by_hand
from services.engine.by_hand import Asked, EnrolmentRow, State

router = APIRouter(prefix="/api/v1", tags=["Enrolments"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Remover = Annotated[Caller, Depends(caller("manage", "suppress"))]


class People(Strict):
    """References of contacts, 500 at most."""

    contact_ids: list[UUID] = Field(min_length=1, max_length=by_hand.MOST)


class Note(Strict):
    note: str = Field("", max_length=300)


class Added(BaseModel):
    """What became of each, in the order asked."""

    people: list[Asked]


@router.get("/enrolments")
async def page(
    who: Reader,
    pages: Pages,
    campaign_id: UUID | None = None,
    contact_id: UUID | None = None,
    state: Annotated[list[State] | None, Query(description="Only these states.")] = None,
) -> Page[EnrolmentRow]:
    """List enrolments by campaign, person and state, the newest first."""
    place = paging.take(who, "enrolments", pages.cursor)
    at, _, last = (place or "").partition(" ")
    async with who.unit() as u:
        found = await by_hand.enrolments(
            u,
            campaign_id=campaign_id,
            contact_id=contact_id,
            states=state or (),
            before=(datetime.fromisoformat(at), UUID(last)) if place else None,
            limit=pages.limit + 1,
        )
    end = found[pages.limit - 1] if len(found) > pages.limit else None
    after = f"{end.enrolled_at.isoformat()} {end.enrolment_id}" if end else None
    return Page(rows=found[: pages.limit], next=paging.give(who, "enrolments", after))


@router.get("/enrolments/{enrolment_id}")
async def one(enrolment_id: UUID, who: Reader) -> EnrolmentRow:
    """Read where somebody is in a journey."""
    async with who.unit() as u:
        return await by_hand.enrolment(u, enrolment_id)


@router.post("/campaigns/{campaign_id}/enrolments")
async def add(campaign_id: UUID, who: Manager, people: People) -> Added:
    """Bring people into a campaign that takes them one by one.

    Its entry is `manual` and it is active. Every gate and re-entry rule holds as for everybody else; the
    answer says of each whether they came in, and if not, why.
    """
    async with who.unit("people", "campaigns") as u:
        return Added(people=await by_hand.add(u, campaign_id, people.contact_ids))


@router.post("/enrolments/{enrolment_id}/exit")
async def end(enrolment_id: UUID, who: Remover, given: Note) -> EnrolmentRow:
    """Take somebody out of a journey. What was requested for them is called back."""
    async with who.unit("people") as u:
        return await by_hand.end(u, enrolment_id, note=given.note)
