"""What differs between two journeys, as a drawing with a list beside it: on the page of versions and on the
page of a request for approval (BLD-5, LIF-5)."""

from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from services.builder.comparison import Comparison, StepComparison
from services.builder.overlay import DrawnStep, in_words, overlay
from services.contracts.journey import Journey
from state.builder_rows import canvas_step


@dataclass(frozen=True)
class Piece:
    how: str
    text: str


@dataclass(frozen=True)
class Change:
    name: str
    before: str
    after: str
    words: list[Piece] = field(default_factory=list)


@dataclass(frozen=True)
class Compared:
    """One step that came, changed or went: `told` in a few lines, `said` and `changes` in full."""

    id: str
    title: str
    kind: str
    mark: str
    told: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


class Drawing(rx.State):
    """Filled by the page that shows it, with `show`."""

    steps: list[dict[str, Any]] = []
    changes: list[Compared] = []
    goal: dict[str, Any] = {"id": "", "number": 0}
    view: str = "drawing"

    @rx.event
    def look(self, view: str) -> None:
        """As a drawing or as a list; the choice holds for this tab."""
        self.view = "list" if view == "list" else "drawing"

    @rx.event
    def go(self, step_id: str) -> None:
        """Show one step in the drawing."""
        self.view = "drawing"
        self.goal = {"id": step_id[:60], "number": self.goal["number"] + 1}


def show(drawing: Drawing, old: Journey | None, new: Journey, found: Comparison) -> None:
    """For the pages' own states, which have asked for permission. No method: those a browser can call."""
    drawing.steps = [_drawn(one) for one in overlay(old, new, found)]
    drawing.changes = [_compared(step) for step in (*found.changed, *found.removed)]


def clear(drawing: Drawing) -> None:
    drawing.steps, drawing.changes = [], []


def _drawn(one: DrawnStep) -> dict[str, Any]:
    gone = one.mark == "removed"
    return {
        **canvas_step(one.step, [], dim=False),
        "ports": [{"key": w.key, "label": w.label, "target": w.target, "mark": w.mark} for w in one.ways],
        "position": one.step.position.model_dump() if one.step.position and not gone else None,
        "mark": one.mark,
        "told": list(one.told),
        "was": one.was.model_dump() if one.was else None,
    }


def _compared(step: StepComparison) -> Compared:
    changes = [
        Change(one.name, one.before, one.after, [Piece(p.how, p.text) for p in one.words])
        for one in step.fields
    ]
    told = list(in_words(step))
    return Compared(step.step_id, step.title, step.kind, step.mark, told, list(step.sentences), changes)
