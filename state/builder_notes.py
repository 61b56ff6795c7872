"""What the canvas reports about sticky notes, turned into edits; removing is in `builder_canvas`."""

from typing import Any

import reflex as rx

from services.builder import note_edits
from services.contracts.journey import Position
from state.builder import Builder
from state.builder_canvas import position_of


class NoteReports(rx.State):
    @rx.event
    async def added(self, report: dict[str, Any]) -> Any:
        builder = await self.get_state(Builder)
        place = position_of(report.get("position")) or Position(x=0, y=0)
        return await builder.apply(lambda j: note_edits.add_note(j, place)[0], "add a note")

    @rx.event
    async def changed(self, report: dict[str, Any]) -> Any:
        """Another text or colour."""
        builder = await self.get_state(Builder)
        note = str(report.get("id"))
        changes = {key: str(report[key]) for key in ("text", "colour") if key in report}
        return await builder.apply(lambda j: note_edits.change_note(j, note, **changes), "change a note")
