"""The shape of a journey: who leads to whom, what can be reached, what runs in circles."""

from collections.abc import Iterable, Mapping

from services.builder.contracts import Fix, Problem
from services.contracts.journey import Journey, Step, ports
from services.contracts.step_names import name_of

Graph = Mapping[str, list[str]]


def graph_of(journey: Journey) -> dict[str, list[str]]:
    """Step id → ids it leads to; links to steps that do not exist are left out."""
    known = {step.id for step in journey.steps}
    return {step.id: [target for _, _, target in ports(step) if target in known] for step in journey.steps}


def reachable(graph: Graph, starts: Iterable[str]) -> set[str]:
    """Everything that can be reached from `starts`, themselves included."""
    seen: set[str] = set()
    pending = list(starts)
    while pending:
        current = pending.pop()
        if current not in seen:
            seen.add(current)
            pending.extend(graph.get(current, []))
    return seen


def check_shape(journey: Journey) -> list[Problem]:
    """Entries, links, reachability, dead ends and loops (BLD-4)."""
    return [
        *_check_ids(journey),
        *_check_entries(journey),
        *_check_links(journey),
        *_check_reach(journey),
        *_check_loops(journey),
    ]


def _check_ids(journey: Journey) -> list[Problem]:
    ids = [step.id for step in journey.steps]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    return [
        Problem(
            step_id=i, code="duplicate_step", sentence=f"Two steps share the name “{i}”. Delete one of them."
        )
        for i in twice
    ]


def _check_entries(journey: Journey) -> list[Problem]:
    entries = [step for step in journey.steps if step.kind == "entry"]
    if not entries:
        return [
            Problem(
                code="no_entry",
                sentence="Nobody can come in yet. Add a Start step, which says how people join.",
            )
        ]
    problems = [
        Problem(
            step_id=extra.id,
            code="many_entries",
            sentence=f"A journey starts in one place, but {name_of(extra)} is a second start. Delete it.",
        )
        for extra in entries[1:]
    ]
    if entries[0].next is None:
        problems.append(
            Problem(
                step_id=entries[0].id,
                code="entry_leads_nowhere",
                sentence="People come in and nothing happens. Connect the start to the first step.",
            )
        )
    return problems


def _check_links(journey: Journey) -> list[Problem]:
    known = {step.id: step for step in journey.steps}
    problems: list[Problem] = []
    for step in journey.steps:
        for _, label, target in ports(step):
            way = f"The way “{label}” out of {name_of(step)}" if label else f"The way out of {name_of(step)}"
            if target is None:
                if step.kind != "entry":
                    problems.append(_dead_end(step, way))
            elif target not in known:
                problems.append(
                    Problem(
                        step_id=step.id,
                        code="unknown_target",
                        sentence=f"{way} leads to a step that no longer exists. Connect it to another step.",
                    )
                )
            elif known[target].kind == "entry":
                problems.append(
                    Problem(
                        step_id=step.id,
                        code="back_to_entry",
                        sentence=f"{way} leads back to the start. Connect it to a later step instead.",
                    )
                )
    return problems


def _dead_end(step: Step, way: str) -> Problem:
    return Problem(
        step_id=step.id,
        code="dead_end",
        severity="warning",
        sentence=f"{way} ends here: people leave the journey at this point. Add an End step to say so.",
        fix=Fix(label="Add an end", do="add_exit"),
    )


def _check_reach(journey: Journey) -> list[Problem]:
    starts = [step.id for step in journey.steps if step.kind == "entry"]
    if not starts:
        return []
    seen = reachable(graph_of(journey), starts)
    return [
        Problem(
            step_id=step.id,
            code="unreachable",
            sentence=f"No one can ever get to {name_of(step)}. Connect it, or remove it.",
            fix=Fix(label="Remove this step", do="remove_step"),
        )
        for step in journey.steps
        if step.id not in seen
    ]


def _check_loops(journey: Journey) -> list[Problem]:
    """A circle without a wait would run for ever in one moment."""
    waits = {step.id for step in journey.steps if step.kind in ("wait", "wait_event")}
    graph = {
        source: [t for t in targets if t not in waits]
        for source, targets in graph_of(journey).items()
        if source not in waits
    }
    problems: list[Problem] = []
    told: set[str] = set()
    for step in journey.steps:
        if step.id in waits or step.id in told:
            continue
        ahead = reachable(graph, graph.get(step.id, []))
        if step.id in ahead:
            told |= {other for other in ahead if step.id in reachable(graph, graph.get(other, []))}
            problems.append(
                Problem(
                    step_id=step.id,
                    code="loop_without_wait",
                    sentence=f"{name_of(step)} is in a circle with no wait in it, so people would go round "
                    "without a pause. Put a Wait step into the circle.",
                )
            )
    return problems
