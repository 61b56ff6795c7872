"""Suppressions over HTTP: what keeps people from being written to, put and lifted by staff (SUP-9)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.audience.people import require_person
from services.contracts.envelope import Strict
from services.gates.reasons import Reason
from services.suppression import listing
from services.suppression import service as suppression
from services.suppression.listing import SuppressionRow

router = APIRouter(prefix="/api/v1/suppressions", tags=["Suppression"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read", "suppress"))]
Keeper = Annotated[Caller, Depends(caller("suppress"))]


class NewSuppression(Strict):
    """`until`: when it ends by itself; without it somebody has to lift it."""

    contact_id: UUID
    note: str = Field(min_length=1, max_length=500)
    until: AwareDatetime | None = None


class Lifting(Strict):
    note: str = Field(min_length=1, max_length=500)


@router.get("")
async def page(
    who: Reader,
    pages: Pages,
    contact_id: UUID | None = None,
    reason: Reason | None = None,
    live: Annotated[bool, Query(description="Those that hold now; false: those that ended.")] = True,
) -> Page[SuppressionRow]:
    """List suppressions by person and reason, the newest first."""
    name = f"suppressions/{live}"
    place = paging.take(who, name, pages.cursor)
    at, _, last = (place or "").partition(" ")
    async with who.unit() as u:
        found = await listing.suppressions(
            u,
            live=live,
            contact_id=contact_id,
            reason=reason,
            before=(datetime.fromisoformat(at), UUID(last)) if place else None,
            limit=pages.limit + 1,
        )
    end = found[pages.limit - 1] if len(found) > pages.limit else None
    after = f"{end.applied_at.isoformat()} {end.suppression_id}" if end else None
    return Page(rows=found[: pages.limit], next=paging.give(who, name, after))


@router.get("/{suppression_id}")
async def one(suppression_id: UUID, who: Reader) -> SuppressionRow:
    """Read a suppression."""
    async with who.unit() as u:
        return await listing.suppression(u, suppression_id)


@router.post("", status_code=201)
async def put(who: Keeper, new: NewSuppression) -> SuppressionRow:
    """Stop marketing to a person, for good or until a moment.

    Their journeys wait, and what is on its way is called back. Of two the longer counts.
    """
    async with who.unit("people") as u:
        await require_person(u, new.contact_id)
        await suppression.stop_marketing(u, new.contact_id, note=new.note, until=new.until)
        found = await listing.suppressions(
            u, contact_id=new.contact_id, reason=Reason.MANUAL_SUPPRESSION, limit=1
        )
        return found[0]


@router.post("/{suppression_id}/lift")
async def lift(suppression_id: UUID, who: Keeper, given: Lifting) -> SuppressionRow:
    """Lift what staff stopped.

    What an event stopped (an emergency, a STOP, a complaint) ends by its own event and not here. Consent and
    every gate are asked anew at the next step.
    """
    async with who.unit("people") as u:
        row = await listing.suppression(u, suppression_id)
        listing.require_by_staff(row)
        await suppression.resume_marketing(u, row.contact_id, note=given.note)
        return await listing.suppression(u, suppression_id)
