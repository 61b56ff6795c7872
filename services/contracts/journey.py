"""The journey grammar: the declarative schema the builder writes and the engine reads (BLD-3).

A journey is a flat list of steps; each names the steps it leads to. There is no expression
language, no markup beyond message text, and no field that is not listed here: anything unknown
is refused. `services.builder` checks what a schema alone cannot (reachability, loops, content).
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field

from services.contracts.envelope import Strict
from services.contracts.languages import MOST, Locale
from services.contracts.segment import Audience, Rule, Scalar

Channel = Literal["in_app", "email", "sms", "whatsapp"]
CHANNELS: tuple[Channel, ...] = ("in_app", "email", "sms", "whatsapp")
StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
CampaignType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Percent = Annotated[float, Field(ge=0, le=100)]
Minutes = Annotated[int, Field(ge=0, le=60 * 24 * 366)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Position(Strict):
    """Where a step lies on the canvas, in canvas units. Absent: laid out automatically."""

    x: float
    y: float


class StepBase(Strict):
    id: StepId
    title: str = Field("", max_length=120)
    note: str = Field("", max_length=2000)
    position: Position | None = None


class EventCondition(Strict):
    """One property of an event's data compared with a value."""

    property: str = Field(pattern=r"^[a-z][a-z0-9_.]{0,79}$")
    op: Literal["is", "is_not", "contains", "not_contains", "gt", "gte", "lt", "lte", "in", "not_in"]
    value: Scalar | list[Scalar]


class EventMatch(Strict):
    """An inbound event by type, narrowed by its properties: all conditions hold (001), or any."""

    type: str = Field(pattern=r"^[a-z0-9_.-]+$", max_length=120)
    where: list[EventCondition] = Field(default_factory=list, max_length=10)
    join: Literal["all", "any"] = "all"


class Reentry(Strict):
    """ENG-7: may someone who was here come again?"""

    rule: Literal["never", "after_exit", "after_period", "concurrent"] = "never"
    days: int = Field(0, ge=0, le=3650)


class Entry(StepBase):
    """How people come in. `segment`: everyone in the audience when it starts, once; `dynamic`:
    also whoever joins it later; `event`: on an event, if in the audience; `schedule`: the
    audience at every cron time; `manual`: by staff or the API."""

    kind: Literal["entry"] = "entry"
    how: Literal["segment", "dynamic", "event", "schedule", "manual"] = "segment"
    event: EventMatch | None = None
    delay_minutes: Minutes = 0
    limit_hours: int = Field(24, ge=0, le=24 * 366)
    cron: str | None = Field(None, max_length=120)
    reentry: Reentry = Reentry()
    next: StepId | None = None


class ChannelContent(Strict):
    """What is said on one channel. `subject` is for email and in-app only."""

    subject: str = Field("", max_length=300)
    body: str = Field("", max_length=200_000)
    preheader: str = Field("", max_length=300)


class Variant(Strict):
    key: Annotated[str, Field(pattern=r"^[a-z0-9]{1,12}$")] = "a"
    label: str = Field("", max_length=80)
    percent: Percent = 100
    template_id: str | None = None
    content: dict[Channel, ChannelContent] = Field(default_factory=dict)
    translations: dict[Locale, dict[Channel, ChannelContent]] = Field(
        default_factory=dict,
        max_length=MOST,
        description="The same in further languages (CNT-7), chosen by the contact's own: exactly theirs, else"
        " their language, else `content`.",
    )


class SendWindow(Strict):
    """Local time of the recipient; outside it the message waits (ENG-4, D23)."""

    start: time = time(9, 0)
    end: time = time(18, 0)
    days: list[Weekday] = Field(["mon", "tue", "wed", "thu", "fri"])
    skip_holidays: bool = True
    aim: Literal["open", "at", "best_hour"] = Field(
        "open",
        description="`open`: as soon as the window is open; `at`: at one local time inside it;"
        " `best_hour`: in the hour each person opens most, where known, else when it opens.",
    )
    at: time = Field(time(10, 0), description="For `at`: the local time of the recipient.")


class Pace(Strict):
    """ENG-4: at most `per_minute` and `per_hour` requests, whoever sends; and people who come in (or,
    of a step, arrive there) together are spread evenly over `spread_minutes`."""

    per_minute: int | None = Field(None, ge=1, le=1_000_000)
    per_hour: int | None = Field(None, ge=1, le=10_000_000)
    spread_minutes: int | None = Field(None, ge=1, le=60 * 24 * 14)


class Message(StepBase):
    """A request to the Hub. Channels are an intent in order of preference; the Hub decides."""

    kind: Literal["message"] = "message"
    channels: list[Channel] = Field(["in_app", "email"], max_length=4)
    topic: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "marketing"
    variants: list[Variant] = Field(default_factory=lambda: [Variant()], min_length=1, max_length=5)
    window: SendWindow | None = None
    pace: Pace = Field(Pace(), description="Of this step alone, inside the campaign's own.")
    one_per_household: bool = True
    next: StepId | None = None


class WaitFor(Strict):
    """A length of time."""

    how: Literal["duration"] = "duration"
    minutes: Annotated[int, Field(ge=1, le=60 * 24 * 366)] = 60 * 24


class WaitUntilWindow(Strict):
    """The next moment inside a window of the recipient's local time."""

    how: Literal["window"] = "window"
    window: SendWindow = SendWindow()


class WaitUntilDate(Strict):
    """A date everyone shares, at a local time."""

    how: Literal["date"] = "date"
    on: date
    at: time = time(9, 0)


class WaitUntilField(Strict):
    """Days before or after a date of the person's own (birthday, next appointment …)."""

    how: Literal["field"] = "field"
    field: str = Field(max_length=80)
    offset_days: int = Field(0, ge=-365, le=365)
    at: time = time(9, 0)


class Wait(StepBase):
    kind: Literal["wait"] = "wait"
    until: Annotated[
        WaitFor | WaitUntilWindow | WaitUntilDate | WaitUntilField, Field(discriminator="how")
    ] = WaitFor()
    next: StepId | None = None


class WaitEvent(StepBase):
    """Waits for an event about this person, at most `timeout_minutes`."""

    kind: Literal["wait_event"] = "wait_event"
    event: EventMatch
    timeout_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 366)] = 60 * 24 * 7
    on_event: StepId | None = None
    on_timeout: StepId | None = None


class Path(Strict):
    """People take it when the rule holds and, where an event is named, one like it came about them
    in the last thirty days."""

    label: str = Field("", max_length=80)
    when: Rule
    event: EventMatch | None = None
    next: StepId | None = None


class Branch(StepBase):
    """First path whose rule holds; else `otherwise`."""

    kind: Literal["branch"] = "branch"
    paths: list[Path] = Field(default_factory=list, min_length=1, max_length=10)
    otherwise: StepId | None = None


class Arm(Strict):
    label: str = Field("", max_length=80)
    percent: Percent
    control: bool = False
    next: StepId | None = None


class Split(StepBase):
    """A sticky share of people for each arm (D24); a control arm gets nothing by design."""

    kind: Literal["split"] = "split"
    arms: list[Arm] = Field(min_length=2, max_length=5)


class SubCampaign(StepBase):
    """Hands the person to another campaign, then goes on."""

    kind: Literal["sub_campaign"] = "sub_campaign"
    campaign_id: str = Field(max_length=64)
    next: StepId | None = None


class GoalStep(StepBase):
    """Reaching this step means the objective is met; the journey ends for the person."""

    kind: Literal["goal"] = "goal"


class Exit(StepBase):
    kind: Literal["exit"] = "exit"
    reason: str = Field("", max_length=200)


Step = Annotated[
    Entry | Message | Wait | WaitEvent | Branch | Split | SubCampaign | GoalStep | Exit,
    Field(discriminator="kind"),
]


NoteColour = Literal["yellow", "green", "blue", "pink"]


class Note(Strict):
    """A sticky note on the canvas, for people only: nothing that is done depends on it.

    Notes are stored with the journey and its versions, but lie outside the content hash (as places
    on the canvas do), so an edit of a note alone takes no approval back (D9). What they say is
    checked for secrets and leftovers all the same.
    """

    id: StepId
    text: str = Field("", max_length=500)
    colour: NoteColour = "yellow"
    position: Position


class Goal(Strict):
    """What the journey is for: the event that proves it ends the journey for that person."""

    objective: Literal["engagement", "booking", "conversion", "revenue"] = "booking"
    event: EventMatch = EventMatch(type="appointment.booked")
    window_days: int = Field(7, ge=1, le=30)


class Caps(Strict):
    """Contact fatigue (000 §6.1). A campaign may only tighten the practice's own (D22)."""

    max_touches: int | None = Field(None, ge=1, le=1000)
    per_days: int = Field(7, ge=1, le=365)
    min_gap_hours: int | None = Field(None, ge=0, le=24 * 365)
    exclusive: bool = False


class Journey(Strict):
    """The whole definition of a campaign, as stored, hashed and approved."""

    schema_version: Literal[1] = 1
    campaign_type: CampaignType = "nurture"
    audience: Audience = Audience()
    steps: list[Step] = Field(default_factory=list, max_length=500)
    goal: Goal = Goal()
    exit_on: list[EventMatch] = Field(default_factory=list, max_length=10)
    caps: Caps = Caps()
    pace: Pace = Pace()
    holdout_percent: Annotated[float, Field(ge=0, le=50)] = 0
    notes: list[Note] = Field(default_factory=list, max_length=100)


Port = tuple[str, str, str | None]
"""(port key, label people read, step it leads to)"""


def ports(step: Step) -> list[Port]:
    """Every way out of a step, in order. Port keys are stable: `next`, `on_event`, `on_timeout`,
    `path-<n>`, `otherwise`, `arm-<n>`."""
    match step:
        case Entry() | Message() | Wait() | SubCampaign():
            return [("next", "", step.next)]
        case WaitEvent():
            return [
                ("on_event", "It happened", step.on_event),
                ("on_timeout", "Time ran out", step.on_timeout),
            ]
        case Branch():
            paths = [(f"path-{n}", p.label or f"Path {n + 1}", p.next) for n, p in enumerate(step.paths)]
            return [*paths, ("otherwise", "Everyone else", step.otherwise)]
        case Split():
            return [
                (f"arm-{n}", arm.label or f"{arm.percent:g} %", arm.next) for n, arm in enumerate(step.arms)
            ]
        case GoalStep() | Exit():
            return []
