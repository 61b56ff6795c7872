"""Values that look like keys, tokens or passwords: they never belong in a journey (D28)."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

_KNOWN = re.compile(
    r"AKIA[0-9A-Z]{16}|\b[sr]k_(?:live|test)_\w{10,}|\bgh[pousr]_\w{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:api[_-]?key|secret|password|passwd|access[_-]?token|bearer)\b\s*[:= ]\s*[\"']?[\w./+=-]{12,}",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_DATA_URI = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+")
_ENTROPY = 4.3  # bits a character; English words joined by dashes stay under 4


def looks_secret(text: str) -> bool:
    """True for well-known key shapes, and for long strings too random to be words."""
    if _KNOWN.search(text):
        return True
    return any(_random(token) for token in _TOKEN.findall(_DATA_URI.sub(" ", text)))


def texts(value: Any) -> Iterator[str]:
    """Every string inside plain JSON values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def _random(token: str) -> bool:
    mixed = re.search(r"[a-z]", token) and re.search(r"[A-Z]", token) and re.search(r"\d", token)
    return bool(mixed) and _entropy(token) > _ENTROPY


def _entropy(token: str) -> float:
    counts = Counter(token)
    return -sum(n / len(token) * math.log2(n / len(token)) for n in counts.values())
