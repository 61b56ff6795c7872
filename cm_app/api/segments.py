"""Saved segments over HTTP: what a practice calls a group of people, and how many they are (AUD-1, AUD-4).

A rule is data in one grammar; a field that is not in the catalogue cannot be named (AUD-6). People come
back as counts only, never as names.
"""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

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

router = APIRouter(prefix="/api/v1/segments", tags=["Segments"])
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]


class SegmentIn(Strict):
    """A whole segment: what is sent replaces what was there."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field("", max_length=2000)
    audience: Audience


class SegmentChange(SegmentIn):
    """With `unchanged_since`, the `updated_at` you edited, a newer change of somebody else is refused
    with 409 instead of overwritten."""

    unchanged_since: AwareDatetime | None = None


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
async def page(who: Reader, archived: bool = False) -> list[SegmentRow]:
    async with who.unit() as u:
        return await segments.page(u, archived=archived)


@router.get("/fields")
async def fields(_: Reader) -> list[FieldOut]:
    """Everything a rule may be about, with the operators that fit."""
    return [FieldOut(**{**asdict(info), **_plain(info)}) for info in catalogue()]


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
async def create(who: Author, new: SegmentIn) -> SegmentRow:
    async with who.unit("segments") as u:
        made = await segments.create(u, name=new.name, audience=new.audience, description=new.description)
        await audiences.measure(u, made)
        return await segments.get(u, made)


@router.get("/{segment_id}")
async def get(segment_id: UUID, who: Reader) -> SegmentRow:
    async with who.unit() as u:
        return await segments.get(u, segment_id)


@router.put("/{segment_id}")
async def replace(segment_id: UUID, who: Author, changed: SegmentChange) -> SegmentRow:
    """Campaigns that use the segment follow at their next evaluation."""
    async with who.unit("segments") as u:
        await segments.update(
            u,
            segment_id,
            name=changed.name,
            audience=changed.audience,
            description=changed.description,
            unchanged_since=changed.unchanged_since,
        )
        await audiences.measure(u, segment_id)
        return await segments.get(u, segment_id)


@router.delete("/{segment_id}", status_code=204)
async def archive(segment_id: UUID, who: Author) -> None:
    """Take it out of the lists. Campaigns that name it go on; a segment built on it refuses this."""
    async with who.unit("segments") as u:
        await segments.archive(u, segment_id)


@router.get("/{segment_id}/sizes")
async def sizes(
    segment_id: UUID, who: Reader, days: Annotated[int, Query(ge=1, le=3650)] = 365
) -> list[SizePoint]:
    """How many people it held, oldest first; counted once a day and at every change."""
    async with who.unit() as u:
        await segments.get(u, segment_id)
        return await segments.history(u, segment_id, days=days)


def _plain(info: Any) -> dict[str, list[str]]:
    return {
        "operators": [op for op, _words in info.operators],
        "choices": [value for value, _words in info.choices],
    }
