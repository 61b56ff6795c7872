"""Taking a step out of where it is and putting it somewhere else, in one edit (BLD-1). Pure."""

from __future__ import annotations

from services.builder.edits import find, insert_between, target_of, with_port
from services.builder.graph import graph_of, reachable
from services.contracts.journey import Entry, Journey, Step, ports
from services.kit.errors import Invalid


def move_to(journey: Journey, step_id: str, *, source: str, port: str) -> Journey:
    """Put a step on a port of `source`; whatever led to it leads to what came after it.

    A step with several ways out hands on what its first one led to and takes the others along. On
    a line, what the line led to follows the step's first way out, as with a new step. Moving a step
    onto a line of its own changes nothing. Raises Invalid, NotFound.
    """
    step = find(journey, step_id)
    if isinstance(step, Entry):
        raise Invalid("The start stays where it is: everything follows from it.")
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


def _without(journey: Journey, step: Step, heir: str | None) -> Journey:
    kept = [_redirected(s, step.id, heir) for s in journey.steps if s.id != step.id]
    return journey.model_copy(update={"steps": kept})


def _redirected(step: Step, gone: str, heir: str | None) -> Step:
    for key, _label, target in ports(step):
        if target == gone:
            step = with_port(step, key, None if heir == step.id else heir)
    return step
