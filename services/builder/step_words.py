"""What the canvas and the side panel call steps: one short title and one line, in plain English."""

from __future__ import annotations

import re
from typing import assert_never

from services.contracts.journey import (
    Branch,
    Channel,
    Entry,
    Exit,
    GoalStep,
    Journey,
    Message,
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
    ports,
)
from services.contracts.merge_fields import MERGE_FIELDS
from services.contracts.step_names import KINDS, step_name

CHANNEL_WORDS: dict[Channel, str] = {
    "in_app": "In-app",
    "email": "Email",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
}
EVENT_WORDS: dict[str, str] = {
    "appointment.booked": "books an appointment",
    "appointment.rescheduled": "moves an appointment",
    "appointment.cancelled": "cancels an appointment",
    "appointment.attended": "attends an appointment",
    "appointment.no_show": "misses an appointment",
    "hub.message.delivered": "receives a message",
    "hub.message.opened": "opens a message",
    "hub.message.clicked": "clicks a link",
    "hub.message.replied": "replies to a message",
    "proposal.created": "is given a treatment proposal",
    "proposal.accepted": "accepts a treatment proposal",
    "proposal.stalled": "leaves a treatment proposal unanswered",
    "pipeline.lead.nurture_eligible": "becomes ready for nurturing",
    "pipeline.lead.cold": "goes cold",
    "pipeline.opportunity.lost": "is lost as an opportunity",
    "pipeline.opportunity.deferred": "puts treatment off",
    "pipeline.opportunity.won_future_potential": "completes treatment, with more to come",
    "pipeline.opportunity.converted": "accepts treatment",
    "pipeline.opportunity.withdrawn": "withdraws from treatment",
    "pipeline.opportunity.closed": "has their opportunity closed",
    "pipeline.lead.opened": "comes in as a lead",
    "loyalty.milestone.reached": "reaches a loyalty milestone",
    "loyalty.anniversary": "has a loyalty anniversary",
    "loyalty.handoff.campaign_eligible": "is handed over by Loyalty Insights",
    "recall.journey.completed": "completes a Recall & Reconnect journey",
    "careplan.enrolment_nudge": "is suggested for a care plan",
    "careplan.upgrade_recommended": "is suggested for a better care plan",
    "recall.patient.exited": "leaves Recall & Reconnect",
    "consent.granted": "gives consent",
}
DATE_WORDS: dict[str, str] = {
    "appointment.next_booked": "next appointment",
    "appointment.last_attended": "last visit",
    "contact.birthday": "birthday",
    "pipeline.deferred_until": "chosen date",
}
_TAG = re.compile(r"\{\{\s*([a-z_.]+)[^}]*\}\}|\{%.*?%\}")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENTRY = {
    "segment": "Everyone in the audience, once",
    "dynamic": "The audience, and whoever joins it later",
    "schedule": "The audience, on a schedule",
    "manual": "Added by staff or the API",
}


def title(step: Step) -> str:
    """The step's own title, else its kind and number."""
    return step_name(step)


def subtitle(step: Step) -> str:
    """One line that says what the step does, short enough for a card."""
    match step:
        case Entry():
            if step.how == "event":
                return f"When someone {event_words(step.event.type)}" if step.event else "Choose an event"
            return _ENTRY[step.how]
        case Message():
            return _message(step)
        case Wait():
            return wait_words(step)
        case WaitEvent():
            return f"Until they {_bare(event_words(step.event.type))}, at most {length(step.timeout_minutes)}"
        case Branch():
            count = len(step.paths)
            return f"{count} path{'s' if count > 1 else ''}, then everyone else"
        case Split():
            return " / ".join(f"{arm.percent:g} %" for arm in step.arms)
        case SubCampaign():
            return "Hand over, then go on" if step.campaign_id else "Choose a campaign"
        case GoalStep():
            return "The aim is met; the journey ends"
        case Exit():
            return step.reason or "The journey ends here"
        case _:
            assert_never(step)


def findable(step: Step) -> str:
    """What a search on the canvas looks through beside title and line: kind, subjects, labels, note."""
    said = [KINDS[step.kind], step.note]
    if isinstance(step, Message):
        said += [variant.label for variant in step.variants]
        said += [words.subject for variant in step.variants for words in variant.content.values()]
    said += [label for _key, label, _target in ports(step)]
    return " · ".join(dict.fromkeys(part for part in said if part))


def event_words(event: str) -> str:
    """“books an appointment” for `appointment.booked`; the type itself for what has no words."""
    return EVENT_WORDS.get(event, event.replace(".", " ").replace("_", " "))


def length(minutes: int) -> str:
    """A length of time in the largest unit that fits: “2 days”, “90 minutes”."""
    for size, word in ((60 * 24 * 7, "week"), (60 * 24, "day"), (60, "hour")):
        if minutes and minutes % size == 0:
            return _plural(minutes // size, word)
    return _plural(minutes, "minute")


def wait_words(step: Wait) -> str:
    """“2 days”, “until Mon–Fri, 09:00–18:00”, “3 days before the next appointment”."""
    match step.until:
        case WaitFor(minutes=minutes):
            return length(minutes)
        case WaitUntilWindow(window=window):
            return f"Until {window_words(window)}"
        case WaitUntilDate() as until:
            return f"Until {until.on:%-d %B %Y}, {until.at:%H:%M}"
        case WaitUntilField() as until:
            name = DATE_WORDS.get(until.field, until.field.replace("_", " ").replace(".", " "))
            if until.offset_days == 0:
                return f"Until their {name}, {until.at:%H:%M}"
            side = "before" if until.offset_days < 0 else "after"
            return f"{_plural(abs(until.offset_days), 'day')} {side} their {name}, {until.at:%H:%M}"
        case _:
            assert_never(step.until)


def window_words(window: SendWindow) -> str:
    """“Mon–Fri, 09:00–18:00”."""
    chosen = [day for day in _DAYS if day in window.days]
    run = "".join("x" if day in window.days else "-" for day in _DAYS).strip("-")
    if len(chosen) > 2 and "-" not in run:
        days = f"{chosen[0].title()}–{chosen[-1].title()}"
    else:
        days = ", ".join(day.title() for day in chosen)
    hours = f"{window.start:%H:%M}–{window.end:%H:%M}"
    if window.aim == "at":
        hours = f"{window.at:%H:%M} their time"
    elif window.aim == "best_hour":
        hours = f"their best hour, {hours}"
    return f"{days}, {hours}"


def name_in(journey: Journey, step_id: str | None) -> str:
    """How a sentence names a step: “‘Welcome’”, or “nothing yet”."""
    for step in journey.steps:
        if step.id == step_id:
            return f"‘{title(step)}’"
    return "nothing yet"


def _message(step: Message) -> str:
    channels = ", then ".join(
        CHANNEL_WORDS[c] if n == 0 or c in ("sms", "whatsapp") else CHANNEL_WORDS[c].lower()
        for n, c in enumerate(step.channels)
    )
    subject = next(
        (
            content.subject
            for variant in step.variants
            for content in variant.content.values()
            if content.subject
        ),
        "",
    )
    words = channels or "Choose a channel"
    if len(step.variants) > 1:
        return f"{words} · {len(step.variants)} variants"
    return f"{words} · “{without_tags(subject)}”" if subject else words


def without_tags(text: str) -> str:
    """Words with merge tags named as people know them: “Hello ‹first name›”."""
    labels = {field.name: field.label.lower() for field in MERGE_FIELDS}

    def named(match: re.Match[str]) -> str:
        return f"‹{labels.get(match[1], match[1])}›" if match[1] else ""

    return _TAG.sub(named, text)


def _bare(words: str) -> str:
    """“books an appointment” → “book an appointment”, to follow “they”."""
    verb, _, rest = words.partition(" ")
    bare = {
        "is": "are",
        "has": "have",
        "goes": "go",
        "misses": "miss",
        "reaches": "reach",
        "replies": "reply",
    }
    return f"{bare.get(verb, verb.removesuffix('s'))} {rest}".strip()


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
