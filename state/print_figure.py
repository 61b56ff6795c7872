"""The drawing of a journey on paper, as paths and words (BLD-12)."""

from dataclasses import dataclass, field

from services.builder.figure import Box, Figure, Stroke

INSET = 38
"""From a card's left edge to its words; number and sign stand before them, clear of a slanting edge."""
SIGNS: dict[str, str] = {
    "entry": "M0 0 10 6 0 12Z",
    "message": "M0 1H14V11H0ZM0 1 7 7 14 1",
    "wait": "M13 6A6 6 0 1 1 1 6A6 6 0 1 1 13 6M7 2.5V6L9.5 7.5",
    "wait_event": "M2 0H12M2 12H12M3 0C3 5 11 7 11 12M11 0C11 5 3 7 3 12",
    "branch": "M2 12V5H12V12M7 5V0",
    "split": "M0 12H4L10 0H14M0 0H4L10 12H14",
    "sub_campaign": "M0 0H6V5H0ZM8 7H14V12H8ZM3 5V9.5H8",
    "goal": "M2 12V0H12L9 3.5 12 7H2",
    "exit": "M6 0H0V12H6M4 6H13M10 3 13 6 10 9",
}
"""One drawn sign a kind, in a field of 14 by 12."""


@dataclass(frozen=True)
class Word:
    text: str
    x: str
    y: str
    what: str


@dataclass(frozen=True)
class Card:
    """`shape` is a path from the card's own corner, which `place` moves there; `sign` has a place in it."""

    kind: str
    place: str
    shape: str
    sign: str
    sign_place: str
    words: list[Word] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    path: str
    arrow: bool


def cards(figure: Figure) -> list[Card]:
    return [_card(box, compact=figure.compact) for box in figure.boxes]


def lines(figure: Figure) -> list[Line]:
    return [_line(stroke) for stroke in figure.strokes]


def labels(figure: Figure) -> list[Word]:
    return [Word(label.text, f"{label.x:.1f}", f"{label.y:.1f}", label.what) for label in figure.labels]


def _line(stroke: Stroke) -> Line:
    return Line("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in stroke.points), stroke.arrow)


def _card(box: Box, *, compact: bool) -> Card:
    x, y = (7, 20) if compact else (15, 25)
    words = [Word(str(box.number), f"{x}", f"{y}", "number-of")]
    down = box.height / 2 - 6.5 * (len(box.title) + len(box.line)) + 9.5
    for what, texts in (("title", box.title), ("line", box.line)):
        for text in texts:
            words.append(Word(text, f"{INSET}", f"{down:.1f}", what))
            down += 13
    sign = (36, 9) if compact else (15, box.height / 2 + 2)
    return Card(
        box.kind,
        f"translate({box.x:.1f} {box.y:.1f})",
        _shape(box.kind, box.width, box.height),
        SIGNS[box.kind],
        f"translate({sign[0]:g} {sign[1]:g})",
        words,
    )


def _shape(kind: str, width: float, height: float) -> str:
    """Rounded ends begin and end a journey, cut corners decide, soft corners wait, square ones speak."""
    match kind:
        case "entry" | "goal" | "exit":
            path = _rounded(0, width, height, height / 2.4)
            return path + _rounded(3, width, height, height / 2.4) if kind == "goal" else path
        case "branch" | "split":
            cut = height / 4
            return f"M{cut} 0H{width - cut}L{width} {height / 2}L{width - cut} {height}H{cut}L0 {height / 2}Z"
        case "wait" | "wait_event":
            return _rounded(0, width, height, 10)
        case "sub_campaign":
            return f"M0 0H{width}V{height}H0ZM4 0V{height}M{width - 4} 0V{height}"
        case _:
            return f"M0 0H{width}V{height}H0Z"


def _rounded(inset: float, width: float, height: float, radius: float) -> str:
    right, bottom, r = width - inset, height - inset, radius - inset
    return (
        f"M{inset + r} {inset}H{right - r}A{r} {r} 0 0 1 {right} {inset + r}V{bottom - r}"
        f"A{r} {r} 0 0 1 {right - r} {bottom}H{inset + r}A{r} {r} 0 0 1 {inset} {bottom - r}V{inset + r}"
        f"A{r} {r} 0 0 1 {inset + r} {inset}Z"
    )
