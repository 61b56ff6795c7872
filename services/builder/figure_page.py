"""How a drawing is laid on a sheet of A4: which way round, in how many columns, how large (BLD-12). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

PORTRAIT = (180.0, 232.0)
LANDSCAPE = (266.0, 146.0)
"""Millimetres that are free for the drawing inside the margins, below the heading."""
LARGEST = 0.27
"""Millimetres a unit at which a small drawing stops growing: names of about 10 points."""
GOOD = 0.2
"""From here on a name is as large as a newspaper's text; fewer columns are better than larger ones."""
LEAST = 0.135
"""Below that a name cannot be read on paper."""
MOST_COLUMNS = 16


@dataclass(frozen=True)
class Size:
    """Of cards and of the room between them, in units of the drawing."""

    width: float = 190
    height: float = 58
    below: float = 46
    aside: float = 18
    slot: float = 116
    small: bool = False

    @classmethod
    def compact(cls) -> Size:
        """Cards with only a number and a kind."""
        return cls(width=58, height=30, below=32, aside=10, slot=40, small=True)


@dataclass(frozen=True)
class Page:
    """One way to lay it out. Rows of the grid are cut into columns of `rows` each."""

    width: float
    height: float
    scale: float
    landscape: bool
    rows: int
    columns: int
    size: Size
    shifts: tuple[float, ...] = field(default=())

    @property
    def legible(self) -> bool:
        return self.scale >= LEAST

    def column(self, row: int) -> int:
        return row // self.rows

    def at(self, axis: float, row: int) -> tuple[float, float]:
        """Where the middle of the upper edge of a card lies."""
        down = (row % self.rows) * (self.size.height + self.size.below)
        return axis + self.shifts[self.column(row)], self.size.below / 2 + down

    def beside(self, drawn: float, axis: float, other: float) -> float:
        """Where something at `other` lies, in the column in which `axis` is drawn at `drawn`."""
        return drawn + other - axis


def best_page(bands: dict[int, tuple[float, float]], size: Size) -> Page:
    """The layout with the fewest columns that reads well, else the largest. `bands`: from where to where
    each row of the grid reaches."""
    total = max(bands, default=0) + 1
    per_column = dict.fromkeys(-(-total // n) for n in range(1, min(MOST_COLUMNS, total) + 1))
    pages = [
        _laid(bands, size, rows, total, landscape=landscape)
        for rows in per_column
        for landscape in (False, True)
    ]
    return max(pages, key=lambda page: (min(page.scale, GOOD), -page.columns, not page.landscape))


def _laid(
    bands: dict[int, tuple[float, float]], size: Size, rows: int, total: int, *, landscape: bool
) -> Page:
    shifts: list[float] = []
    right = 0.0
    for first in range(0, total, rows):
        inside = [bands[row] for row in range(first, first + rows) if row in bands] or [(0, 0)]
        begin, end = min(left for left, _ in inside), max(far for _, far in inside)
        shifts.append(right - begin)
        right += end - begin + size.aside * 2
    width = max(right - size.aside * 2, 1)
    height = rows * (size.height + size.below) + size.below / 2
    room = LANDSCAPE if landscape else PORTRAIT
    scale = min(room[0] / width, room[1] / height, LARGEST)
    return Page(width, height, scale, landscape, rows, len(shifts), size, tuple(shifts))
