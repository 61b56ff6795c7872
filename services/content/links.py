"""The links of a message: found, and judged without asking anybody (CNT-4). Pure."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urlsplit

SHORTENERS = frozenset(
    {"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "rb.gy", "shorturl.at"}
)  # fmt: skip
Judged = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Link:
    """`words` are what people press. `wrong`: the message should not go with it; `note`: worth a look."""

    url: str
    words: str
    judged: Judged = "ok"
    sentence: str = ""


def links_of(markup: str, *, own_hosts: Iterable[str] = (), each_persons: Iterable[str] = ()) -> list[Link]:
    """Every link of finished HTML, once, in order. `own_hosts`: hosts of the practice, which need no
    remark; `each_persons`: addresses made anew for every person, which cannot be judged here."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    own, skipped = {host.lower() for host in own_hosts if host}, set(each_persons)
    found: dict[str, Link] = {}
    for url, words in reader.found:
        if url not in found and url not in skipped:
            found[url] = _judged(url, " ".join(words.split()), own)
    return list(found.values())


def host_of(url: str) -> str:
    """The host of a web address in small letters; empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _judged(url: str, words: str, own: set[str]) -> Link:
    if url.startswith(("mailto:", "tel:")):
        return Link(url, words)
    problem = _wrong(url)
    if problem:
        return Link(url, words, "wrong", problem)
    host = host_of(url)
    if not words:
        return Link(url, words, "wrong", "This link has no words, so nobody can press it.")
    if own and not any(host == one or host.endswith("." + one) for one in own):
        return Link(url, words, "note", f"It leads to {host}, which is not the practice's own site.")
    return Link(url, words)


def _wrong(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "This is not a web address."
    if parts.scheme not in ("http", "https") or not host or any(ord(c) <= 32 for c in url):
        return "This is not a full web address. It begins with https://."
    if parts.scheme == "http":
        return "It is not encrypted. Use https://."
    if parts.username or parts.password:
        return "It has a user name in it. Leave that out."
    if port not in (None, 443):
        return "It names a port, which many mail readers block."
    if host in SHORTENERS:
        return "It hides where it leads, and is often taken for spam. Give the real address."
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "" if "." in host else "Its server has no full name."
    return "It leads to a number instead of a name, and is often taken for spam."


class _Reader(HTMLParser):
    """Collects (address, words) of every anchor; a picture inside counts by its description."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self._open: list[str] | None = None
        self._url = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self._finish()
            self._url, self._open = str(given["href"]).strip(), []
        elif tag == "img" and self._open is not None:
            self._open.append(given.get("alt") or "")

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finish()

    def close(self) -> None:
        super().close()
        self._finish()

    def _finish(self) -> None:
        if self._open is not None:
            self.found.append((self._url, "".join(self._open)))
        self._open = None
