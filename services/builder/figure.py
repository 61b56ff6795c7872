"""A journey as a drawing that fits one sheet of A4 (BLD-12). Pure.

It is the outline, drawn: the same order and the same numbers, steps of one way below each other, the ways of
a branch side by side, and where ways meet again a line leads there. A drawing too long for the sheet goes on
in a further column; a line that would pass through other steps, or into another column, says the number of
the step it goes on at instead. Lengths are in units of the drawing; `scale` is millimetres a unit.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from dataclasses import dataclass, field, replace

from services.builder import step_words
from services.builder.figure_page import Page, Size, best_page
from services.builder.outline import Row, outline
from services.contracts.journey import Journey, Step, ports

TITLE_CHARACTERS = 22
LINE_CHARACTERS = 27
LINES = 3
LABEL_CHARACTERS = 22
BUS = 9
"""From a card down to the line its ways share."""
MERGE = 11
"""From a card up to the line on which ways to it meet."""
CLEAR = 3

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """One step. `title` and `line` are lines of text; both are empty in a compact drawing."""

    step_id: str
    number: int
    kind: str
    x: float
    y: float
    width: float
    height: float
    title: tuple[str, ...] = ()
    line: tuple[str, ...] = ()

    @property
    def axis(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True)
class Stroke:
    """A line through points; `arrow` when it ends at a step."""

    points: tuple[Point, ...]
    arrow: bool = True


@dataclass(frozen=True)
class Label:
    """`way`: the name of a way; `goes`: where it goes on; `from`: what leads to a step from elsewhere;
    `section`: what stands over steps that nothing leads to."""

    what: str
    text: str
    x: float
    y: float


@dataclass
class Figure:
    """`compact`: cards are too many for their names, and carry only number and kind."""

    width: float
    height: float
    scale: float
    landscape: bool
    compact: bool
    boxes: list[Box] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass(frozen=True)
class _Spot:
    """Where a row of the outline stands: the middle of its part, its width, and its row on the grid."""

    axis: float
    width: float
    row: int


def figure(journey: Journey) -> Figure:
    """The drawing of a journey; of none, an empty one."""
    rows = outline(journey)
    steps = {step.id: step for step in reversed(journey.steps)}
    full = _on_page(rows, Size())
    spots, page, size = full if full[1].legible else _on_page(rows, Size.compact())
    figure = Figure(page.width, page.height, page.scale, page.landscape, size.small)
    drawn = {
        row.step_id: _box(steps[row.step_id], row, spots[row.key], page, size)
        for row in reversed(rows)
        if row.what == "step"
    }
    figure.boxes = sorted(drawn.values(), key=lambda box: box.number)
    for row in rows:
        if row.what == "section":
            x, y = page.at(spots[row.key].axis, spots[row.key].row)
            figure.labels.append(Label("section", row.label, x, y - 6))
    _Lines(figure, drawn, spots, page, size).draw(steps)
    return figure


def _on_page(rows: list[Row], size: Size) -> tuple[dict[str, _Spot], Page, Size]:
    spots = _spots(rows, size)
    bands: dict[int, tuple[float, float]] = {}
    for row in rows:
        spot = spots[row.key]
        if row.what in ("step", "way"):
            half = (size.width if row.what == "step" else size.slot) / 2
            left, right = bands.get(spot.row, (spot.axis, spot.axis))
            bands[spot.row] = (min(left, spot.axis - half), max(right, spot.axis + half))
    return spots, best_page(bands, size), size


def _spots(rows: list[Row], size: Size) -> dict[str, _Spot]:
    """Widths and heights from the leaves up, places from the top down."""
    children: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        children[row.parent].append(row)
    wide: dict[str, float] = {}
    tall: dict[str, int] = {}
    for row in reversed(rows):
        inside = children[row.key]
        if row.what == "step":
            ways = sum(wide[one.key] for one in inside) + size.aside * max(0, len(inside) - 1)
            wide[row.key] = max(size.width, ways)
            tall[row.key] = 1 + max((tall[one.key] for one in inside), default=0)
        else:
            least = size.slot if row.what == "way" else 0
            wide[row.key] = max([least, *(wide[one.key] for one in inside)])
            tall[row.key] = sum(tall[one.key] for one in inside)
    spots: dict[str, _Spot] = {}
    middle = max((wide[row.key] for row in children[""]), default=0) / 2
    down = 0
    for row in children[""]:
        spots[row.key] = _Spot(middle, wide[row.key], down)
        down += tall[row.key]
    for row in rows:
        spot, inside = spots[row.key], children[row.key]
        if row.what == "step":
            total = sum(wide[one.key] for one in inside) + size.aside * max(0, len(inside) - 1)
            left = spot.axis - total / 2
            for one in inside:
                spots[one.key] = _Spot(left + wide[one.key] / 2, wide[one.key], spot.row + 1)
                left += wide[one.key] + size.aside
            continue
        down = spot.row
        for one in inside:
            spots[one.key] = _Spot(spot.axis, wide[one.key], down)
            down += tall[one.key]
    return spots


def _box(step: Step, row: Row, spot: _Spot, page: Page, size: Size) -> Box:
    x, y = page.at(spot.axis, spot.row)
    box = Box(step.id, row.number, step.kind, x - size.width / 2, y, size.width, size.height)
    if size.small:
        return box
    title = tuple(textwrap.wrap(step_words.title(step), TITLE_CHARACTERS, max_lines=LINES, placeholder=" …"))
    room = LINES - len(title)
    line = textwrap.wrap(step_words.subtitle(step), LINE_CHARACTERS, max_lines=room or 1, placeholder=" …")
    return replace(box, title=title, line=tuple(line) if room else ())


class _Lines:
    """Draws the ways from step to step onto a figure."""

    def __init__(
        self, figure: Figure, boxes: dict[str, Box], spots: dict[str, _Spot], page: Page, size: Size
    ) -> None:
        self.figure, self.boxes, self.spots, self.page, self.size = figure, boxes, spots, page, size
        self.rows = {i: spots[f"step:{i}"].row for i in boxes}
        self.led: dict[str, set[int]] = defaultdict(set)

    def draw(self, steps: dict[str, Step]) -> None:
        for box in self.figure.boxes:
            ways = ports(steps[box.step_id])
            for port, label, target in ways:
                start: list[Point] = [(box.axis, box.bottom)]
                if len(ways) > 1:
                    start = self._begun(box, self.spots[f"way:{box.step_id}:{port}"], label)
                self._onward(box, start, target if target in self.boxes else None, several=len(ways) > 1)
        for i, numbers in self.led.items():
            box = self.boxes[i]
            words = f"from {', '.join(map(str, sorted(numbers)))}"
            self.figure.labels.append(Label("from", words, box.axis - 6, box.y - 3))

    def _begun(self, box: Box, spot: _Spot, label: str) -> list[Point]:
        """From a card to the middle of one of its ways, with the way's name."""
        x = self.page.beside(box.axis, self.spots[f"step:{box.step_id}"].axis, spot.axis)
        bus = box.bottom + BUS
        if not self.size.small:
            words = textwrap.shorten(label, LABEL_CHARACTERS, placeholder=" …")
            self.figure.labels.append(Label("way", words, x, bus + 11))
        return [(box.axis, box.bottom), (box.axis, bus), (x, bus)]

    def _onward(self, box: Box, start: list[Point], target: str | None, *, several: bool) -> None:
        x, y = start[-1]
        if target is None:
            if several:
                self.figure.strokes.append(Stroke((*start, (x, y + 4)), arrow=False))
            return
        goal = self.boxes[target]
        same = self.page.column(self.rows[target]) == self.page.column(self.rows[box.step_id])
        if same and goal.y > box.bottom and self._free(x, y, goal.y - MERGE):
            bend: list[Point] = (
                [] if abs(x - goal.axis) < 1 else [(x, goal.y - MERGE), (goal.axis, goal.y - MERGE)]
            )
            self.figure.strokes.append(Stroke((*start, *bend, (goal.axis, goal.y))))
            return
        label = 15 if several and not self.size.small else 0
        self.figure.strokes.append(Stroke((*start, (x, y + label + 5)), arrow=False))
        self.figure.labels.append(Label("goes", f"→ {goal.number}", x, y + label + 15))
        self.led[target].add(box.number)

    def _free(self, x: float, top: float, bottom: float) -> bool:
        """Whether a line straight down passes no card."""
        return not any(
            box.x - CLEAR < x < box.x + box.width + CLEAR and box.y < bottom and box.bottom > top + 1
            for box in self.figure.boxes
        )
