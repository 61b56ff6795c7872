"""Taking a step to another place in the journey: up, down, or onto any way out (BLD-7).

Pure, like `services.builder.edits`, whose edits these are made of. What led to the step leads to
what followed it; what the new place led to follows the step.
"""

from typing import Literal

from services.builder import edits
from services.builder.graph import graph_of, reachable
from services.builder.outline import Link, outline, slots
from services.contracts.journey import Entry, Journey, Step, StepId, ports
from services.kit.errors import Invalid

Direction = Literal["up", "down"]


def move_to(journey: Journey, step_id: str, to: Link) -> Journey:
    """Put a step on a way out of another. Raises Invalid, with a sentence, where that has no one
    meaning: the start stays first, and a step whose ways lead to several steps moves by its links."""
    step = _movable(journey, step_id)
    source, port = to
    if source == step_id:
        raise Invalid("A step cannot follow itself.")
    if edits.target_of(edits.find(journey, source), port) == step_id:
        return journey
    rest = edits.remove_steps(journey, [step_id])
    return edits.insert_between(rest, _loose(step), source=source, port=port)


def move_by_one(journey: Journey, step_id: str, direction: Direction) -> Journey:
    """One place up or down the outline, into or out of a path where that is next. Raises Invalid."""
    step = _movable(journey, step_id)
    leading = [link for link in _links_to(journey, step_id) if not _is_loop(journey, step_id, link[0])]
    if len(leading) > 1:
        raise Invalid("Several ways meet at this step. Use “Move to” and say where it should stand.")
    rows = outline(journey)
    at = next(n for n, row in enumerate(rows) if row.what == "step" and row.step_id == step_id)
    fitting = [
        (n, link)
        for n, link in slots(rows)
        if link[0] != step_id and link not in leading and _fits(journey, step, link)
    ]
    places = [link for n, link in fitting if (n < at if direction == "up" else n > at)]
    if not places:
        raise Invalid(f"It cannot go further {direction}.")
    return move_to(journey, step_id, places[-1] if direction == "up" else places[0])


def places_for(journey: Journey, step_id: str) -> list[Link]:
    """Every way out this step could stand on, in reading order."""
    step = edits.find(journey, step_id)
    return [link for _, link in slots(outline(journey)) if link[0] != step_id and _fits(journey, step, link)]


def _movable(journey: Journey, step_id: str) -> Step:
    step = edits.find(journey, step_id)
    if isinstance(step, Entry):
        raise Invalid("The start stays where it is: a journey begins with it.")
    if len({target for _, _, target in ports(step) if target}) > 1:
        raise Invalid(
            "Several paths hang on this step. Move the steps of its paths, or change what leads to it."
        )
    return step


def _loose(step: Step) -> Step:
    """The step with all its ways open and no place on the canvas."""
    for key, _, _ in ports(step):
        step = edits.with_port(step, key, None)
    return step.model_copy(update={"position": None})


def _links_to(journey: Journey, step_id: str) -> list[Link]:
    return [(s.id, key) for s in journey.steps for key, _, target in ports(s) if target == step_id]


def _is_loop(journey: Journey, step_id: StepId, source: str) -> bool:
    """Whether a link from `source` comes back from further down: the step itself leads there."""
    return source in _ahead(journey, step_id)


def _ahead(journey: Journey, step_id: str) -> set[str]:
    graph = graph_of(journey)
    return reachable(graph, graph[step_id])


def _fits(journey: Journey, step: Step, to: Link) -> bool:
    """Nothing can follow an end, so it fits where a way is open."""
    if ports(step):
        return True
    target = edits.target_of(edits.find(journey, to[0]), to[1])
    return target is None or target == step.id
