"""The list of saved segments: what each says, how many people it holds, and how that went."""

from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from services.audience import segments
from services.audience.contracts import SegmentRow, SizePoint
from state import words
from state.session import Session, acting, changed, pings, uuid_of


@dataclass(frozen=True)
class SegmentCard:
    id: str
    name: str
    description: str
    sentence: str
    size: str
    counted: str
    trend: str
    points: list[dict[str, Any]] = field(default_factory=list)


class Segments(rx.State):
    loading: bool = True
    cards: list[SegmentCard] = []

    @rx.event
    async def load(self) -> Any:
        await self._read()
        return Segments.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """A segment that somebody else saves appears by itself."""
        async for topic in pings(self, "/segments"):
            if topic == "segments":
                async with self:
                    await self._read()

    @rx.event
    async def archive(self, segment_id: str) -> Any:
        """Take a segment out of the list. Campaigns that use it go on."""
        async with acting(self, "author") as u:
            await segments.archive(u, uuid_of(segment_id))
        await changed(self, "segments")
        await self._read()
        return rx.toast.success("The segment was removed. Campaigns that use it go on as before.")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            rows = await segments.page(u)
            sizes = await segments.histories(u)
        self.cards = [_card(row, sizes.get(row.segment_id, []), zone) for row in rows]
        self.loading = False


def _card(row: SegmentRow, sizes: list[SizePoint], zone: str) -> SegmentCard:
    return SegmentCard(
        id=str(row.segment_id),
        name=row.name,
        description=row.description,
        sentence=row.sentence,
        size=words.count(row.size),
        counted=f"Counted {words.moment(row.counted_at, zone)}" if row.counted_at else "Not counted yet",
        trend=trend(sizes),
        points=points(sizes, zone),
    )


def points(sizes: list[SizePoint], zone: str) -> list[dict[str, Any]]:
    """The sizes as a chart draws them."""
    return [{"day": words.day(one.counted_at, zone), "value": one.size} for one in sizes]


def trend(sizes: list[SizePoint]) -> str:
    """What the line says, in words."""
    if len(sizes) < 2:
        return ""
    change = sizes[-1].size - sizes[0].size
    if change == 0:
        return "As many as at the first count"
    return f"{words.count(abs(change))} {'more' if change > 0 else 'fewer'} than at the first count"
