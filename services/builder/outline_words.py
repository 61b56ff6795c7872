"""What the outline's lines say, to the eye and to the ear (BLD-7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.builder import step_words
from services.builder.contracts import Problem
from services.builder.outline import Row
from services.contracts.journey import Journey, Step
from services.contracts.step_names import KINDS


@dataclass(frozen=True)
class Told:
    """`title` and `line` are shown, `spoken` is the whole of it as one name, `place` is how a list
    of places calls the way out this line stands for (empty: it is none)."""

    title: str
    line: str
    spoken: str
    place: str = ""
    kind: str = ""
    problems: int = 0
    severity: str = ""


def told(journey: Journey, rows: Sequence[Row], problems: Sequence[Problem] = ()) -> list[Told]:
    """The words of every row, in the same order."""
    steps = {step.id: step for step in reversed(journey.steps)}
    number = {row.step_id: row.number for row in rows if row.what == "step" and "~" not in row.key}
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.step_id or "", []).append(problem)
    return [_words(row, steps, number, found.get(row.step_id, [])) for row in rows]


def where(journey: Journey, rows: Sequence[Row], step_id: str) -> str:
    """Where a step stands now, to be said after it moved: “step 4, in ‘Yes’ of ‘Has booked?’”."""
    steps = {step.id: step for step in journey.steps}
    by_key = {row.key: row for row in rows}
    row = by_key.get(f"step:{step_id}")
    if row is None:
        return "no longer in the journey"
    parent = by_key.get(row.parent)
    inside = ""
    if parent and parent.what == "way":
        inside = f", in ‘{parent.label}’ of ‘{step_words.title(steps[parent.step_id])}’"
    elif parent and parent.what == "section":
        inside = ", not connected yet"
    return f"step {row.number}{inside}"


def _words(row: Row, steps: dict[str, Step], number: dict[str, int], problems: list[Problem]) -> Told:
    if row.what == "section":
        return Told(row.label, "Nothing leads here", f"{row.label}. Nothing leads to these steps.")
    step = steps[row.step_id]
    title = step_words.title(step)
    match row.what:
        case "step":
            return _step(row, step, problems)
        case "way":
            return Told(
                row.label,
                "",
                f"Way on: {row.label}, from ‘{title}’",
                place=f"In ‘{row.label}’ of step {number[row.step_id]}, ‘{title}’",
            )
        case "join":
            there = f"‘{step_words.title(steps[row.target])}’"
            return Told(f"Goes on at step {row.number}", there, f"Goes on at step {row.number}, {there}")
        case "broken":
            words = "Leads to a step that no longer exists"
            return Told(words, "", words)
        case _:
            return Told(
                "Nothing follows here yet", "", "Nothing follows here yet. Press Enter to add a step."
            )


def _step(row: Row, step: Step, problems: list[Problem]) -> Told:
    title, line, kind = step_words.title(step), step_words.subtitle(step), KINDS[step.kind]
    name = f"{title}, {kind}" if title != kind else title
    parts = [f"{row.number}. {name}", line]
    if row.after:
        parts.append(_from(row.after))
    if problems:
        parts.append(f"{len(problems)} to fix: {problems[0].sentence.rstrip('.')}")
    severity = "blocking" if any(p.severity == "blocking" for p in problems) else "warning"
    return Told(
        title,
        f"{line} · {_from(row.after)}" if row.after else line,
        ". ".join(parts),
        place=f"After step {row.number}, ‘{title}’" if row.port else "",
        kind=step.kind,
        problems=len(problems),
        severity=severity if problems else "",
    )


def _from(numbers: tuple[int, ...]) -> str:
    if len(numbers) == 1:
        return f"from step {numbers[0]}"
    return f"from steps {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
