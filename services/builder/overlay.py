"""Two journeys as one drawing: every step of either once, every way of either once, each with its mark
(BLD-5, LIF-5). Steps that are gone stand where they were. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.builder.comparison import IN_ONE_LINE, Comparison, FieldChange, Mark, StepComparison
from services.contracts.journey import Journey, Port, Position, Step, ports

SHORT = 60
"""Characters of a wording that are shown whole beside a step."""
MOST = 6
"""Lines that are shown beside a step; the list has all."""


@dataclass(frozen=True)
class Way:
    """One way out. `key` tells a way that is gone from the one that took its place."""

    key: str
    label: str
    target: str | None
    mark: Mark = ""


@dataclass(frozen=True)
class DrawnStep:
    """`told` says in words what happened to the step; `was` is where a step that is gone had been put."""

    step: Step
    mark: Mark
    told: tuple[str, ...]
    ways: tuple[Way, ...]
    was: Position | None = None


def overlay(old: Journey | None, new: Journey, found: Comparison) -> list[DrawnStep]:
    """The union of both, in the order of the newer one; what is gone follows what it stood behind."""
    before = {step.id: step for step in old.steps} if old else {}
    after = {step.id: step for step in new.steps}
    told = {one.step_id: in_words(one) for one in (*found.changed, *found.removed)}
    drawn: list[DrawnStep] = []
    for i in _order(list(before), list(after)):
        step = after.get(i) or before[i]
        mark: Mark = found.marks.get(i, "") if i in after else "removed"
        ways = _between(ports(before[i]), ports(step)) if i in before and i in after else _all(step, mark)
        was = step.position if mark == "removed" else None
        drawn.append(DrawnStep(step, mark, told.get(i, ()), ways, was))
    return drawn


def in_words(step: StepComparison) -> tuple[str, ...]:
    """What happened to a step in a few lines."""
    if step.mark != "changed" or not step.fields:
        return step.sentences
    lines = [_line(change) for change in step.fields if change.name != IN_ONE_LINE or len(step.fields) == 1]
    if len(lines) <= MOST:
        return tuple(lines)
    return (*lines[: MOST - 1], f"and {len(lines) - MOST + 1} more")


def _line(change: FieldChange) -> str:
    if not change.words:
        return f"{change.name}: " + " → ".join(part for part in (change.before, change.after) if part)
    gone, fresh = (
        " ".join(p.text for p in change.words if p.how in ("same", how)) for how in ("gone", "new")
    )
    gone, fresh = (" ".join(text.split()) for text in (gone, fresh))
    if max(len(gone), len(fresh)) > SHORT:
        return f"{change.name} reworded"
    return f"{change.name}: {_quoted(gone)} → {_quoted(fresh)}"


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "nothing"


def _order(before: list[str], after: list[str]) -> list[str]:
    """Every id once: the newer order, with each that is gone right after the one it stood behind."""
    order = list(after)
    known = set(after)
    for n, i in enumerate(before):
        if i not in known:
            behind = order.index(before[n - 1]) + 1 if n else 0
            order.insert(behind, i)
            known.add(i)
    return order


def _all(step: Step, mark: Mark) -> tuple[Way, ...]:
    """Every way of a step that only one journey has; of one that is gone, only those that led somewhere."""
    return tuple(
        Way(key, label, target, mark if target else "")
        for key, label, target in ports(step)
        if target or mark != "removed"
    )


def _between(old: list[Port], new: list[Port]) -> tuple[Way, ...]:
    """Ways matched by what they say and where they lead, then by where they lead; the rest came or went."""
    left = [port for port in old if port[2]]
    marks: dict[str, Mark] = {}
    for key, label, target in new:
        if (same := next((p for p in left if p[1:] == (label, target)), None)) is not None:
            left.remove(same)
            marks[key] = ""
    for key, _, target in new:
        if key in marks or target is None:
            continue
        renamed = next((p for p in left if p[2] == target), None)
        marks[key] = "changed" if renamed else "added"
        if renamed:
            left.remove(renamed)
    ways: list[Way] = []
    for key, label, target in new:
        ways.append(Way(key, label, target, marks.get(key, "")))
        ways += [_gone(port) for port in left if port[0] == key]
    keys = {key for key, _, _ in new}
    return (*ways, *(_gone(port) for port in left if port[0] not in keys))


def _gone(port: Port) -> Way:
    key, label, target = port
    return Way(f"{key}~was", label, target, "removed")
