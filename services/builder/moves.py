"""Moving a step: to a place of its own choosing (BLD-1), or one place up or down the outline (BLD-7). Pure.

Both take the step out of where it is and put it somewhere else in one edit, so that undo is one too.
"""

from typing import Literal

from services.builder.edits import find, insert_between, target_of, with_port
from services.builder.graph import graph_of, reachable
from services.builder.outline import Link, outline, slots
from services.contracts.journey import Entry, Journey, Step, ports
from services.kit.errors import Invalid

Direction = Literal["up", "down"]


def move_to(journey: Journey, step_id: str, *, source: str, port: str) -> Journey:
    """Put a step on a port of `source`; whatever led to it leads to what came after it.

    A step with several ways out hands on what its first one led to and takes the others along. On
    a line, what the line led to follows the step's first way out, as with a new step. Moving a step
    onto a line of its own changes nothing. Raises Invalid, NotFound.
    """
    step = _movable(journey, step_id)
    target = target_of(find(journey, source), port)
    if target == step_id or (source == step_id and port == ports(step)[0][0]):
        return journey
    ways = ports(step)
    heir = ways[0][2] if ways else None
    if heir == step_id:
        heir = None
    along = [t for _k, _l, t in ways[1:] if t]
    if source == step_id or source in reachable(graph_of(_without(journey, step, heir)), along):
        raise Invalid("That line comes after this step on a path it takes along. Choose a line before it.")
    if not ways and target is not None:
        raise Invalid("Nothing can follow an end. Put it where a path is still open.")
    healed = _without(journey, step, heir)
    freed: Step = step.model_copy(update={"position": None})
    if ways:
        freed = with_port(freed, ways[0][0], None)
    return insert_between(healed, freed, source=source, port=port)


def move_by_one(journey: Journey, step_id: str, direction: Direction) -> Journey:
    """One place up or down the outline, into or out of a path where that is next. Raises Invalid,
    with a sentence, where several ways meet at the step or there is no further place."""
    _movable(journey, step_id)
    leading = _leading(journey, step_id)
    if len(leading) > 1:
        raise Invalid("Several ways meet at this step. Use “Move to” and say where it should stand.")
    rows = outline(journey)
    at = next(n for n, row in enumerate(rows) if row.what == "step" and row.step_id == step_id)
    places = [(n, link) for n, link in slots(rows) if link[0] != step_id and link not in leading]
    ahead = [link for n, link in places if n > at] if direction == "down" else []
    behind = [link for n, link in reversed(places) if n < at] if direction == "up" else []
    for source, port in (*ahead, *behind):
        try:
            return move_to(journey, step_id, source=source, port=port)
        except Invalid:
            continue  # an end fits only where a way is open; a branch not inside its own paths
    raise Invalid(f"It cannot go further {direction}.")


def _movable(journey: Journey, step_id: str) -> Step:
    step = find(journey, step_id)
    if isinstance(step, Entry):
        raise Invalid("The start stays where it is: everything follows from it.")
    return step


def _leading(journey: Journey, step_id: str) -> list[Link]:
    """The ways that lead to a step, those that come back to it from further down left out."""
    graph = graph_of(journey)
    after = reachable(graph, graph[step_id])
    return [
        (step.id, key)
        for step in journey.steps
        for key, _, target in ports(step)
        if target == step_id and step.id not in after
    ]


def _without(journey: Journey, step: Step, heir: str | None) -> Journey:
    kept = [_redirected(s, step.id, heir) for s in journey.steps if s.id != step.id]
    return journey.model_copy(update={"steps": kept})


def _redirected(step: Step, gone: str, heir: str | None) -> Step:
    for key, _label, target in ports(step):
        if target == gone:
            step = with_port(step, key, None if heir == step.id else heir)
    return step
