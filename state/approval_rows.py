"""What the page of a request shows: plain rows and words, no behaviour."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.builder.wordings import Wording, wordings
from services.campaigns.contracts import ApprovalRow
from services.content.preview import email_page
from services.contracts.campaign_types import LABELS
from services.contracts.journey import Message
from services.contracts.languages import direction
from services.contracts.merge_fields import sample_context
from services.contracts.step_names import step_name
from services.engine.judging import WordsChange
from services.kit.errors import Invalid
from services.kit.rendering import RenderProblem, render
from state import words


@dataclass(frozen=True)
class Said:
    """What one message says on one channel, in one variant and language."""

    channel: str
    words: str
    subject: str
    preheader: str
    text: str
    html: bool
    direction: str


@dataclass(frozen=True)
class Told:
    """One message step, with its words on each channel and variant."""

    title: str
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True)
class Look:
    """A risk: something to look at before deciding."""

    tone: str
    sentence: str


@dataclass(frozen=True)
class Reworded:
    """The words of one message, before and now."""

    where: str
    before: str
    now: str


@dataclass(frozen=True)
class Remark:
    person: str
    at: str
    words: str


@dataclass(frozen=True)
class Left:
    sentence: str
    people: str


@dataclass(frozen=True)
class Inside:
    """A group of people inside the running journey, and what becomes of them."""

    who: str
    what: str


def where(change: WordsChange) -> str:
    """“Welcome, Email, German”: which words of which message."""
    channel = words.CHANNELS.get(change.channel, change.channel)
    return ", ".join(part for part in (change.step, channel, change.language, change.variant) if part)


def change(more: int) -> str:
    if not more:
        return "As many as when it was approved last."
    return f"{words.plural(abs(more), 'person', 'people')} {'more' if more > 0 else 'fewer'} than at the last approval."


def end_of(day: str, zone: str) -> datetime | None:
    """The end of a day in the practice's zone; None for an empty field. Raises Invalid."""
    if not day:
        return None
    try:
        first = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    except ValueError as error:
        raise Invalid("Choose the last day of the approval, or leave it empty.") from error
    return first + timedelta(days=1)


def type_of(row: ApprovalRow) -> str:
    return LABELS.get(row.campaign_type, words.plain(row.campaign_type))


def starts(row: ApprovalRow, zone: str) -> str:
    if row.activate_at is None and row.campaign_state == "paused":
        return "Goes on as soon as it is approved"
    if row.activate_at is None:
        return "Starts as soon as it is approved"
    return f"Starts {words.moment(row.activate_at, zone)}"


def decided(row: ApprovalRow, zone: str) -> str:
    if row.state == "requested":
        return ""
    what = {"approved": "Approved", "used": "Approved", "sent_back": "Sent back"}.get(row.state, "Taken back")
    who = f" by {row.decided_by_name}" if row.decided_by_name else ""
    note = f": {row.decision_note}" if row.decision_note else "."
    return f"{what}{who}, {words.moment(row.decided_at, zone)}{note}"


def told(step: Message) -> Told:
    return Told(step_name(step), [_said(one) for one in wordings(step)])


def _said(one: Wording) -> Said:
    """One wording, filled in for an example person."""
    locale, html = one.place[1], one.channel == "email"
    text = _filled(one.content.body, html=html)
    return Said(
        one.channel,
        " · ".join(part for part in (words.CHANNELS[one.channel], one.language, one.variant) if part),
        _filled(one.content.subject, html=False),
        _filled(one.content.preheader, html=False),
        email_page(text, language=locale) if html else text,
        html,
        direction(locale),
    )


def _filled(text: str, *, html: bool) -> str:
    """The words as an example person would read them; as written where they cannot be filled in."""
    try:
        return render(text, sample_context(), html=html)
    except RenderProblem:
        return text
