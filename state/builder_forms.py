"""What the side panel shows of one step, flat: the rows and the form the page reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from state.event_rows import EventBox
from state.rule_rows import RuleBox


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
    called: str = ""
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
