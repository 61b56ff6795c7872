"""Copy, cut and paste on the canvas, within and across campaigns (BLD-6).

What is copied goes to the browser's clipboard, so that it reaches other tabs and people, and is kept
in this session as well, for browsers that do not let a page write or read it.
"""

from typing import Any

import reflex as rx

from services.builder import clipboard, edits
from services.contracts.journey import Journey
from state.builder import Builder
from state.builder_canvas import ids_of, places_of, position_of
from state.session import acting


class Clipboard(rx.State):
    clip: dict[str, Any] = {"text": "", "number": 0}

    @rx.event
    async def copied(self, report: dict[str, Any]) -> Any:
        """Take the chosen steps as text; also out of a campaign that cannot be edited now."""
        builder = await self.get_state(Builder)
        ids = ids_of(report)
        async with acting(self, "read"):
            self._keep(clipboard.copy_steps(builder.journey, ids, places_of(report)))
        return rx.toast.info(f"{steps(len(ids))} copied. Paste here, or in another campaign.")

    @rx.event
    async def cut(self, report: dict[str, Any]) -> Any:
        builder = await self.get_state(Builder)
        ids, places = ids_of(report), places_of(report)
        taken: list[str] = []

        def edit(journey: Journey) -> Journey:
            taken.append(clipboard.copy_steps(journey, ids, places))
            return edits.remove_steps(journey, ids)

        saving = await builder.apply(edit, f"cut {steps(len(ids)).lower()}")
        self._keep(taken[0])
        return saving

    @rx.event
    async def pasted(self, report: dict[str, Any]) -> Any:
        """Paste what the browser read; without a text, what was copied last in this tab."""
        builder = await self.get_state(Builder)
        given = report.get("text")
        text = given if isinstance(given, str) else str(self.clip["text"])
        place, places = position_of(report.get("position")), places_of(report)
        left: list[int] = []

        def edit(journey: Journey) -> Journey:
            done = clipboard.paste_steps(edits.pin(journey, places), text, at=place)
            left.append(done.left_out)
            return done.journey

        saving = await builder.apply(edit, "paste steps")
        if left[0]:
            return [saving, rx.toast.info("The start was left behind: this journey has its own.")]
        return saving

    def _keep(self, text: str) -> None:
        self.clip = {"text": text, "number": self.clip["number"] + 1}


def steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
