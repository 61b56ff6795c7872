"""What may be said, checked as text: references, leftovers, lengths (CNT-3, CNT-4)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from services.contracts.journey import Channel, ChannelContent

_TAGS = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))
_HTML_TAGS = re.compile(
    r"</?(?:a|abbr|address|b|blockquote|body|br|button|center|code|div|em|font|footer|h[1-6]|head|header"
    r"|hr|html|i|img|li|link|main|meta|ol|p|pre|s|section|small|span|strong|style|sub|sup|table|tbody|td"
    r"|tfoot|th|thead|title|tr|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_COMMENTS = (("<!--", "-->"), ("<!doctype", ">"), ("<style", "</style>"))

_IN_BRACKETS = re.compile(r"\[[^\W\d_][\w '-]*\](?!\()")
"""A leftover when it is all capitals, in whatever alphabet: `[IMIĘ]`."""
_PATTERNS: tuple[re.Pattern[str], ...] = (
    re.compile(r"\{\{|\}\}|\{%|%\}"),
    re.compile(r"\bTODO\b", re.IGNORECASE),
    re.compile(r"\bTBD\b|\bTBC\b"),
    re.compile(r"\[PLACEHOLDER\]", re.IGNORECASE),
    re.compile(r"<[A-Z][A-Z0-9_ -]*>"),
    _IN_BRACKETS,
    re.compile(r"\bX{3,}\b", re.IGNORECASE),
    re.compile(r"\blorem ipsum\b", re.IGNORECASE),
)
"""The eight patterns of CNT-3: an unbalanced merge tag, TODO, TBD, [PLACEHOLDER], <VALUE>,
[ANY CAPS], XXX, lorem ipsum."""

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = set("^{}\\[~]|€\f")


MOST = 50
"""Leftovers of one kind that are worth naming."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something left to fill in: as written, where it begins, and on which line (from 1)."""

    words: str
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class SmsParts:
    """`length` in characters as billed, `parts` messages, `unicode` when GSM-7 is not enough."""

    length: int
    parts: int
    unicode: bool


def content_ref(
    content: Mapping[Channel, ChannelContent],
    translations: Mapping[str, Mapping[Channel, ChannelContent]] | None = None,
) -> str:
    """The reference of a message's words: SHA-256 of the canonical JSON of all its channels and, where
    there are any, of its further languages."""
    plain: dict[str, Any] = {channel: words.model_dump() for channel, words in content.items()}
    if translations:
        plain["translations"] = {
            locale: {channel: words.model_dump() for channel, words in there.items()}
            for locale, there in translations.items()
        }
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def placeholders(text: str) -> list[str]:
    """What a writer left to fill in, as written. Complete merge tags and HTML are not leftovers."""
    return list(dict.fromkeys(left.words for left in leftovers(text)))


def leftovers(text: str) -> list[Leftover]:
    """The same with their places, pattern by pattern; the work grows with the length only."""
    bare = _blanked(_blanked(text, _TAGS), _COMMENTS)
    bare = _HTML_TAGS.sub(lambda tag: " " * len(tag.group()), bare)
    return [
        Leftover(match.group(0), match.start(), text.count("\n", 0, match.start()) + 1)
        for pattern in _PATTERNS
        for match in islice(pattern.finditer(bare), MOST)
        if pattern is not _IN_BRACKETS or match.group(0) == match.group(0).upper()
    ]


def _blanked(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """The text with everything from an opening to its closing blanked out, places kept.

    Not one regular expression with `.*?`: a thousand openings without a closing would each be
    looked at to the end.
    """
    closings = {opening: re.compile(re.escape(closing), re.IGNORECASE) for opening, closing in pairs}
    any_opening = re.compile("|".join(map(re.escape, closings)), re.IGNORECASE)
    kept: list[str] = []
    done = at = 0
    while opening := any_opening.search(text, at):
        at = opening.end()
        ends = closings.get(opening.group().lower())
        closing = ends.search(text, at) if ends else None
        if closing is None:
            closings.pop(opening.group().lower(), None)
            continue
        kept += [text[done : opening.start()], " " * (closing.end() - opening.start())]
        done = at = closing.end()
    return "".join([*kept, text[done:]])


def not_in_gsm(text: str) -> list[str]:
    """The letters of a text that make it a Unicode one, each once, in order."""
    return list(dict.fromkeys(c for c in text if c not in _GSM and c not in _GSM_DOUBLE))


def sms_parts(text: str) -> SmsParts:
    """How a text message is cut: 160 or 153 characters in GSM-7, 70 or 67 in Unicode."""
    unicode = any(c not in _GSM and c not in _GSM_DOUBLE for c in text)
    if unicode:
        length, single, many = len(text.encode("utf-16-be")) // 2, 70, 67
    else:
        length, single, many = sum(2 if c in _GSM_DOUBLE else 1 for c in text), 160, 153
    parts = 1 if length <= single else -(-length // many)
    return SmsParts(length, parts, unicode)
