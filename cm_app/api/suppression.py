"""Who and what is not written to: the practice's block list, and stopping marketing to a person."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route, accepts
from cm_app.api.security import Caller, caller
from services.audience.people import require_person
from services.contracts.envelope import Strict
from services.suppression import block_list, block_reading, blocks
from services.suppression import service as suppression

router = APIRouter(prefix="/api/v1", tags=["Suppression"], route_class=Route)
Keeper = Annotated[Caller, Depends(caller("suppress"))]
Remover = Annotated[Caller, Depends(caller("compliance"))]


class NewBlock(Strict):
    """`entry`: an email address, a phone number, a domain, or an identity of 16 hexadecimal digits."""

    entry: str = Field(min_length=1, max_length=400)
    ground: block_reading.Ground = "asked"
    kind: block_reading.Kind | None = None


class Why(Strict):
    why: str = Field(min_length=1, max_length=300)


class Stop(Strict):
    """`until`: when it ends by itself; without it somebody has to resume."""

    note: str = Field(min_length=1, max_length=500)
    until: AwareDatetime | None = None


class Added(BaseModel):
    """False: it was on the list before."""

    added: bool


class BlockPage(Page[block_list.BlockRow]):
    total: int


class Held(BaseModel):
    """How many journeys wait, or holds that ended."""

    changed: int


class LiveRow(BaseModel):
    suppression_id: UUID
    reason: str
    sentence: str
    scope: str
    channel: str | None
    topic: str | None
    note: str
    applied_at: datetime
    expires_at: datetime | None


@router.get("/blocked-destinations")
async def listing(
    who: Keeper,
    pages: Pages,
    search: Annotated[
        str | None, Query(max_length=400, description="An address, to find what blocks it.")
    ] = None,
) -> BlockPage:
    """List the practice's block list, the newest first.

    Entries are masked: the list cannot be read back. `search` also looks at the platform's list.
    """
    place = paging.take(who, "blocks", pages.cursor)
    async with who.unit() as u:
        if search:
            found = await block_list.find_blocks(u, search)
            return BlockPage(rows=found, total=len(found))
        rows, more, total = await block_list.blocks(u, before=place, most=pages.limit)
    return BlockPage(rows=rows, next=paging.give(who, "blocks", more), total=total)


@router.post("/blocked-destinations", status_code=201)
async def add(new: NewBlock, who: Keeper) -> Added:
    """Block an address. Nobody is written to there from now on; what is on its way is called back."""
    async with who.unit("people") as u:
        return Added(added=await blocks.block(u, new.entry, ground=new.ground, kind=new.kind))


@router.post("/blocked-destinations/import", status_code=201)
@accepts("text/csv", "text/plain", "application/octet-stream", most=block_reading.MAX_BYTES)
async def take_file(
    who: Keeper, request: Request, ground: block_reading.Ground = "asked"
) -> block_list.Imported:
    """Block the addresses of a file. A CSV as the body: a heading line with email, phone, domain or identity, or one entry a line."""
    body = await request.body()
    async with who.unit("people") as u:
        return await blocks.import_blocks(u, body, ground=ground)


@router.get("/blocked-destinations/imports")
async def files(who: Keeper, pages: Pages) -> Page[block_list.Imported]:
    """List the last files that were imported, with the rows that could not be read."""
    async with who.unit() as u:
        found = await block_list.imports_so_far(u, limit=100)
    return paging.of_list(who, "block-files", found, pages, lambda file: file.import_id)


@router.post("/blocked-destinations/{entry_id}/removal", status_code=204)
async def remove(entry_id: str, given: Why, who: Remover) -> None:
    """Unblock an address: take an entry off the practice's list, with the reason."""
    async with who.unit("people") as u:
        await blocks.unblock(u, entry_id, why=given.why)


@router.get("/people/{contact_id}/suppressions")
async def live(
    contact_id: UUID, who: Annotated[Caller, Depends(caller("read", "suppress"))], pages: Pages
) -> Page[LiveRow]:
    """List what keeps this person from being written to now, beside consent."""
    async with who.unit() as u:
        found = await suppression.live_suppressions(u, contact_id)
    rows = [LiveRow.model_validate(row, from_attributes=True) for row in found]
    return paging.of_list(who, f"live/{contact_id}", rows, pages, lambda row: row.suppression_id)


@router.post("/people/{contact_id}/marketing/{act}")
async def marketing(contact_id: UUID, act: Literal["stop", "resume"], given: Stop, who: Keeper) -> Held:
    """Stop marketing to a person, for good or until a moment, or let it go on (SUP-9)."""
    async with who.unit("people") as u:
        await require_person(u, contact_id)
        if act == "stop":
            return Held(
                changed=await suppression.stop_marketing(u, contact_id, note=given.note, until=given.until)
            )
        return Held(changed=await suppression.resume_marketing(u, contact_id, note=given.note))
