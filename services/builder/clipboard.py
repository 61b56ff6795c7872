"""Steps on the clipboard: out of one journey, into the same or another one (BLD-6).

What is copied is a piece of the declarative schema as JSON, so it can cross campaigns, tabs and
people. Reading it back asks the journey's own grammar: text from elsewhere is refused, never guessed
at. Steps refer to each other by links only; links inside the piece are kept, links to the outside are
left open, which the checks show as ways that end. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from services.builder.edits import find, fresh_id, with_port
from services.contracts.envelope import Strict
from services.contracts.journey import Journey, Position, Step, StepId, ports
from services.kit.errors import Invalid

MOST_TEXT = 20_000_000
"""Characters of clipboard text that are read at all."""
STEP_ASIDE = 48.0
"""Canvas units by which a paste moves on when something lies exactly there."""
NOT_STEPS = "What is on the clipboard is not a part of a journey, so nothing was pasted. Copy steps on a canvas first."
NOTHING = "Nothing has been copied yet. Choose steps on a canvas and copy them first."


class Clip(Strict):
    """A piece of a journey on its way: whole steps, linked among themselves only."""

    campaign_manager: Literal["steps"] = "steps"
    schema_version: Literal[1] = 1
    steps: Annotated[list[Step], Field(min_length=1, max_length=500)]


@dataclass(frozen=True)
class Pasted:
    """The journey after a paste; `new` are the ids of what came in, `left_out` the titles of starts
    that stayed behind because the journey has one."""

    journey: Journey
    new: list[StepId]
    left_out: int = 0


def copy_steps(journey: Journey, ids: Iterable[str], places: Mapping[str, Position] | None = None) -> str:
    """The chosen steps as clipboard text. `places` says where the canvas draws those without a
    place of their own. Raises NotFound, and Invalid when nothing is chosen."""
    chosen = [find(journey, step_id) for step_id in dict.fromkeys(ids)]
    if not chosen:
        raise Invalid("Choose at least one step first.")
    drawn = places or {}
    placed = [
        step.model_copy(update={"position": step.position or drawn.get(step.id)})
        for step in in_order(journey, chosen)
    ]
    names = {step.id: step.id for step in placed}
    return Clip(steps=[rename(step, names) for step in placed]).model_dump_json()


def read_clip(text: str) -> Clip:
    """What was copied. Raises Invalid with one plain sentence for anything that is not ours."""
    if not text.strip():
        raise Invalid(NOTHING)
    if len(text) > MOST_TEXT:
        raise Invalid(NOT_STEPS)
    try:
        clip = Clip.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        raise Invalid(NOT_STEPS) from error
    if len({step.id for step in clip.steps}) < len(clip.steps):
        raise Invalid(NOT_STEPS)
    return clip


def paste_steps(journey: Journey, text: str, *, at: Position | None = None) -> Pasted:
    """Add what `text` holds under fresh ids, its upper left corner at `at`; without `at`, a journey
    that the canvas lays out by itself takes the piece in likewise. A start is left behind where the
    journey has one. Raises Invalid; the journey is then as it was."""
    clip = read_clip(text)
    has_start = any(step.kind == "entry" for step in journey.steps)
    coming: list[Step] = []
    for step in clip.steps:
        if step.kind == "entry" and has_start:
            continue
        has_start = has_start or step.kind == "entry"
        coming.append(step)
    left_out = len(clip.steps) - len(coming)
    if not coming:
        raise Invalid("A journey starts in one place, and this one already has its start.")
    if len(journey.steps) + len(coming) > 500:
        raise Invalid("A journey takes 500 steps at most. Nothing was pasted.")
    names: dict[str, str] = {}
    result = journey
    for step in coming:
        names[step.id] = fresh_id(result, step.kind)
        named = step.model_copy(update={"id": names[step.id]})
        result = result.model_copy(update={"steps": [*result.steps, named]})
    new = set(names.values())
    free = at is not None or any(step.position for step in journey.steps)
    places = {names[s.id]: s.position for s in coming if s.position and free}
    moved = _moved(places, at, journey)
    steps = [
        rename(s, names).model_copy(update={"position": moved.get(s.id)}) if s.id in new else s
        for s in result.steps
    ]
    return Pasted(result.model_copy(update={"steps": steps}), list(names.values()), left_out)


def in_order(journey: Journey, chosen: list[Step]) -> list[Step]:
    """`chosen` in the order of the journey, so that the same choice always gives the same text."""
    wanted = {step.id for step in chosen}
    return [step for step in journey.steps if step.id in wanted]


def rename(step: Step, names: Mapping[str, str]) -> Step:
    """`step` with its links led to the new names; a link to anything unnamed is left open."""
    for key, _label, target in ports(step):
        step = with_port(step, key, names.get(target) if target else None)
    return step


def _moved(places: dict[str, Position], at: Position | None, journey: Journey) -> dict[str, Position]:
    """Where pasted steps lie: their arrangement kept, its corner at `at`, on top of nothing."""
    if not places:
        return {}
    left, top = min(p.x for p in places.values()), min(p.y for p in places.values())
    x, y = (at.x, at.y) if at else (left, top)
    taken = {(round(s.position.x), round(s.position.y)) for s in journey.steps if s.position}

    def shifted(by: float) -> dict[str, Position]:
        return {k: Position(x=p.x - left + x + by, y=p.y - top + y + by) for k, p in places.items()}

    by = 0.0
    while any((round(p.x), round(p.y)) in taken for p in shifted(by).values()):
        by += STEP_ASIDE
    return shifted(by)
