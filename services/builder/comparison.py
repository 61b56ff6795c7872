"""Two journeys side by side: what was added, changed or removed, field by field (BLD-5, LIF-5). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from html import unescape
from typing import Any, Literal

from services.builder import step_words
from services.builder.diff import JourneyDiff, diff
from services.builder.outline import Row, outline
from services.builder.wordings import link_lines, wordings
from services.contracts.journey import ChannelContent, Journey, Message, Step, ports
from services.contracts.step_names import KINDS, step_name

Mark = Literal["", "added", "changed", "removed"]
LONGEST = 3_000
"""Words compared one by one; longer texts are shown as a whole, before and after."""
AROUND = 12
"""Words shown on each side of a change; the rest of what stayed is left out."""
IN_ONE_LINE = "In one line"
_WORDS = re.compile(r"\S+|\s+")
_TAGS = re.compile(r"<[^>]*>")
_REFERENCE = re.compile(r"\bhref\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.I)


@dataclass(frozen=True)
class Part:
    """A piece of text: `same`, `gone` or `new`."""

    how: Literal["same", "gone", "new"]
    text: str


@dataclass(frozen=True)
class FieldChange:
    """One field of a step, before and after; `words` when the text itself is worth reading."""

    name: str
    before: str = ""
    after: str = ""
    words: tuple[Part, ...] = ()


@dataclass(frozen=True)
class StepComparison:
    step_id: str
    title: str
    kind: str
    mark: Mark
    sentences: tuple[str, ...] = ()
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """`rows` is the outline of the newer journey; steps that are gone are in `removed`."""

    rows: list[Row]
    marks: dict[str, Mark]
    removed: list[StepComparison]
    changed: list[StepComparison]
    told: JourneyDiff = field(default_factory=JourneyDiff)

    @property
    def same(self) -> bool:
        return not self.told.sentences and not any(self.marks.values())


def compare(old: Journey | None, new: Journey) -> Comparison:
    """What differs from `old` to `new`. Without an old one everything is added."""
    told = diff(old, new)
    before = {step.id: step for step in old.steps} if old else {}
    after = {step.id: step for step in new.steps}
    said: dict[str, list[str]] = {}
    for change in (*told.added, *told.changed, *told.removed):
        said.setdefault(change.step_id, []).append(change.sentence)
    names = {i: s.title or f"{step_name(s)}, {step_words.subtitle(s)}" for i, s in (before | after).items()}
    marks: dict[str, Mark] = {}
    steps: list[StepComparison] = []
    rows = outline(new)
    for i in dict.fromkeys(row.step_id for row in rows if row.what == "step"):
        fields = tuple(_fields(before[i], after[i], names)) if i in before else ()
        marks[i] = "added" if i not in before else "changed" if fields or i in said else ""
        if marks[i]:
            steps.append(_told(after[i], marks[i], said.get(i, []), fields))
    removed = [_told(s, "removed", said.get(i, []), ()) for i, s in before.items() if i not in after]
    return Comparison(rows, marks, removed, steps, told)


def words_between(old: str, new: str) -> tuple[Part, ...]:
    """Word by word from `old` to `new`, with what stayed cut to a few words around each change."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) + len(after) > LONGEST:
        return tuple(Part(how, text) for how, text in (("gone", old), ("new", new)) if text)  # type: ignore[arg-type]
    parts: list[Part] = []
    found = _runs(before, after)
    for n, (same, gone, fresh) in enumerate(found):
        if same:
            parts.append(Part("same", _shortened(gone, first=n == 0, last=n == len(found) - 1)))
            continue
        for how, pieces in (("gone", gone), ("new", fresh)):
            if pieces:
                parts.append(Part(how, "".join(pieces)))  # type: ignore[arg-type]
    return tuple(parts)


def _runs(before: list[str], after: list[str]) -> list[tuple[bool, list[str], list[str]]]:
    """What stayed and what changed by turns; changes with only a space between them are one."""
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    runs: list[tuple[bool, list[str], list[str]]] = []
    for n, (what, i, j, k, m) in enumerate(codes):
        same = what == "equal" and (n in (0, len(codes) - 1) or bool("".join(before[i:j]).strip()))
        if runs and not same and not runs[-1][0]:
            runs[-1][1].extend(before[i:j])
            runs[-1][2].extend(after[k:m])
        else:
            runs.append((same, before[i:j], after[k:m]))
    return runs


def plain(text: str) -> str:
    """The words of a body without its markup."""
    return re.sub(r"[ \t]*\n\s*", "\n", unescape(_TAGS.sub(" ", text))).strip()


def _shortened(words: list[str], *, first: bool, last: bool) -> str:
    keep = AROUND * 2  # a word and the space after it
    if len(words) <= keep * 2:
        return "".join(words)
    start = "" if first else "".join(words[:keep])
    end = "" if last else "".join(words[-keep:])
    return f"{start} … {end}"


def _told(step: Step, mark: Mark, said: list[str], fields: tuple[FieldChange, ...]) -> StepComparison:
    return StepComparison(step.id, step_words.title(step), KINDS[step.kind], mark, tuple(said), fields)


def _fields(old: Step, new: Step, names: dict[str, str]) -> Iterator[FieldChange]:
    """Every field a person would name, in the order of the panel."""
    if old.kind != new.kind:
        yield FieldChange("Kind of step", KINDS[old.kind], KINDS[new.kind])
        return
    yield from _changed("Name", step_words.title(old), step_words.title(new))
    yield from _changed(IN_ONE_LINE, step_words.subtitle(old), step_words.subtitle(new))
    if isinstance(old, Message) and isinstance(new, Message):
        yield from _said(old, new)
    yield from _ways(old, new, names)
    yield from _rest(old, new)


def _changed(name: str, before: str, after: str) -> Iterator[FieldChange]:
    if before != after:
        yield FieldChange(name, before or "nothing", after or "nothing")


def _said(old: Message, new: Message) -> Iterator[FieldChange]:
    """Words of each variant, language and channel, before and after."""
    before, after = ({one.place: one for one in wordings(step, used=False)} for step in (old, new))
    several = len({key for key, _, _ in (*before, *after)}) > 1
    for place in dict.fromkeys((*before, *after)):
        found = after.get(place) or before[place]
        name = found.name if found.variant or not several else f"{found.name}, variant {place[0].upper()}"
        one, other = (side[place].content if place in side else ChannelContent() for side in (before, after))
        for part, words in (("subject", "subject"), ("preheader", "preview line"), ("body", "text")):
            yield from _worded(f"{name}: {words}", getattr(one, part), getattr(other, part))
        links = [", ".join(link_lines(content)) for content in (one, other)]
        yield from _changed(f"{name}: links", *links)


def _worded(name: str, old: str, new: str) -> Iterator[FieldChange]:
    if old == new:
        return
    before, after = plain(old), plain(new)
    if before.split() != after.split():
        yield FieldChange(name, words=words_between(before, after))
    elif _REFERENCE.sub("", old) != _REFERENCE.sub("", new):
        yield FieldChange(name, after="Only its looks changed, not its words.")


def _ways(old: Step, new: Step, names: dict[str, str]) -> Iterator[FieldChange]:
    before = {key: (label, target) for key, label, target in ports(old)}
    after = {key: (label, target) for key, label, target in ports(new)}
    for key in dict.fromkeys((*before, *after)):
        one, other = before.get(key), after.get(key)
        if one == other:
            continue
        label = (other or one or ("", None))[0]
        if one and other and one[0] != other[0]:
            yield FieldChange("Name of a way on", one[0], other[0])
        if not one or not other or one[1] != other[1]:
            yield FieldChange(
                f"“{label}” leads to" if label else "Leads to", _goal(one, names), _goal(other, names)
            )


def _goal(way: tuple[str, str | None] | None, names: dict[str, str]) -> str:
    if way is None:
        return "no such way"
    return f"‘{names[way[1]]}’" if way[1] in names else "nothing"


def _rest(old: Step, new: Step) -> Iterator[FieldChange]:
    """Settings no line above tells: by their plain name, before and after."""
    before, after = (dict(_flat(step.model_dump(mode="json"))) for step in (old, new))
    for key in dict.fromkeys((*before, *after)):
        if _told_above(key, new) or before.get(key) == after.get(key):
            continue
        yield FieldChange(_name(key), _value(before.get(key)), _value(after.get(key)))


def _flat(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for n, item in enumerate(value):
            yield from _flat(item, f"{at}.{n}")
    else:
        yield at, value


def _told_above(key: str, step: Step) -> bool:
    last = key.rsplit(".", 1)[-1]
    if key.startswith("position") or key in ("id", "kind", "title"):
        return True
    if last in ("next", "otherwise", "on_event", "on_timeout"):
        return True
    if ".content." in key or ".translations." in key:
        return True
    return key.startswith(("paths.", "arms.")) and last == "label" and step.kind in ("branch", "split")


def _name(key: str) -> str:
    """`variants.0.percent` → “Variants 1, percent”."""
    words = [str(int(part) + 1) if part.isdigit() else part.replace("_", " ") for part in key.split(".")]
    joined = "".join(f" {w}" if w.isdigit() else f", {w}" for w in words).lstrip(", ")
    return joined[0].upper() + joined[1:]


def _value(value: Any) -> str:
    match value:
        case None | "" | []:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value).replace("_", " ")
