"""The few pages people see: opting out, and the demo's outbox. Plain HTML, no script."""

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from typing import Any

from services.neighbours.hub.contracts import Practice

STYLE = """
:root { color-scheme: light dark; --ink: #1d2b36; --soft: #51606f; --paper: #fff; --back: #eef2f4; --line: #d5dee3; --act: #0b6e6e; --on: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eef2; --soft: #a9b7c2; --paper: #18222a; --back: #0f161b; --line: #33424d; --act: #35b3ad; --on: #06201f } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 17px/1.6 -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
main { max-width: 34rem; margin: 8vh auto; padding: 2rem 2.25rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px }
main.wide { max-width: 62rem; margin: 3vh auto }
.from { margin: 0; color: var(--soft); font-weight: 600 }
h1 { margin: .25rem 0 .75rem; font-size: 1.6rem; line-height: 1.25 }
fieldset { border: 0; margin: 1.25rem 0; padding: 0 }
legend { font-weight: 600; margin-bottom: .5rem; padding: 0 }
label { display: flex; gap: .75rem; padding: .8rem 1rem; margin: .5rem 0; border: 1px solid var(--line); border-radius: 10px; cursor: pointer }
label small { display: block; color: var(--soft) }
input { width: 1.2rem; height: 1.2rem; margin-top: .25rem; accent-color: var(--act) }
button { font: inherit; font-weight: 600; padding: .75rem 1.5rem; border: 0; border-radius: 10px; background: var(--act); color: var(--on); cursor: pointer }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid var(--act); outline-offset: 3px }
a { color: var(--act) }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem }
table { width: 100%; border-collapse: collapse; font-size: .92rem } th, td { text-align: left; padding: .5rem .6rem; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 }
pre { white-space: pre-wrap; font: inherit; padding: 1rem; border: 1px solid var(--line); border-radius: 10px }
iframe { width: 100%; height: 70vh; border: 1px solid var(--line); border-radius: 10px; background: #fff }
.scroll { overflow-x: auto }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

STATES = {
    "queued": "Waiting", "sending": "Going out", "sent": "Sent", "delivered": "Delivered",
    "failed": "Not sent", "bounced": "Bounced", "cancelled": "Cancelled",
}  # fmt: skip
CHANNELS = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp", "in_app": "In-app"}
REASONS = {
    "quiet_hours": "it is night where they are",
    "cap_exceeded": "they heard from us enough lately",
    "rate_limit": "the hourly allowance is used up",
    "no_consent": "no consent for any of the channels",
    "closed": "they asked not to be written to",
    "unreachable": "no address on any of the channels",
    "no_content": "there are no words for it",
    "render_problem": "the words could not be filled in",
    "contact_unknown": "the contact is not known",
    "do_not_contact": "marked do not contact",
    "deceased": "marked deceased",
    "merged": "merged into another record",
    "send_unknown": "the hand-off was cut off; it may have gone",
}


def choose_page(practice: Practice, topic: str, token: str) -> str:
    """Asks what to stop. Looking at it changes nothing."""
    name, about = html.escape(practice.name), html.escape(spoken(topic))
    topical = (
        ""
        if topic == "marketing"
        else f"""
<label><input type="radio" name="scope" value="topic" checked>
<span>Messages about {about}<small>Other news from us may still reach you.</small></span></label>"""
    )
    everything = " checked" if topic == "marketing" else ""
    return _page(
        f"Unsubscribe from {practice.name}",
        f"""<p class="from">{name}</p>
<h1>What would you like to stop?</h1>
<form method="post" action="/u/{html.escape(token)}">
<fieldset><legend>Stop sending me</legend>{topical}
<label><input type="radio" name="scope" value="all"{everything}>
<span>All marketing messages<small>By email, text, WhatsApp and in the app.</small></span></label>
</fieldset>
<button type="submit">Unsubscribe</button>
</form>{_footer(practice)}""",
    )


def done_page(practice: Practice, topic: str, *, all_topics: bool) -> str:
    what = "any marketing messages" if all_topics else f"messages about {html.escape(spoken(topic))}"
    return _page(
        "You are unsubscribed",
        f"""<p class="from">{html.escape(practice.name)}</p>
<h1>You are unsubscribed</h1>
<p role="status">We will not send you {what} from now on. Messages about your own appointments and
treatment are not marketing and are not affected.</p>{_footer(practice)}""",
    )


def not_found_page() -> str:
    return _page(
        "Link not found",
        """<h1>This link does not work</h1>
<p>It may have been cut off when it was copied. Use the link in the message itself, or ask the
practice that wrote to you to stop.</p>""",
    )


def outbox_page(practice: Practice, key: str, counts: Mapping[str, int], messages: Sequence[Any]) -> str:
    """The demo's outbox: the latest messages, newest first."""
    totals = ", ".join(f"{n:,} {STATES[state].lower()}" for state, n in sorted(counts.items()))
    body = "".join(_outbox_row(practice, key, m) for m in messages)
    empty = '<tr><td colspan="5">Nothing yet. Messages appear here as a campaign runs.</td></tr>'
    return _page(
        f"Outbox of {practice.name}",
        f"""<p class="from">{html.escape(practice.name)}</p><h1>Outbox</h1>
<p>{html.escape(totals) or "No messages."} The latest 200 are shown.</p>
<div class="scroll"><table><thead><tr><th scope="col">Accepted</th><th scope="col">To</th>
<th scope="col">Channel</th><th scope="col">State</th><th scope="col">Message</th></tr></thead>
<tbody>{body or empty}</tbody></table></div>""",
        wide=True,
    )


def message_page(practice: Practice, key: str, path: str, subject: str, text: str, *, has_html: bool) -> str:
    """One message of the outbox as its recipient gets it."""
    link = f"/outbox/{practice.practice_id}/{path}/body?key={html.escape(key)}"
    frame = f'<iframe sandbox src="{link}" title="The message as an email"></iframe><h2>As plain text</h2>'
    return _page(
        subject or "Message",
        f"""<p class="from"><a href="/outbox/{practice.practice_id}?key={html.escape(key)}">Outbox</a></p>
<h1>{html.escape(subject) or "Message"}</h1>{frame if has_html else ""}<pre>{html.escape(text)}</pre>""",
        wide=True,
    )


def _outbox_row(practice: Practice, key: str, m: Any) -> str:
    state = STATES[m.state]
    if m.failure:
        state += f": {REASONS.get(m.failure, m.failure)}"
    if m.test:
        state += " (test)"
    link = f"/outbox/{practice.practice_id}/{m.dispatch_id}?key={html.escape(key)}"
    read = f'<a href="{link}">Read</a>' if m.sent_at else ""
    cells = (
        f"{m.accepted_at:%d %b %H:%M:%S}",
        f"{m.person}{f' ({m.address})' if m.address else ''}",
        CHANNELS.get(m.channel or "", ""),
        state,
    )
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + f"<td>{read}</td></tr>"


def spoken(topic: str) -> str:
    return topic.replace("_", " ")


def _footer(practice: Practice) -> str:
    parts = [part for part in (practice.postal_address, practice.phone, practice.email) if part]
    return f"<footer>{' · '.join(html.escape(part) for part in parts)}</footer>"


def _page(title: str, body: str, *, wide: bool = False) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>{STYLE}</style></head><body><main{' class="wide"' if wide else ""}>{body}</main></body></html>"""
