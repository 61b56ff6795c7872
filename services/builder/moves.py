"""Moving a step one place up or down the outline (BLD-7); where to is `services.builder.relocate`'s. Pure."""

from typing import Literal

from services.builder import edits
from services.builder.graph import graph_of, reachable
from services.builder.outline import Link, outline, slots
from services.builder.relocate import move_to
from services.contracts.journey import Entry, Journey, ports
from services.kit.errors import Invalid

Direction = Literal["up", "down"]


def move_by_one(journey: Journey, step_id: str, direction: Direction) -> Journey:
    """One place up or down the outline, into or out of a path where that is next. Raises Invalid,
    with a sentence, where several ways meet at the step or there is no further place."""
    if isinstance(edits.find(journey, step_id), Entry):
        raise Invalid("The start stays where it is: everything follows from it.")
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
