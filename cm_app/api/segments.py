"""Saved segments over HTTP: what a practice calls a group of people, and how many they are (AUD-1, AUD-4).

A rule is data in one grammar; a field that is not in the catalogue cannot be named (AUD-6). People come
back as counts only, never as names.
"""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from cm_app.api import paging
from cm_app.api.conditions import MayMatch, MustMatch
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.audience import segments
from services.audience import service as audiences
from services.audience.contracts import Exclusion, SegmentRow, SizePoint
from services.audience.errors import RuleInvalid
from services.audience.fields import catalogue
from services.audience.sentence import read_back
from services.contracts.envelope import Strict
from services.contracts.journey import Channel
from services.contracts.segment import Audience
from services.engine.reach import reach_by

router = APIRouter(prefix="/api/v1/segments", tags=["Segments"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]


class SegmentIn(Strict):
    """A whole segment: what is sent replaces what was there."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field("", max_length=2000)
    audience: Audience


class FieldOut(BaseModel):
    """A field that rules may name. `choices` is empty where any value may be given."""

    name: str
    label: str
    group: str
    type: str
    operators: list[str]
    choices: list[str]
    help: str


class AudienceIn(Strict):
    """An audience to look at; nothing is saved."""

    audience: Audience
    channel: Channel | None = Field(None, description="Also who a message on it would reach now.")


class Looked(BaseModel):
    """`reachable` and `excluded` are there when a channel was given."""

    count: int
    sentence: str
    reachable: int | None = None
    excluded: list[Exclusion] = Field(default_factory=list)


@router.get("")
async def page(who: Reader, pages: Pages, archived: bool = False) -> Page[SegmentRow]:
    """List saved segments by name, each with its sentence and its latest size."""
    async with who.unit() as u:
        found = await segments.page(u, archived=archived)
    return paging.of_list(who, "segments", found, pages, lambda row: row.segment_id)


@router.get("/fields")
async def fields(who: Reader, pages: Pages) -> Page[FieldOut]:
    """List what a rule may be about, with the operators that fit."""
    found = [FieldOut(**{**asdict(info), **_plain(info)}) for info in catalogue()]
    return paging.of_list(who, "fields", found, pages, lambda info: info.name)


@router.post("/preview")
async def preview(who: Reader, asked: AudienceIn) -> Looked:
    """Count an audience without saving it."""
    problems = audiences.problems(asked.audience)
    if problems:
        raise RuleInvalid(problems[0], problems=problems)
    async with who.unit() as u:
        if asked.channel is None:
            sentence = read_back(asked.audience, await segments.names(u))
            return Looked(count=await audiences.count(u, asked.audience), sentence=sentence)
        found = await reach_by(u, asked.audience, asked.channel)
        return Looked(
            count=found.count, sentence=found.sentence, reachable=found.reachable, excluded=found.excluded
        )


@router.post("", status_code=201)
async def create(who: Author, new: SegmentIn, response: Response) -> SegmentRow:
    """Save a segment and count it."""
    async with who.unit("segments") as u:
        made = await segments.create(u, name=new.name, audience=new.audience, description=new.description)
        await audiences.measure(u, made)
        response.headers["Location"] = f"/api/v1/segments/{made}"
        return await segments.get(u, made)


@router.get("/{segment_id}")
async def get(segment_id: UUID, who: Reader) -> SegmentRow:
    """Read a segment."""
    async with who.unit() as u:
        return await segments.get(u, segment_id)


@router.put("/{segment_id}")
async def replace(segment_id: UUID, who: Author, changed: SegmentIn, if_match: MustMatch) -> SegmentRow:
    """Replace a segment. Campaigns that use the segment follow at their next evaluation."""
    async with who.unit("segments") as u:
        now = segments.get(u, segment_id)
        await if_match.still(u, "cm.segment", "segment_id", segment_id, now)
        await segments.update(
            u,
            segment_id,
            name=changed.name,
            audience=changed.audience,
            description=changed.description,
        )
        await audiences.measure(u, segment_id)
        return await segments.get(u, segment_id)


@router.delete("/{segment_id}", status_code=204)
async def archive(segment_id: UUID, who: Author, if_match: MayMatch) -> None:
    """Archive a segment: take it out of the lists. Campaigns that name it go on; a segment built on it refuses this."""
    async with who.unit("segments") as u:
        now = segments.get(u, segment_id)
        await if_match.still(u, "cm.segment", "segment_id", segment_id, now)
        await segments.archive(u, segment_id)


@router.get("/{segment_id}/sizes")
async def sizes(
    segment_id: UUID, who: Reader, pages: Pages, days: Annotated[int, Query(ge=1, le=3650)] = 365
) -> Page[SizePoint]:
    """List how many people a segment held, the oldest first. Counted once a day and at every change."""
    async with who.unit() as u:
        await segments.get(u, segment_id)
        found = await segments.history(u, segment_id, days=days)
    return paging.of_list(
        who, f"sizes/{segment_id}", found, pages, lambda point: point.counted_at.isoformat()
    )


def _plain(info: Any) -> dict[str, list[str]]:
    return {
        "operators": [op for op, _words in info.operators],
        "choices": [value for value, _words in info.choices],
    }
