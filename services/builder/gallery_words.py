"""A ready-made journey told at a glance: drawn as a small flow, with its length and channels. Pure."""

from dataclasses import dataclass
from typing import Literal

from services.builder import step_words
from services.builder.graph import graph_of, reachable
from services.contracts.journey import (
    CHANNELS,
    Branch,
    Channel,
    Exit,
    GoalStep,
    Journey,
    Message,
    Split,
    Step,
    Wait,
    WaitEvent,
    WaitFor,
    WaitUntilField,
    ports,
)

Look = Literal["start", "message", "pause", "fork", "end"]
DAY = 60 * 24


@dataclass(frozen=True, slots=True)
class FlowLine:
    """One step of the drawing. `depth` counts the forks before it; `way` is the way out of the last fork
    that leads here, when it begins one."""

    step_id: str
    look: Look
    title: str
    subtitle: str
    depth: int
    way: str = ""


def flow(journey: Journey) -> list[FlowLine]:
    """Every step once, each way out of a fork indented below it; where ways meet again comes after them."""
    graph = graph_of(journey)
    steps = {step.id: step for step in journey.steps}
    start = next((step for step in journey.steps if step.kind == "entry"), None)
    lines: list[FlowLine] = []
    seen: set[str] = set()
    later: dict[str, int] = {}
    pending: list[tuple[str | None, int, str]] = [(start.id if start else None, 0, "")]
    while pending:
        step_id, depth, way = pending.pop()
        step = steps.get(step_id or "")
        if step is None or step.id in seen:
            continue
        others = [
            n for n, (other, _, _) in enumerate(pending) if other and step.id in reachable(graph, [other])
        ]
        if others and step.id not in later:
            later[step.id] = max(depth - 1, 0)
            pending.insert(min(others), (step.id, later[step.id], ""))
            continue
        seen.add(step.id)
        depth = later.get(step.id, depth)
        lines.append(
            FlowLine(step.id, _look(step), step_words.title(step), step_words.subtitle(step), depth, way)
        )
        ways = ports(step)
        inner = depth + 1 if len(ways) > 1 else depth
        pending += [(target, inner, label if len(ways) > 1 else "") for _, label, target in reversed(ways)]
    return lines


def length(journey: Journey) -> str:
    """How long the longest way through takes, in words: “about 6 weeks”; “a moment” without any wait."""
    minutes = _longest(journey)
    if not minutes and any(
        isinstance(s, Wait) and isinstance(s.until, WaitUntilField) for s in journey.steps
    ):
        return "until a day of their own"
    if minutes < DAY:
        return "less than a day" if minutes else "a moment"
    days = round(minutes / DAY)
    if days < 14:
        return f"about {days} day{'s' if days > 1 else ''}"
    weeks = round(days / 7)
    return f"about {weeks} weeks" if weeks < 9 else f"about {round(days / 30)} months"


def channels(journey: Journey) -> list[Channel]:
    """The channels its messages use, in the usual order."""
    used = {channel for step in journey.steps if isinstance(step, Message) for channel in step.channels}
    return [channel for channel in CHANNELS if channel in used]


def _longest(journey: Journey) -> int:
    graph = graph_of(journey)
    steps = {step.id: step for step in journey.steps}
    best: dict[str, int] = {}

    def from_here(step_id: str, way: frozenset[str]) -> int:
        if step_id in way or step_id not in steps:
            return 0
        if step_id not in best:
            onwards = [from_here(target, way | {step_id}) for target in graph.get(step_id, ())]
            best[step_id] = _minutes(steps[step_id]) + max(onwards, default=0)
        return best[step_id]

    return max((from_here(step.id, frozenset()) for step in journey.steps if step.kind == "entry"), default=0)


def _minutes(step: Step) -> int:
    if isinstance(step, Wait) and isinstance(step.until, WaitFor):
        return step.until.minutes
    return step.timeout_minutes if isinstance(step, WaitEvent) else 0


def _look(step: Step) -> Look:
    if isinstance(step, Message):
        return "message"
    if isinstance(step, Wait | WaitEvent):
        return "pause"
    if isinstance(step, Branch | Split):
        return "fork"
    return "end" if isinstance(step, Exit | GoalStep) else "start"
