"""The access report as a page that anybody can open, print and read: plain HTML, no script, no address."""

from datetime import datetime
from html import escape
from typing import Any

import orjson

from services.privacy.contracts import AccessReport, MessageConsent, Section

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f}"
    "h2{margin:2rem 0 .3rem;font-size:1.15rem}table{border-collapse:collapse;width:100%;margin:.6rem 0}"
    "td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-top:1px solid #ddd;overflow-wrap:anywhere}"
    "th{font-weight:600;width:14rem}p{margin:.3rem 0}.quiet{color:#5b5b66}"
)


def page(report: AccessReport) -> str:
    """The whole report; every value is escaped."""
    made = _moment(report.made_at)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What is held about you</title>',
        f"<style>{STYLE}</style></head><body><h1>What is held about you</h1>",
        f'<p class="quiet">As of {made}, put together by {escape(report.made_by)}. Reference {report.contact_id}.</p>',
        "<h2>Your consent, message by message</h2>",
        *(_consent(one) for one in report.consent_per_message),
        "" if report.consent_per_message else "<p>No message was sent to you.</p>",
        *(_section(one) for one in report.sections),
        "</body></html>",
    ]
    return "".join(parts)


def _consent(one: MessageConsent) -> str:
    campaign = escape(one.campaign or "A message of its own")
    head = (
        f"<p><b>{_moment(one.asked_at)}</b> · {campaign} · {_words(one.channel)} · {_words(one.status)}</p>"
    )
    if one.state != "granted":
        return f'{head}<p class="quiet">No consent to {_words(one.channel).lower()} was on file then.</p>'
    how = f" by {escape(one.method)}" if one.method else ""
    proof = f" On file: {escape(one.evidence)}." if one.evidence else ""
    since = _moment(one.since) if one.since else "an unknown day"
    return f'{head}<p class="quiet">Agreed to {escape(one.purpose)} on {since}{how}.{proof}</p>'


def _section(section: Section) -> str:
    rows = "".join(f"<table>{''.join(_line(k, v) for k, v in row.items())}</table>" for row in section.rows)
    nothing = "" if rows else "<p>Nothing.</p>"
    return f'<h2>{escape(section.name)}</h2><p class="quiet">Held by: {escape(section.held_by)}</p>{rows}{nothing}'


def _line(name: str, value: Any) -> str:
    return f"<tr><th>{_words(name)}</th><td>{escape(_plain(value))}</td></tr>"


def _words(name: str) -> str:
    return escape(name.removesuffix("_at").replace("_", " ").capitalize())


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        return _day(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return orjson.dumps(value).decode()


def _day(text: str) -> str:
    """A moment as PostgreSQL writes it in JSON, in words; any other text as it is."""
    try:
        return _moment(datetime.fromisoformat(text)) if len(text) > 18 and text[10] == "T" else text
    except ValueError:
        return text


def _moment(at: datetime) -> str:
    return f"{at:%-d %B %Y, %H:%M}"
