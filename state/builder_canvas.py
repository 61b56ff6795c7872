"""What the canvas reports, turned into edits. Each payload is whatever the browser sent: it is read,
never trusted, and every edit asks for the `author` permission in `Builder.apply`."""

from typing import Any, get_args

import reflex as rx

from services.builder import edits, moves, note_edits
from services.builder.edits import StepKind
from services.contracts.journey import Journey, Position
from services.kit.errors import Invalid
from state.builder import Builder


class CanvasReports(rx.State):
    @rx.event
    async def step_added(self, report: dict[str, Any]) -> Any:
        builder = await self.get_state(Builder)
        kind = one_of(report.get("kind"), get_args(StepKind))
        where, place = link_of(report.get("after")), position_of(report.get("position"))
        places = places_of(report)
        made: list[str] = []

        def edit(journey: Journey) -> Journey:
            result, new = edits.add_step(edits.pin(journey, places), kind, after=where, position=place)  # type: ignore[arg-type]
            made.append(new)
            return result

        saving = await builder.apply(edit, "add a step")
        builder.open_step(made[0])
        return saving

    @rx.event
    async def step_moved(self, report: dict[str, Any]) -> Any:
        """Steps and notes were dragged together: one edit."""
        builder = await self.get_state(Builder)
        places, notes = places_of(report), places_of(report, "notes")

        def edit(journey: Journey) -> Journey:
            journey = edits.place_steps(journey, places)
            for note, place in notes.items():
                journey = note_edits.change_note(journey, note, position=place)
            return journey

        return await builder.apply(edit, "move a step" if places else "move a note")

    @rx.event
    async def linked(self, report: dict[str, Any]) -> Any:
        builder = await self.get_state(Builder)
        source, port, target = (str(report.get(part)) for part in ("source", "port", "target"))
        return await builder.apply(
            lambda j: edits.connect(j, source=source, port=port, target=target), "connect two steps"
        )

    @rx.event
    async def unlinked(self, report: dict[str, Any]) -> Any:
        builder = await self.get_state(Builder)
        source, port = (str(report.get(part)) for part in ("source", "port"))
        return await builder.apply(lambda j: edits.disconnect(j, source=source, port=port), "remove a link")

    @rx.event
    async def put(self, report: dict[str, Any]) -> Any:
        """A step was taken to another line or open end."""
        builder = await self.get_state(Builder)
        step, source, port = (str(report.get(part)) for part in ("id", "source", "port"))
        return await builder.apply(
            lambda j: moves.move_to(j, step, source=source, port=port), "move a step elsewhere"
        )

    @rx.event
    async def removed(self, report: dict[str, Any]) -> Any:
        """Steps and notes, in one edit."""
        builder = await self.get_state(Builder)
        ids, notes = ids_of(report), ids_of(report, "notes")
        if len(ids) + len(notes) > 1:
            what = f"remove {len(ids) + len(notes)} things"
        else:
            what = "remove a step" if ids else "remove a note"
        return await builder.apply(lambda j: note_edits.remove_notes(edits.remove_steps(j, ids), notes), what)

    @rx.event
    async def duplicated(self, report: dict[str, Any]) -> Any:
        builder = await self.get_state(Builder)
        ids = ids_of(report)
        return await builder.apply(lambda j: edits.duplicate_steps(j, ids)[0], "duplicate steps")

    @rx.event
    async def tidied(self) -> Any:
        builder = await self.get_state(Builder)
        return await builder.apply(edits.tidy, "tidy up")


def one_of(value: object, allowed: tuple[str, ...]) -> str:
    """A word from the browser that must be one of `allowed`. Raises Invalid."""
    if value not in allowed:
        raise Invalid("The page asked for something this version does not know. Reload it.")
    return str(value)


def link_of(value: object) -> tuple[str, str] | None:
    return (str(value.get("step")), str(value.get("port"))) if isinstance(value, dict) else None


def position_of(value: object) -> Position | None:
    """A place on the canvas, kept within reason. Raises Invalid."""
    if value is None:
        return None
    try:
        x, y = (float(value[axis]) for axis in ("x", "y"))  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("The page sent a place that cannot be read. Reload it.") from error
    if not (abs(x) < 1e6 and abs(y) < 1e6):
        raise Invalid("That is too far away on the canvas.")
    return Position(x=x, y=y)


def ids_of(report: dict[str, Any], part: str = "ids") -> list[str]:
    found = report.get(part)
    return [str(one) for one in found][:500] if isinstance(found, list) else []


def places_of(report: dict[str, Any], part: str = "places") -> dict[str, Position]:
    """Where the canvas draws steps (or notes) now, by id. Raises Invalid."""
    found = report.get(part)
    if not isinstance(found, dict):
        return {}
    known = {str(key): position_of(place) for key, place in list(found.items())[:500]}
    return {key: place for key, place in known.items() if place is not None}
