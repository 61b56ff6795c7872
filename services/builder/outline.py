"""A journey as a tree that is read from top to bottom (BLD-7): the same graph, told as an outline.

A step with one way on is followed by the next at its own level; a step with several has a labelled
sub-level for each. Where ways meet again, the step stands once, after the step they all came from
(its dominator), and every way to it says so: “goes on at step 7”. So loops end, every step appears
exactly once, and what nobody can reach stands under “Not connected”. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from services.builder.dominators import dominators
from services.builder.graph import reachable
from services.contracts.journey import Journey, Step, ports

What = Literal["step", "way", "join", "open", "broken", "section"]
Link = tuple[str, str]
"""(step id, port key): one way out of a step."""
ROOT = ""


@dataclass(frozen=True)
class Row:
    """One line of the outline. `step_id` is the step itself, or the one a way, a join or an open end
    belongs to, with its `port`; `target` is where a join leads. `level`, `pos` and `size` count from
    1 and are what a tree view announces. `after` are the numbers of the steps that lead to a step
    that does not simply follow the line above it."""

    key: str
    what: What
    level: int
    parent: str
    step_id: str = ""
    port: str = ""
    label: str = ""
    target: str = ""
    number: int = 0
    pos: int = 0
    size: int = 0
    children: int = 0
    after: tuple[int, ...] = ()


@dataclass
class _Tree:
    """Where each step stands: on one link, or after the step all ways to it came from."""

    steps: dict[str, Step]
    direct: dict[Link, str] = field(default_factory=dict)
    afterwards: dict[str, list[str]] = field(default_factory=dict)


def outline(journey: Journey) -> list[Row]:
    """Every row in reading order. Steps are numbered from 1 in that order."""
    steps: dict[str, Step] = {}
    twice: list[Step] = []
    for step in journey.steps:
        if step.id in steps:
            twice.append(step)
        else:
            steps[step.id] = step
    entries = [step.id for step in steps.values() if step.kind == "entry"]
    reached = reachable(_graph(steps), entries)
    rows = _drawn(steps, entries, reached, level=1, parent="")
    lost = [i for i in steps if i not in reached]
    if lost or twice:
        rows.append(Row("section", "section", 1, "", label="Not connected"))
        rows += _drawn(steps, _heads(steps, lost), set(lost), level=2, parent="section")
        rows += [Row(f"step:{s.id}~{n}", "step", 2, "section", step_id=s.id) for n, s in enumerate(twice, 2)]
    return _finished(rows, steps)


def numbers(journey: Journey) -> dict[str, int]:
    """Step id → its number in the outline, the summary and on paper."""
    return {row.step_id: row.number for row in reversed(outline(journey)) if row.what == "step"}


def slots(rows: Iterable[Row]) -> list[tuple[int, Link]]:
    """Every way out on which a step can stand, with the index of its row, in reading order: the one
    way of a step, and each way of a step with several."""
    return [
        (n, (row.step_id, row.port))
        for n, row in enumerate(rows)
        if row.what == "way" or (row.what == "step" and row.port)
    ]


def _graph(steps: dict[str, Step]) -> dict[str, list[str]]:
    return {i: [t for _, _, t in ports(step) if t in steps] for i, step in steps.items()}


def _heads(steps: dict[str, Step], lost: list[str]) -> list[str]:
    """Where to begin reading what is not connected: steps nothing leads to, then one a circle."""
    graph = _graph(steps)
    led = {target for i in lost for target in graph[i] if target != i}
    heads = [i for i in lost if i not in led]
    seen = reachable(graph, heads)
    for i in lost:
        if i not in seen:
            heads.append(i)
            seen |= reachable(graph, [i])
    return heads


def _drawn(
    steps: dict[str, Step], heads: list[str], within: set[str], *, level: int, parent: str
) -> list[Row]:
    """The rows of one connected part, begun at its heads."""
    tree = _placed(steps, heads, within)
    rows: list[Row] = []
    waiting = [_Task("step", i, level, parent) for i in reversed([*heads, *tree.afterwards.get(ROOT, [])])]
    while waiting:
        task = waiting.pop()
        row, following = _visited(tree, task)
        rows.append(row)
        waiting.extend(reversed(following))
    return rows


@dataclass(frozen=True)
class _Task:
    what: Literal["step", "way", "leaf"]
    step_id: str
    level: int
    parent: str
    port: str = ""
    label: str = ""
    target: str | None = None


def _visited(tree: _Tree, task: _Task) -> tuple[Row, list[_Task]]:
    """The row of a task and the tasks of what follows it, in order."""
    if task.what == "leaf":
        return _leaf(tree, task), []
    if task.what == "way":
        key = f"way:{task.step_id}:{task.port}"
        row = Row(key, "way", task.level, task.parent, task.step_id, task.port, task.label)
        return row, [_onward(tree, task, task.level + 1, key)]
    step, key = tree.steps[task.step_id], f"step:{task.step_id}"
    ways = ports(step)
    later = [_Task("step", i, task.level, task.parent) for i in tree.afterwards.get(step.id, [])]
    if len(ways) == 1:
        port, _, target = ways[0]
        row = Row(key, "step", task.level, task.parent, step.id, port)
        only = _Task("way", step.id, task.level, task.parent, port, target=target)
        return row, [_onward(tree, only, task.level, task.parent), *later]
    inside = [_Task("way", step.id, task.level + 1, key, p, label, target) for p, label, target in ways]
    return Row(key, "step", task.level, task.parent, step.id), [*inside, *later]


def _onward(tree: _Tree, way: _Task, level: int, parent: str) -> _Task:
    """What a way leads to: the step that stands on it, or a line that says where it goes."""
    here = tree.direct.get((way.step_id, way.port))
    if here is not None:
        return _Task("step", here, level, parent)
    return _Task("leaf", way.step_id, level, parent, way.port, target=way.target)


def _leaf(tree: _Tree, task: _Task) -> Row:
    what: What = "open" if task.target is None else "join" if task.target in tree.steps else "broken"
    key = f"{what}:{task.step_id}:{task.port}"
    return Row(key, what, task.level, task.parent, task.step_id, task.port, target=task.target or "")


def _placed(steps: dict[str, Step], heads: list[str], within: set[str]) -> _Tree:
    """A step with one way to it (loops back to it aside) stands on that way; others after their
    dominator."""
    inside = {i: steps[i] for i in steps if i in within}
    graph = {i: [t for t in targets if t in within] for i, targets in _graph(inside).items()}
    above, order = dominators(graph, heads, ROOT)
    tree = _Tree(steps)
    leading: dict[str, list[Link]] = {i: [] for i in order}
    for i in order:
        for port, _, target in ports(inside[i]):
            if target in leading and not _over(above, target, i):
                leading[target].append((i, port))
    for i in order:
        if i in heads:
            continue
        if len(leading[i]) == 1:
            tree.direct[leading[i][0]] = i
        else:
            tree.afterwards.setdefault(above[i], []).append(i)
    return tree


def _over(above: dict[str, str], upper: str | None, lower: str) -> bool:
    """Whether `upper` is `lower` or dominates it: a link from `lower` to it is a loop."""
    at = lower
    while at != ROOT:
        if at == upper:
            return True
        at = above[at]
    return False


def _finished(rows: list[Row], steps: dict[str, Step]) -> list[Row]:
    """Positions among siblings, numbers of steps, and where steps are reached from."""
    sizes = Counter(row.parent for row in rows)
    placed: Counter[str] = Counter()
    number: dict[str, int] = {}
    for n, row in enumerate((r for r in rows if r.what == "step"), 1):
        number.setdefault(row.step_id, n)
    sources = _sources(steps, number)
    finished: list[Row] = []
    counted = 0
    for n, row in enumerate(rows):
        placed[row.parent] += 1
        counted += row.what == "step"
        after = () if row.what != "step" or "~" in row.key else _after(rows, n, sources[row.step_id], number)
        finished.append(
            Row(
                row.key, row.what, row.level, row.parent, row.step_id, row.port, row.label, row.target,
                counted if row.what == "step" else number.get(row.target, 0),
                placed[row.parent], sizes[row.parent], sizes[row.key], after,
            )
        )  # fmt: skip
    return finished


def _sources(steps: dict[str, Step], number: dict[str, int]) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {i: set() for i in steps}
    for i, step in steps.items():
        for _, _, target in ports(step):
            if target in found:
                found[target].add(number[i])
    return {i: sorted(numbers) for i, numbers in found.items()}


def _after(rows: list[Row], n: int, sources: list[int], number: dict[str, int]) -> tuple[int, ...]:
    """Nothing to say where the line above (or the way it stands on) is the only one to lead here."""
    above = rows[n - 1] if n else None
    if above and above.what in ("step", "way") and sources == [number[above.step_id]]:
        return ()
    return tuple(sources)
