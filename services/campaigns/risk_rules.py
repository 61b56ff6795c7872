"""What an approver should look at before saying yes: pure rules over facts somebody else gathered.

None of them forbids anything: what may not go out is the gates' business (house rule 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

from services.campaigns.contracts import KeptFate, Risk, Tone
from services.contracts.journey import CHANNELS, Channel, Journey, Message, SendWindow, Wait, WaitUntilWindow
from services.gates.reasons import Reason

GREW_SHARE, GREW_PEOPLE = 0.20, 50
"""D12: growth beyond both is worth a word."""
NEAR_CAP = 0.10
HOLDOUT_FROM = 200
"""People below which a comparison group says nothing."""
BURST_FROM = 2_000
EARLY, LATE = time(8, 0), time(20, 0)
NAMES: dict[Channel, str] = {
    "in_app": "the patient app",
    "email": "email",
    "sms": "text message",
    "whatsapp": "WhatsApp",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """`previous`, `people_before`: of the version approved before, None the first time. `left_out`:
    reason code → people the gates would refuse now. `new_templates`: names never used before."""

    journey: Journey
    people: int
    previous: Journey | None = None
    people_before: int | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    global_holdout: float = 0
    new_templates: Sequence[str] = ()
    fates: Sequence[KeptFate] = ()
    own_work: bool = False


def risks(facts: Facts) -> list[Risk]:
    """Most serious first."""
    found = [
        *_emergencies(facts), *_audience(facts), *_channels(facts), *_caps(facts), *_leaving(facts),
        *_holdout(facts), *_hours(facts), *_templates(facts), *_burst(facts), *_own_work(facts),
    ]  # fmt: skip
    order: dict[Tone, int] = {"danger": 0, "warn": 1, "info": 2}
    return sorted(found, key=lambda risk: order[risk.tone])


def _emergencies(facts: Facts) -> list[Risk]:
    people = facts.left_out.get(Reason.EMERGENCY_STACK_EXCLUSION.value, 0)
    if people:
        return [
            _risk(
                "emergency_adjacent",
                "danger",
                f"{_people(people)} in this audience {_have(people)} an open emergency enquiry. They are left "
                "out, but it says that this audience lies close to people in pain.",
            )
        ]
    return []


def _audience(facts: Facts) -> list[Risk]:
    before = facts.people_before
    if before is None or facts.people - before <= max(GREW_PEOPLE, before * GREW_SHARE):
        return []
    return [
        _risk(
            "audience_grew",
            "danger",
            f"The audience has grown from {before:,} to {facts.people:,} since the last approval.",
        )
    ]


def _channels(facts: Facts) -> list[Risk]:
    if facts.previous is None:
        return []
    new = [c for c in CHANNELS if c in _used(facts.journey) - _used(facts.previous)]
    if not new:
        return []
    names = " and ".join(NAMES[channel] for channel in new)
    return [_risk("new_channel", "warn", f"It now also goes by {names}, which the last version did not use.")]


def _used(journey: Journey) -> set[Channel]:
    return {channel for step in _messages(journey) for channel in step.channels}


def _messages(journey: Journey) -> list[Message]:
    return [step for step in journey.steps if isinstance(step, Message)]


def _caps(facts: Facts) -> list[Risk]:
    capped = sum(facts.left_out.get(reason.value, 0) for reason in (Reason.FREQUENCY_CAP, Reason.MINIMUM_GAP))
    if not facts.people or capped < facts.people * NEAR_CAP:
        return []
    return [
        _risk(
            "cap_near",
            "warn",
            f"{_people(capped)} of {facts.people:,} had a message lately and would not get the first one now.",
        )
    ]


def _leaving(facts: Facts) -> list[Risk]:
    people = sum(fate.live + fate.held for fate in facts.fates if fate.choice == "exit")
    if not people:
        return []
    return [_risk("people_leave", "warn", f"{_people(people)} inside the running version will leave it.")]


def _holdout(facts: Facts) -> list[Risk]:
    if facts.journey.holdout_percent or facts.global_holdout or facts.people < HOLDOUT_FROM:
        return []
    return [
        _risk("no_holdout", "info", "Nobody is held out, so nobody will be able to say what it has brought.")
    ]


def _hours(facts: Facts) -> list[Risk]:
    odd = [window for window in _windows(facts.journey) if window.start < EARLY or window.end > LATE]
    weekend = [window for window in _windows(facts.journey) if {"sat", "sun"} & set(window.days)]
    if odd:
        return [
            _risk(
                "odd_hours",
                "warn",
                f"Messages may go out between {odd[0].start:%H:%M} and {odd[0].end:%H:%M}, early or late in "
                "people's day.",
            )
        ]
    if weekend:
        return [_risk("weekend", "info", "Messages may go out at the weekend, when nobody may answer.")]
    return []


def _windows(journey: Journey) -> list[SendWindow]:
    of_messages = [step.window for step in _messages(journey) if step.window is not None]
    of_waits = [
        step.until.window
        for step in journey.steps
        if isinstance(step, Wait) and isinstance(step.until, WaitUntilWindow)
    ]
    return [*of_messages, *of_waits]


def _templates(facts: Facts) -> list[Risk]:
    if not facts.new_templates:
        return []
    names = ", ".join(f"“{name}”" for name in facts.new_templates)
    return [_risk("first_time_template", "info", f"Used for the first time: {names}.")]


def _burst(facts: Facts) -> list[Risk]:
    pace = facts.journey.pace
    entry = next((step for step in facts.journey.steps if step.kind == "entry"), None)
    at_once = entry is not None and entry.how in ("segment", "schedule")
    if not at_once or facts.people < BURST_FROM or any((pace.per_minute, pace.per_hour, pace.spread_minutes)):
        return []
    return [
        _risk(
            "all_at_once",
            "info",
            f"All {facts.people:,} people start at once, and those who answer may ring on the same day.",
        )
    ]


def _own_work(facts: Facts) -> list[Risk]:
    if not facts.own_work:
        return []
    return [
        _risk(
            "own_work",
            "warn",
            "You made or edited this yourself. The practice allows that; the audit will say so.",
        )
    ]


def _risk(code: str, tone: Tone, sentence: str) -> Risk:
    return Risk(code=code, tone=tone, sentence=sentence)


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _have(number: int) -> str:
    return "has" if number == 1 else "have"
