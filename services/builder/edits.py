"""Every change the builder can make to a journey, as pure functions (BLD-1, BLD-5).

Each takes a Journey and returns a new one; nothing is changed in place, so undo is keeping the
old value. An edit that makes no sense is refused with `Invalid` and a sentence for the person;
an edit that leaves the journey unfinished is allowed, and `services.builder.rules` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from services.contracts.journey import (
    Arm,
    Branch,
    Entry,
    EventMatch,
    Exit,
    GoalStep,
    Journey,
    Message,
    Path,
    Position,
    Split,
    Step,
    StepId,
    SubCampaign,
    Variant,
    Wait,
    WaitEvent,
    ports,
)
from services.contracts.segment import Audience, Group
from services.kit.errors import Invalid, NotFound

StepKind = Literal[
    "entry", "message", "wait", "wait_event", "branch", "split", "sub_campaign", "goal", "exit"
]
After = tuple[str, str]
"""(step id, port key): where a new step goes."""

_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_DEFAULT_EVENT = "hub.message.clicked"


def find(journey: Journey, step_id: str) -> Step:
    """The step of this id. Raises NotFound."""
    for step in journey.steps:
        if step.id == step_id:
            return step
    raise NotFound("That step is no longer in the journey.")


def fresh_id(journey: Journey, kind: str) -> StepId:
    """The first free `<kind>-<n>`; ids are never shared, so a removed one may come back on undo."""
    taken = {step.id for step in journey.steps}
    number = 1
    while f"{kind}-{number}" in taken:
        number += 1
    return f"{kind}-{number}"


def new_step(journey: Journey, kind: StepKind, position: Position | None = None) -> Step:
    """An unconnected step of a kind with sensible contents."""
    base: dict[str, Any] = {"id": fresh_id(journey, kind), "position": position}
    match kind:
        case "entry":
            return Entry(**base)
        case "message":
            return Message(**base, channels=["email", "sms"], variants=[Variant()])
        case "wait":
            return Wait(**base)
        case "wait_event":
            return WaitEvent(**base, event=EventMatch(type=_DEFAULT_EVENT))
        case "branch":
            return Branch(**base, paths=[Path(when=Group(node="all"))])
        case "split":
            return Split(**base, arms=[Arm(label="A", percent=50), Arm(label="B", percent=50)])
        case "sub_campaign":
            return SubCampaign(**base, campaign_id="")
        case "goal":
            return GoalStep(**base)
        case "exit":
            return Exit(**base)


def add_step(
    journey: Journey,
    kind: StepKind,
    *,
    after: After | None = None,
    position: Position | None = None,
) -> tuple[Journey, StepId]:
    """Add a step; with `after`, hang it on that port and pass on what the port led to."""
    if kind == "entry" and any(isinstance(step, Entry) for step in journey.steps):
        raise Invalid("A journey starts in one place, and this one already has its start.")
    step = new_step(journey, kind, position)
    if after is None or kind == "entry":
        return _with_steps(journey, [*journey.steps, step]), step.id
    return insert_between(journey, step, source=after[0], port=after[1]), step.id


def insert_between(journey: Journey, step: Step, *, source: str, port: str) -> Journey:
    """Put `step` on a port of `source`; what the port led to follows the new step's first port."""
    target = target_of(find(journey, source), port)
    if target is not None:
        if not ports(step):
            raise Invalid("Nothing can follow an end. Put it where a path is still open.")
        step = with_port(step, ports(step)[0][0], target)
    added = _with_steps(journey, _insert_after(journey.steps, source, step))
    return connect(added, source=source, port=port, target=step.id)


def connect(journey: Journey, *, source: str, port: str, target: str) -> Journey:
    """Let a port lead to a step. Nothing leads to the start, and no step to itself."""
    if source == target:
        raise Invalid("A step cannot lead to itself. Add a wait, and lead back to an earlier step.")
    if isinstance(find(journey, target), Entry):
        raise Invalid("Nothing can lead back to the start. Use its re-entry rule instead.")
    return _map(journey, source, lambda step: with_port(step, port, target))


def disconnect(journey: Journey, *, source: str, port: str) -> Journey:
    """Leave a port open."""
    return _map(journey, source, lambda step: with_port(step, port, None))


def remove_steps(journey: Journey, ids: Iterable[str]) -> Journey:
    """Remove steps; whatever led to one now leads to what came after it, if that is one place."""
    gone = set(ids)
    heirs = {step.id: _heir(journey, step.id, gone) for step in journey.steps if step.id in gone}
    kept = [step for step in journey.steps if step.id not in gone]
    return _with_steps(journey, [_redirect(step, heirs) for step in kept])


def duplicate_steps(journey: Journey, ids: Iterable[str]) -> tuple[Journey, list[StepId]]:
    """Copy steps beside themselves, links among the copies kept, all others open. The start is
    not copied."""
    names: dict[str, str] = {}
    result = journey
    for step in [find(journey, step_id) for step_id in dict.fromkeys(ids)]:
        if isinstance(step, Entry):
            continue
        names[step.id] = fresh_id(result, step.kind)
        moved = step.position and Position(x=step.position.x + 48, y=step.position.y + 48)
        copy = step.model_copy(update={"id": names[step.id], "position": moved})
        result = _with_steps(result, [*result.steps, copy])
    new = set(names.values())
    steps = [_rewire(step, names) if step.id in new else step for step in result.steps]
    return _with_steps(result, steps), list(names.values())


def revised(step: Step, **changes: Any) -> Step:
    """`step` with other contents, checked against the grammar."""
    try:
        return _STEP.validate_python({**step.model_dump(), **changes})
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [{"field": ".".join(map(str, item["loc"][1:])), "sentence": item["msg"]} for item in found]
        raise Invalid(_limit(found[0]), problems) from error


def _limit(found: Any) -> str:
    """What would have been right, where the grammar says it in numbers."""
    limits = found.get("ctx", {})
    match found["type"]:
        case "less_than_equal":
            return f"That is too much: {limits['le']:,} is the most that fits here. Nothing was changed."
        case "greater_than_equal":
            return f"That is too little: {limits['ge']:,} is the least that fits here. Nothing was changed."
        case "string_too_long":
            return f"That is too long: {limits['max_length']:,} characters fit here. Nothing was changed."
        case _:
            return "That value does not fit here; nothing was changed."


def pin(journey: Journey, places: dict[str, Position]) -> Journey:
    """Give places to steps that had none: once a person arranges a journey, nothing else moves."""
    steps = [
        s.model_copy(update={"position": places[s.id]}) if s.position is None and s.id in places else s
        for s in journey.steps
    ]
    return _with_steps(journey, steps)


def place_steps(journey: Journey, places: dict[str, Position]) -> Journey:
    """Put several steps where they were dragged to, together."""
    steps = [s.model_copy(update={"position": places[s.id]}) if s.id in places else s for s in journey.steps]
    return _with_steps(journey, steps)


def tidy(journey: Journey) -> Journey:
    """Forget every position, so that the canvas lays the journey out in layers."""
    return _with_steps(journey, [step.model_copy(update={"position": None}) for step in journey.steps])


def set_audience(journey: Journey, audience: Audience) -> Journey:
    return journey.model_copy(update={"audience": audience})


def set_fields(journey: Journey, **changes: Any) -> Journey:
    """Change what belongs to the whole journey: type, goal, caps, pace, holdout, exit events."""
    try:
        return Journey.model_validate({**journey.model_dump(), **changes})
    except ValidationError as error:
        raise Invalid("That value does not fit here; nothing was changed.") from error


def target_of(step: Step, port: str) -> str | None:
    """What a port leads to. Raises Invalid for a port the step does not have."""
    for key, _label, target in ports(step):
        if key == port:
            return target
    raise Invalid("That way out no longer exists on this step.")


def with_port(step: Step, port: str, target: str | None) -> Step:
    """`step` with one port leading elsewhere."""
    target_of(step, port)
    name, _, number = port.partition("-")
    match step:
        case Branch() if name == "path":
            return step.model_copy(update={"paths": _at(step.paths, int(number), target)})
        case Split():
            return step.model_copy(update={"arms": _at(step.arms, int(number), target)})
        case _:
            return step.model_copy(update={port: target})


def _at(items: list[Any], index: int, target: str | None) -> list[Any]:
    return [i.model_copy(update={"next": target}) if n == index else i for n, i in enumerate(items)]


def _with_steps(journey: Journey, steps: list[Step]) -> Journey:
    if len(steps) > 500:
        raise Invalid("A journey takes 500 steps at most. Hand people to another campaign instead.")
    return journey.model_copy(update={"steps": steps})


def _map(journey: Journey, step_id: str, change: Callable[[Step], Step]) -> Journey:
    find(journey, step_id)
    return _with_steps(journey, [change(s) if s.id == step_id else s for s in journey.steps])


def _insert_after(steps: list[Step], source: str, step: Step) -> list[Step]:
    index = next(n for n, s in enumerate(steps) if s.id == source)
    return [*steps[: index + 1], step, *steps[index + 1 :]]


def _heir(journey: Journey, step_id: str, gone: set[str]) -> str | None:
    """Who takes the place of a removed step: the only step that followed it and stays."""
    seen: set[str] = set()
    while step_id in gone and step_id not in seen:
        seen.add(step_id)
        followers = {target for _k, _l, target in ports(find(journey, step_id)) if target}
        if len(followers) != 1:
            return None
        step_id = followers.pop()
    return None if step_id in gone else step_id


def _redirect(step: Step, heirs: dict[str, str | None]) -> Step:
    for key, _label, target in ports(step):
        if target in heirs:
            heir = heirs[target]
            step = with_port(step, key, None if heir == step.id else heir)
    return step


def _rewire(step: Step, names: dict[str, str]) -> Step:
    for key, _label, target in ports(step):
        step = with_port(step, key, names.get(target) if target else None)
    return step
