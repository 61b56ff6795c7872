"""Where people inside a journey can go when it changes (D8): pure functions of the versions.

Nobody may get the same message step twice for one entry. Whoever stands at a step may have had every
message that leads to it in any version so far; a place from which one of them would come again is
no place to move them to, unless the old journey would have sent it again from there, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.builder.graph import graph_of, reachable
from services.builder.step_words import title
from services.campaigns.contracts import Fate, Target
from services.contracts.journey import Journey, Step


@dataclass(frozen=True, slots=True)
class Way:
    """What we propose for the people at one step, why, and where else they could go."""

    choice: Fate
    to_step: str | None
    why: str
    targets: tuple[Target, ...]


def way_for(step_id: str, old: Journey, new: Journey, older: Sequence[Journey] = ()) -> Way:
    """The proposal for whoever stands at `step_id` of `old`, when `new` is published. `older`: the
    campaign's versions before, through which they may have come."""
    had = _may_have_had(step_id, [old, *older])
    still_to_come = reachable(graph_of(old), [step_id])
    known = {step.id: step for step in new.steps}
    graph = graph_of(new)
    again = {
        target: [known[m] for m in reachable(graph, [target]) & had - still_to_come if _is_message(known, m)]
        for target, step in known.items()
        if step.kind != "entry"
    }
    safe = [target for target, repeated in again.items() if not repeated]
    targets = tuple(Target(step_id=t, title=title(known[t])) for t in safe)
    before = next((step for step in old.steps if step.id == step_id), None)
    same = before is not None and step_id in known and known[step_id].kind == before.kind
    if same and step_id in safe:
        return Way("move", step_id, "This step is still there.", targets)
    why = _why(step_id, known, same=same, repeated=again.get(step_id, []))
    following = _next_that_stays(step_id, old, new, safe)
    if following is None:
        return Way("finish", None, f"{why} Nothing that follows it is left either.", targets)
    return Way("move", following, f"{why} “{title(known[following])}” comes next.", targets)


def _is_message(known: dict[str, Step], step_id: str) -> bool:
    return step_id in known and known[step_id].kind == "message"


def _may_have_had(step_id: str, journeys: Sequence[Journey]) -> set[str]:
    """Message steps of any version from which one comes to the step, in any version."""
    together: dict[str, list[str]] = {}
    messages: set[str] = set()
    for journey in journeys:
        messages |= {step.id for step in journey.steps if step.kind == "message"}
        for source, targets in graph_of(journey).items():
            together.setdefault(source, []).extend(targets)
    return {m for m in messages if step_id in reachable(together, together.get(m, []))}


def _why(step_id: str, known: dict[str, Step], *, same: bool, repeated: Sequence[Step]) -> str:
    if step_id not in known:
        return "This step was taken out."
    if not same:
        return f"This step is now something else: {title(known[step_id])}."
    names = " and ".join(f"“{title(step)}”" for step in repeated)
    return f"From here they would get {names} a second time."


def _next_that_stays(step_id: str, old: Journey, new: Journey, safe: Sequence[str]) -> str | None:
    """The nearest step after it that both journeys have."""
    kinds = {step.id: step.kind for step in old.steps}
    kept = {step.id for step in new.steps if kinds.get(step.id) == step.kind} & set(safe)
    graph = graph_of(old)
    pending, seen = list(graph.get(step_id, ())), {step_id}
    while pending:
        current = pending.pop(0)
        if current in kept:
            return current
        if current not in seen:
            seen.add(current)
            pending.extend(graph.get(current, ()))
    return None
