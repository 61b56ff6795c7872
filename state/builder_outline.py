"""The outline of the journey: what the person does in it, turned into edits and told (BLD-7).

Each payload is whatever the browser sent: it is read, never trusted, and every edit asks for the
`author` permission in `Builder.apply`. After each the outline says what happened, in a live region,
and which line has the focus.
"""

import json
from typing import Any, get_args

import reflex as rx

from services.builder import edits, moves
from services.builder.edits import StepKind
from services.builder.outline import outline, slots
from services.builder.outline_words import where
from services.builder.step_words import name_in
from services.contracts.journey import Journey
from state.builder import Builder, Edit
from state.builder_canvas import link_of, one_of
from state.session import acting, actor_of

VIEWS = ("canvas", "outline")


class Outline(rx.State):
    chosen: str = rx.LocalStorage("{}", name="cm_builder_views")
    """Which view each person who used this browser took last: {person: view}, as JSON."""
    said: str = ""
    said_count: int = 0
    focus: str = ""

    @rx.event
    async def load(self) -> None:
        """The view this person took last in this browser."""
        self.said, self.focus = "", ""
        who = str((await actor_of(self)).person_id)
        await self._view(_remembered(self.chosen).get(who, "canvas"))

    @rx.event
    async def set_view(self, view: str) -> None:
        who = str((await actor_of(self)).person_id)
        chosen = one_of(view, VIEWS)
        self.chosen = json.dumps({**_remembered(self.chosen), who: chosen})
        await self._view(chosen)

    async def _view(self, view: str) -> None:
        builder = await self.get_state(Builder)
        if not builder.ready:
            return
        async with acting(self, "read"):
            builder.view = view
            builder.show()

    @rx.event
    async def added(self, report: dict[str, Any]) -> Any:
        """A step of a kind on a way out; without one, unconnected."""
        kind, after = one_of(report.get("kind"), get_args(StepKind)), link_of(report.get("after"))
        made: list[str] = []

        def edit(journey: Journey) -> Journey:
            result, new = edits.add_step(journey, kind, after=after)  # type: ignore[arg-type]
            made.append(new)
            return result

        saving = await self._apply(edit, "add a step")
        builder = await self.get_state(Builder)
        builder.open_step(made[0])
        self._tell(builder.journey, f"Added {name_in(builder.journey, made[0])}", made[0])
        return saving

    @rx.event
    async def moved(self, report: dict[str, Any]) -> Any:
        """One place up or down, or onto a way out chosen from a list."""
        step, way, to = str(report.get("id")), report.get("way"), link_of(report.get("to"))
        if to is not None:
            saving = await self._apply(
                lambda j: moves.move_to(j, step, source=to[0], port=to[1]), "move a step"
            )
        else:
            direction: Any = one_of(way, ("up", "down"))
            saving = await self._apply(lambda j: moves.move_by_one(j, step, direction), "move a step")
        journey = (await self.get_state(Builder)).journey
        self._tell(journey, f"Moved {name_in(journey, step)}", step)
        return saving

    @rx.event
    async def linked(self, report: dict[str, Any]) -> Any:
        source, port, target = (str(report.get(part)) for part in ("source", "port", "target"))
        saving = await self._apply(
            lambda j: edits.connect(j, source=source, port=port, target=target), "connect two steps"
        )
        journey = (await self.get_state(Builder)).journey
        self._tell(journey, f"{name_in(journey, source)} now leads to {name_in(journey, target)}")
        self.focus = _line_of(journey, source, port)
        return saving

    @rx.event
    async def unlinked(self, report: dict[str, Any]) -> Any:
        source, port = (str(report.get(part)) for part in ("source", "port"))
        saving = await self._apply(lambda j: edits.disconnect(j, source=source, port=port), "remove a link")
        journey = (await self.get_state(Builder)).journey
        self._tell(journey, f"Link removed: nothing follows {name_in(journey, source)} on this way")
        self.focus = _line_of(journey, source, port)
        return saving

    @rx.event
    async def removed(self, report: dict[str, Any]) -> Any:
        step = str(report.get("id"))
        name = name_in((await self.get_state(Builder)).journey, step)
        saving = await self._apply(lambda j: edits.remove_steps(j, [step]), "remove a step")
        self._tell(None, f"Removed {name}. Undo brings it back")
        return saving

    @rx.event
    async def duplicated(self, report: dict[str, Any]) -> Any:
        step, made = str(report.get("id")), list[str]()

        def edit(journey: Journey) -> Journey:
            result, new = edits.duplicate_steps(journey, [step])
            made.extend(new)
            return result

        saving = await self._apply(edit, "duplicate a step")
        journey = (await self.get_state(Builder)).journey
        if made:
            self._tell(journey, f"Copied {name_in(journey, step)}", made[0])
        return saving

    @rx.event
    async def travelled(self, way: str) -> Any:
        """Undo or redo, and say what."""
        builder = await self.get_state(Builder)
        back = one_of(way, ("undo", "redo")) == "undo"
        what = builder.undo_words if back else builder.redo_words
        saving = await builder.travel(back=back)
        self._tell(None, f"{'Undone' if back else 'Done again'}: {what}" if what else f"Nothing to {way}")
        return saving

    async def _apply(self, edit: Edit, what: str) -> Any:
        builder = await self.get_state(Builder)
        return await builder.apply(edit, what)

    def _tell(self, journey: Journey | None, sentence: str, step: str = "") -> None:
        """Say what happened; with a step, where it stands now, and put the focus on it."""
        self.focus = ""
        if journey is not None and step:
            sentence = f"{sentence}: {where(journey, outline(journey), step)}"
            self.focus = f"step:{step}"
        self.said, self.said_count = f"{sentence}.", self.said_count + 1


def _line_of(journey: Journey, source: str, port: str) -> str:
    """The key of the line that says what follows on a way out."""
    rows = outline(journey)
    at = next(n for n, link in slots(rows) if link == (source, port))
    return rows[at + 1].key


def _remembered(stored: str) -> dict[str, str]:
    """What the browser kept; nothing when somebody else wrote there."""
    try:
        found = json.loads(stored)
    except (ValueError, TypeError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
