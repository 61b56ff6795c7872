"""Can everybody read it? Colours of an email against WCAG, and pictures without words (CNT-4). Pure.

The ratio is WCAG 2.2's: relative luminance of sRGB, (lighter + 0.05) / (darker + 0.05). Only colours
written on an element are known here; that is all that mail readers agree on, too.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

Rgb = tuple[int, int, int]
INK: Rgb = (0x1D, 0x2B, 0x36)
PAPER: Rgb = (255, 255, 255)
LINK: Rgb = (0x0B, 0x6E, 0x6E)
"""The Hub's own colours, where the author gives none."""
NORMAL, LARGE = 4.5, 3.0
"""WCAG AA for text, and for text from 24 px, or from 18.7 px when bold."""
NAMED: dict[str, Rgb] = {
    "black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192), "lightgray": (211, 211, 211),
    "lightgrey": (211, 211, 211), "darkgray": (169, 169, 169), "yellow": (255, 255, 0), "orange": (255, 165, 0),
    "navy": (0, 0, 128), "teal": (0, 128, 128), "purple": (128, 0, 128), "pink": (255, 192, 203), "maroon": (128, 0, 0),
}  # fmt: skip
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_BOLD = {"b", "strong", "th", "h1", "h2", "h3", "h4"}
_SIZES = {"h1": 32.0, "h2": 24.0, "small": 13.0}


@dataclass(frozen=True, slots=True)
class Faint:
    """Words that are hard to read: a piece of them, their contrast, and what it has to be."""

    words: str
    ratio: float
    needed: float


@dataclass(frozen=True, slots=True)
class Legible:
    """What the check found. `bare_pictures`: sources of pictures without a description."""

    faint: tuple[Faint, ...]
    bare_pictures: tuple[str, ...]


def legible(markup: str) -> Legible:
    """Check finished HTML; each pair of colours is named once."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return Legible(tuple(reader.faint.values()), tuple(dict.fromkeys(reader.bare)))


def ratio(one: Rgb, other: Rgb) -> float:
    """The contrast of two colours, from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colour(text: str) -> Rgb | None:
    """`#0b6`, `#00bb66`, `rgb(0, 187, 102)` or a common name; None for anything else."""
    value = text.strip().lower()
    if value in NAMED:
        return NAMED[value]
    if match := re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", value):
        digits = match.group(1) if len(match.group(1)) == 6 else "".join(c * 2 for c in match.group(1))
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if match := re.fullmatch(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", value):
        red, green, blue = (min(int(part), 255) for part in match.groups())
        return red, green, blue
    return None


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (c / 255 for c in rgb)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@dataclass(frozen=True, slots=True)
class _Look:
    tag: str
    ink: Rgb = INK
    paper: Rgb = PAPER
    size: float = 16.0
    bold: bool = False


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faint: dict[tuple[Rgb, Rgb], Faint] = {}
        self.bare: list[str] = []
        self._looks = [_Look("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img" and not given.get("alt", "").strip() and "alt" not in given:
            self.bare.append(given.get("src", ""))
        if tag not in _VOID:
            self._looks.append(_look(self._looks[-1], tag, given))

    def handle_endtag(self, tag: str) -> None:
        for at in range(len(self._looks) - 1, 0, -1):
            if self._looks[at].tag == tag:
                del self._looks[at:]
                return

    def handle_data(self, data: str) -> None:
        look, words = self._looks[-1], " ".join(data.split())
        needed = LARGE if look.size >= 24 or (look.bold and look.size >= 18.66) else NORMAL
        found = ratio(look.ink, look.paper)
        if words and look.tag not in ("style", "script", "title") and found < needed:
            self.faint.setdefault((look.ink, look.paper), Faint(words[:60], round(found, 1), needed))


def _look(outer: _Look, tag: str, given: dict[str, str]) -> _Look:
    style = {
        name.strip().lower(): value.strip()
        for name, _, value in (part.partition(":") for part in given.get("style", "").split(";"))
    }
    ink = colour(style.get("color", given.get("color", "")))
    paper = colour(style.get("background-color", style.get("background", given.get("bgcolor", ""))))
    size = re.fullmatch(r"(\d+(?:\.\d+)?)px", style.get("font-size", ""))
    return _Look(
        tag,
        ink or (LINK if tag == "a" else outer.ink),
        paper or outer.paper,
        float(size.group(1)) if size else _SIZES.get(tag, outer.size),
        outer.bold or tag in _BOLD or style.get("font-weight", "") in ("bold", "600", "700", "800", "900"),
    )
