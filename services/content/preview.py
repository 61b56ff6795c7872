"""How an email looks to whoever writes it: the Markdown or HTML of its body on a plain page.

Close to what the Hub sends, not the same: the Hub owns the finished message. The page is shown in
a frame that runs no script and submits no form, so it is left as written.
"""

import re
from functools import lru_cache

from markdown_it import MarkdownIt

_HTML = re.compile(
    r"<(?:p|div|table|a|h[1-6]|br|ul|ol|html|body|img|span|strong)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_PAGE = (
    '<!doctype html><meta charset="utf-8"><base target="_blank"><style>'
    "body{{margin:0;padding:16px;font:15px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}}"
    "p{{margin:0 0 1em}}img{{max-width:100%}}</style>{body}"
)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough").disable("image")


def email_page(body: str) -> str:
    """A whole HTML page for a sandboxed frame; empty for an empty body."""
    if not body.strip():
        return ""
    return _PAGE.format(body=body if _HTML.search(body) else _markdown().render(body))
