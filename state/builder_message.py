"""A message step as the side panel shows it: its channels, wordings, languages, hours and pace."""

from __future__ import annotations

from services.builder import step_words
from services.builder.step_edits import amount_of
from services.content.preview import email_page
from services.content.rules import sms_parts
from services.contracts.journey import (
    CHANNELS,
    Channel,
    ChannelContent,
    Message,
    Pace,
    SendWindow,
)
from services.contracts.languages import name_of
from services.contracts.merge_fields import sample_context
from services.kit.rendering import RenderProblem, render
from state.builder_forms import ChannelRow, DayRow, LanguageRow, ShareRow

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def message_fields(step: Message, variant: int, channel: str, language: str) -> dict[str, object]:
    """Its part of the form; `variant`, `channel` and `language` are the wording being edited."""
    index = min(max(variant, 0), len(step.variants) - 1)
    wording = step.variants[index]
    key = _channel(step, channel)
    language = language if language in wording.translations else ""
    there = wording.translations[language] if language else wording.content
    words = there.get(key, ChannelContent()) if key else ChannelContent()
    order: list[Channel] = [*step.channels, *[c for c in CHANNELS if c not in step.channels]]
    last = len(step.channels) - 1
    return {
        "channels": [
            ChannelRow(
                c,
                step_words.CHANNEL_WORDS[c],
                c in step.channels,
                n == 0,
                n == last,
                bool(wording.content.get(c) and wording.content[c].body.strip()),
            )
            for n, c in enumerate(order)
        ],
        "topic": step.topic,
        "per_household": step.one_per_household,
        "variants": [
            ShareRow(n, v.label or f"Wording {v.key.upper()}", v.label, f"{v.percent:g}")
            for n, v in enumerate(step.variants)
        ],
        "variant": index,
        "channel": key or "",
        "languages": [
            LanguageRow(
                one, name_of(one) if one else "Everybody", key in said and bool(said[key].body.strip())
            )
            for one, said in {"": wording.content, **wording.translations}.items()
        ],
        "language": language,
        "template": wording.template_id or "",
        "has_subject": key in ("email", "in_app"),
        "subject": words.subject,
        "preheader": words.preheader,
        "body": words.body,
        **_length(key, words.body),
        **_preview(key, words),
        **(window_fields(step.window) if step.window else {}),
        **{key: words for key, words in pace_words(step.pace).items() if key != "per_minute"},
    }


def pace_words(pace: Pace) -> dict[str, str]:
    """Rates and spread as their fields show them; empty where nothing is declared."""
    amount, unit = amount_of(pace.spread_minutes) if pace.spread_minutes else ("", "hours")
    return {
        "per_minute": str(pace.per_minute or ""),
        "per_hour": str(pace.per_hour or ""),
        "spread": str(amount),
        "spread_unit": unit,
    }


def _channel(step: Message, channel: str) -> Channel | None:
    for one in step.channels:
        if one == channel:
            return one
    return step.channels[0] if step.channels else None


def _length(channel: Channel | None, body: str) -> dict[str, object]:
    if channel not in ("sms", "whatsapp") or not body:
        return {}
    if channel == "whatsapp":
        return {"size_words": f"{len(body)} of 1,600 characters"}
    parts = sms_parts(body)
    return {
        "size_words": f"{parts.length} characters, sent as {parts.parts} text message{'s' if parts.parts > 1 else ''}"
    }


def _preview(channel: Channel | None, words: ChannelContent) -> dict[str, object]:
    """What a sample person would read. A problem is shown in place of the words."""
    try:
        body = render(words.body, sample_context(), html=channel == "email")
        return {
            "shown_subject": render(words.subject, sample_context(), html=False),
            "shown_body": email_page(body) if channel == "email" else body,
        }
    except RenderProblem as problem:
        return {"shown_problem": problem.message}


def window_fields(window: SendWindow) -> dict[str, object]:
    """The hours and days a message may go, or a wait may end."""
    return {
        "windowed": True,
        "start": f"{window.start:%H:%M}",
        "end": f"{window.end:%H:%M}",
        "aim": window.aim,
        "aim_at": f"{window.at:%H:%M}",
        "skip_holidays": window.skip_holidays,
        "days": [DayRow(day, day.title(), day in window.days) for day in DAYS],
    }
