"""How an email looks to whoever writes it: the Markdown or HTML of its body on a plain page.

Close to what the Hub sends, not the same: the Hub owns the finished message. The page is shown in
a frame that runs no script and submits no form, so it is left as written.
"""

import html
import re
from functools import lru_cache

from markdown_it import MarkdownIt

from services.contracts.languages import direction

_HTML = re.compile(
    r"<(?:p|div|table|a|h[1-6]|br|ul|ol|html|body|img|span|strong)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_BARE_URL = re.compile(r"(?<![(<\"'\w=/])(https?://[^\s<>()\"'`\]]+[^\s<>()\"'`\].,;:!?*])")
_PAGE = (
    '<!doctype html><html lang="{lang}" dir="{dir}"><meta charset="utf-8"><base target="_blank">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src https: data:\">"
    "<style>html{{background:#fff;color:#1d2b36}}body{{margin:0;padding:20px;font:15px/1.6 system-ui,sans-serif;overflow-wrap:anywhere}}"
    "p,ul,ol{{margin:0 0 1em}}a{{color:#0b6e6e}}img{{max-width:100%;height:auto}}table{{max-width:100%}}"
    "header{{font-weight:600;color:#123a40;padding:0 0 14px;margin:0 0 18px;border-bottom:1px solid #e3e9ed}}{dark}</style>{body}</html>"
)
_DARK = "html{filter:invert(1) hue-rotate(180deg)}img{filter:invert(1) hue-rotate(180deg)}"
"""As an inbox that darkens every message does it: colours turned round, pictures left as they are."""


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")


def as_html(body: str) -> str:
    """A body as HTML: as written, or Markdown turned into it."""
    return body if _HTML.search(body) else str(_markdown().render(_BARE_URL.sub(r"<\1>", body)))


def email_page(body: str, *, sender: str = "", dark: bool = False, language: str = "") -> str:
    """A whole HTML page for a sandboxed frame; empty for an empty body. `sender` stands above it."""
    if not body.strip():
        return ""
    head = f"<header>{html.escape(sender)}</header>" if sender else ""
    return _PAGE.format(
        body=head + as_html(body), dark=_DARK if dark else "", lang=language or "en", dir=direction(language)
    )
