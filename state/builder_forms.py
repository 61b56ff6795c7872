"""The side panel's form of one step, flat, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.builder import step_words
from services.builder.rule_edits import group_of
from services.builder.step_edits import amount_of
from services.content.preview import email_page
from services.content.rules import sms_parts
from services.contracts.journey import (
    CHANNELS,
    Branch,
    Channel,
    ChannelContent,
    Entry,
    EventMatch,
    Exit,
    Message,
    Pace,
    SendWindow,
    Split,
    Step,
    SubCampaign,
    Wait,
    WaitEvent,
    WaitFor,
    WaitUntilDate,
    WaitUntilField,
    WaitUntilWindow,
)
from services.contracts.languages import name_of
from services.contracts.merge_fields import sample_context
from services.kit.rendering import RenderProblem, render
from state.event_rows import EventBox, event_box, event_names
from state.rule_rows import Choices, RuleBox, box

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class ChannelRow:
    key: str
    words: str
    on: bool
    first: bool
    last: bool
    written: bool


@dataclass(frozen=True)
class LanguageRow:
    """`key` is empty for the words that everybody gets."""

    key: str
    name: str
    written: bool


@dataclass(frozen=True)
class ShareRow:
    """A variant of a message or an arm of a split."""

    index: int
    name: str
    label: str
    percent: str
    control: bool = False


@dataclass(frozen=True)
class PathRow:
    index: int
    name: str
    label: str
    rules: RuleBox = field(default_factory=RuleBox)
    event: str = ""
    event_box: EventBox = field(default_factory=EventBox)
    event_names: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class DayRow:
    key: str
    words: str
    on: bool


@dataclass(frozen=True)
class StepForm:
    """Everything the panel may show; what a kind does not have stays at its default."""

    id: str = ""
    kind: str = ""
    kind_words: str = ""
    title: str = ""
    sentences: list[str] = field(default_factory=list)
    how: str = ""
    event: str = ""
    event_box: EventBox = field(default_factory=EventBox)
    event_names: list[list[str]] = field(default_factory=list)
    cron: str = ""
    amount: str = ""
    unit: str = "days"
    reentry: str = "never"
    reentry_days: str = "0"
    limit_hours: str = ""
    channels: list[ChannelRow] = field(default_factory=list)
    topic: str = ""
    per_household: bool = True
    variants: list[ShareRow] = field(default_factory=list)
    variant: int = 0
    channel: str = ""
    has_subject: bool = False
    languages: list[LanguageRow] = field(default_factory=list)
    language: str = ""
    template: str = ""
    subject: str = ""
    preheader: str = ""
    body: str = ""
    size_words: str = ""
    shown_subject: str = ""
    shown_body: str = ""
    shown_problem: str = ""
    per_hour: str = ""
    spread: str = ""
    spread_unit: str = "hours"
    windowed: bool = False
    start: str = ""
    end: str = ""
    aim: str = "open"
    aim_at: str = ""
    skip_holidays: bool = True
    days: list[DayRow] = field(default_factory=list)
    on: str = ""
    at: str = ""
    about: str = ""
    offset: str = "0"
    side: str = "before"
    paths: list[PathRow] = field(default_factory=list)
    arms: list[ShareRow] = field(default_factory=list)
    reason: str = ""
    target: str = ""


def form(
    step: Step, sentences: list[str], choices: Choices, *, variant: int, channel: str, language: str = ""
) -> StepForm:
    """The form of a step; `variant`, `channel` and `language` are the wording being edited."""
    fields: dict[str, object]
    match step:
        case Entry():
            fields = _entry(step)
        case Message():
            fields = _message(step, variant, channel, language)
        case Wait():
            fields = _wait(step)
        case WaitEvent():
            fields = {**_event(step.event), **_amount(step.timeout_minutes)}
        case Branch():
            fields = {"paths": _paths(step, choices)}
        case Split():
            fields = {"arms": _arms(step)}
        case Exit():
            fields = {"reason": step.reason}
        case SubCampaign():
            fields = {"target": step.campaign_id}
        case _:
            fields = {}
    return StepForm(
        id=step.id,
        kind=step.kind,
        kind_words=step_words.KINDS[step.kind],
        title=step.title,
        sentences=sentences,
        **fields,  # type: ignore[arg-type]
    )


def _entry(step: Entry) -> dict[str, object]:
    return {
        "how": step.how,
        **(_event(step.event) if step.event else {}),
        "cron": step.cron or "",
        "reentry": step.reentry.rule,
        "reentry_days": str(step.reentry.days),
        "limit_hours": str(step.limit_hours),
        **_amount(step.delay_minutes),
    }


def _event(match: EventMatch) -> dict[str, object]:
    return {"event": match.type, "event_box": event_box(match), "event_names": event_names(match)}


def _message(step: Message, variant: int, channel: str, language: str) -> dict[str, object]:
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
        **(_window(step.window) if step.window else {}),
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


def _wait(step: Wait) -> dict[str, object]:
    until = step.until
    match until:
        case WaitFor():
            return {"how": until.how, **_amount(until.minutes)}
        case WaitUntilWindow():
            return {"how": until.how, **_window(until.window)}
        case WaitUntilDate():
            return {"how": until.how, "on": until.on.isoformat(), "at": f"{until.at:%H:%M}"}
        case WaitUntilField():
            return {
                "how": until.how,
                "about": until.field,
                "offset": str(abs(until.offset_days)),
                "side": "after" if until.offset_days > 0 else "before",
                "at": f"{until.at:%H:%M}",
            }


def _amount(minutes: int) -> dict[str, object]:
    amount, unit = amount_of(minutes)
    return {"amount": str(amount), "unit": unit}


def _window(window: SendWindow) -> dict[str, object]:
    return {
        "windowed": True,
        "start": f"{window.start:%H:%M}",
        "end": f"{window.end:%H:%M}",
        "aim": window.aim,
        "aim_at": f"{window.at:%H:%M}",
        "skip_holidays": window.skip_holidays,
        "days": [DayRow(day, day.title(), day in window.days) for day in DAYS],
    }


def _paths(step: Branch, choices: Choices) -> list[PathRow]:
    return [
        PathRow(
            n,
            path.label or f"Path {n + 1}",
            path.label,
            box(group_of(path.when), choices),
            **(_event(path.event) if path.event else {}),  # type: ignore[arg-type]
        )
        for n, path in enumerate(step.paths)
    ]


def _arms(step: Split) -> list[ShareRow]:
    return [
        ShareRow(n, arm.label or f"Arm {n + 1}", arm.label, f"{arm.percent:g}", arm.control)
        for n, arm in enumerate(step.arms)
    ]
