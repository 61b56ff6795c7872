"""The HTML side of an email: Markdown or pasted HTML made safe, links counted, a page around it.

Layout tables and inline styles, because mail readers need them; widths bend to a telephone.
"""

import html
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt

from services.contracts.languages import direction
from services.neighbours.hub.contracts import Practice

_TAGS = re.compile(
    r"<(?:p|div|table|a|h[1-6]|br|ul|ol|html|body|img|span|strong)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_BARE_URL = re.compile(r"(?<![(<\"'\w=/])(https?://[^\s<>()\"'`\]]+[^\s<>()\"'`\].,;:!?*])")
_HREF = re.compile(r"<a\b[^>]*?\shref=\"([^\"]*)\"", re.IGNORECASE)
_PARAGRAPH_END = re.compile(r"</(?:p|h[1-6]|table|ul|ol|blockquote)>", re.IGNORECASE)
_LINE_END = re.compile(r"</(?:div|li|tr)>|<br\s*/?>", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_ANCHOR = re.compile(r"<a\b[^>]*?\shref=\"([^\"]*)\"[^>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)

ALLOWED_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "center", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i",
    "img", "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ALLOWED_STYLES = {
    "background-color", "border", "border-radius", "color", "display", "font-size", "font-style", "font-weight",
    "height", "line-height", "margin", "max-width", "padding", "text-align", "text-decoration", "width",
}  # fmt: skip
_SHARED = {"style", "align", "width", "height"}
ALLOWED_ATTRIBUTES = {
    **{tag: set(_SHARED) for tag in ALLOWED_TAGS},
    "a": {"href", "title", *_SHARED},
    "img": {"src", "alt", *_SHARED},
    "td": {"colspan", "rowspan", *_SHARED},
    "table": {"cellpadding", "cellspacing", "border", "role", *_SHARED},
}


def looks_like_html(body: str) -> bool:
    """Did the author write HTML, rather than plain words with Markdown?"""
    return bool(_TAGS.search(body))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")


def from_markdown(text: str) -> str:
    """Paragraphs, emphasis, lists and links. Bare addresses become links; tags stay text."""
    return str(_markdown().render(_BARE_URL.sub(r"<\1>", text)))


def cleaned(markup: str) -> str:
    """Only markup that belongs in a message: no script, no form, no frame, no foreign style."""
    return nh3.clean(
        markup,
        tags=ALLOWED_TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        filter_style_properties=ALLOWED_STYLES,
        link_rel=None,
    )


def as_text(markup: str) -> str:
    """The plain alternative of finished HTML: lines for blocks, addresses after their links."""

    def spelled(match: re.Match[str]) -> str:
        inner = re.sub(r"<[^>]+>", "", match.group(2)).strip()
        href = match.group(1)
        return href if not inner or is_web_address(inner) else f"{inner}: {href}"

    spelt = _ITEM.sub("- ", _ANCHOR.sub(spelled, re.sub(r"\s+", " ", markup)))
    plain = html.unescape(re.sub(r"<[^>]+>", "", _LINE_END.sub("\n", _PARAGRAPH_END.sub("\n\n", spelt))))
    lines = [line.strip() for line in plain.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def says(text: str, words: str) -> bool:
    """Whether a text holds these words, however its lines break."""
    return " ".join(words.split()) in " ".join(text.split())


class Links:
    """Numbers the http(s) targets of one message and points them at the Hub's redirect.

    `keep` (the opt-out) is left alone, as is every other scheme.
    """

    def __init__(self, base: str, *, keep: str) -> None:
        self.base, self.keep = base, keep
        self.targets: list[str] = []

    def rewrite_html(self, markup: str) -> str:
        def swap(match: re.Match[str]) -> str:
            target = html.unescape(match.group(1))
            tracked = html.escape(self._tracked(target))
            return match.group(0).replace(f'"{match.group(1)}"', f'"{tracked}"', 1)

        return _HREF.sub(swap, markup)

    def _tracked(self, url: str) -> str:
        if url == self.keep or not is_web_address(url):
            return url
        if url not in self.targets:
            self.targets.append(url)
        return f"{self.base}/{self.targets.index(url) + 1}"


def is_web_address(url: str) -> bool:
    """http or https with a host, and nothing a browser might read differently."""
    if any(ord(c) <= 32 or c == "\\" for c in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def page(
    *,
    practice: Practice,
    subject: str,
    preheader: str,
    body: str,
    opt_out: str,
    pixel: str,
    language: str = "",
) -> str:
    """A whole email around a finished body.

    `opt_out` empty: the body has its own link. A body that gives the postal address is not
    followed by another one.
    """
    e: Callable[[str], str] = html.escape
    lead = f'<div style="display:none;max-height:0;overflow:hidden">{e(preheader)}</div>' if preheader else ""
    stop = f'<br><a href="{e(opt_out)}" style="color:#51606f">Unsubscribe</a>' if opt_out else ""
    own = practice.postal_address and says(as_text(body), practice.postal_address)
    sender = e(practice.name) if own else f"{e(practice.name)}<br>{e(practice.postal_address)}"
    contact = " · ".join(e(part) for part in (practice.phone, practice.email) if part)
    return f"""<!doctype html>
<html lang="{e(language or "en")}" dir="{direction(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{e(subject)}</title>
<style>
.body a {{ color: #0b6e6e }} .body h1, .body h2, .body h3 {{ line-height: 1.25; margin: 1.2em 0 .4em }}
.body p, .body ul, .body ol {{ margin: 0 0 1em }} .body img {{ max-width: 100%; height: auto }}
@media (max-width: 640px) {{ .card {{ border-radius: 0 !important }} .pad {{ padding: 24px 20px !important }} }}
</style>
</head>
<body style="margin:0;background:#eef2f4;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
{lead}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 0">
<table role="presentation" class="card" width="600" cellpadding="0" cellspacing="0" style="width:100%;max-width:600px;background:#ffffff;border-radius:12px">
<tr><td class="pad" style="padding:24px 40px;border-bottom:1px solid #e3e9ed;font-size:18px;font-weight:600;color:#123a40">{e(practice.name)}</td></tr>
<tr><td class="pad body" style="padding:32px 40px;font-size:16px;line-height:1.6;color:#1d2b36">
{body}
</td></tr>
<tr><td class="pad" style="padding:20px 40px 28px;border-top:1px solid #e3e9ed;font-size:13px;line-height:1.6;color:#51606f">
{sender}{"<br>" + contact if contact else ""}{stop}
</td></tr>
</table>
</td></tr></table>
<img src="{e(pixel)}" width="1" height="1" alt="" style="display:block;border:0">
</body>
</html>
"""
