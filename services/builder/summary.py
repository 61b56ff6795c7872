"""A journey in plain English, for sign-off and print (BLD-12)."""

from services.builder.event_fields import field_of, operator_words, plain_name
from services.builder.outline import numbers
from services.contracts.campaign_types import LABELS
from services.contracts.journey import (
    Branch,
    Entry,
    EventCondition,
    EventMatch,
    Exit,
    GoalStep,
    Journey,
    Message,
    Pace,
    Path,
    SendWindow,
    Split,
    Step,
    StepId,
    SubCampaign,
    Wait,
    WaitEvent,
)
from services.contracts.languages import name_of as name_of_language
from services.contracts.step_names import name_of

EVENT_WORDS: dict[str, str] = {
    "appointment.booked": "the person books an appointment",
    "appointment.rescheduled": "an appointment is moved",
    "appointment.cancelled": "an appointment is cancelled",
    "appointment.attended": "the person attends an appointment",
    "appointment.no_show": "an appointment is missed",
    "proposal.created": "a treatment proposal is made",
    "proposal.accepted": "the person accepts a treatment proposal",
    "proposal.stalled": "a treatment proposal stalls",
    "careplan.enrolment_nudge": "the person becomes eligible for a care plan",
    "careplan.upgrade_recommended": "a care plan upgrade is recommended",
    "pipeline.lead.opened": "an enquiry comes in",
    "pipeline.lead.cold": "an enquiry goes cold",
    "pipeline.lead.nurture_eligible": "an enquiry becomes eligible for nurture",
    "pipeline.opportunity.lost": "an opportunity is lost",
    "pipeline.opportunity.deferred": "an opportunity is deferred",
    "pipeline.opportunity.won_future_potential": "an opportunity is won with more to come",
    "pipeline.opportunity.converted": "an opportunity converts",
    "pipeline.opportunity.closed": "an opportunity closes",
    "pipeline.opportunity.withdrawn": "an opportunity is withdrawn",
    "loyalty.milestone.reached": "a loyalty milestone is reached",
    "loyalty.anniversary": "a loyalty anniversary comes round",
    "loyalty.handoff.campaign_eligible": "Loyalty Insights suggests a campaign",
    "hub.message.opened": "the person opens a message",
    "hub.message.clicked": "the person clicks a link",
    "hub.message.replied": "the person replies",
    "concierge.contact.no_answer": "the concierge gets no answer",
    "concierge.contact.accepted": "the person accepts the concierge's offer",
}
_CHANNELS = {"in_app": "in the app", "email": "by email", "sms": "by text", "whatsapp": "by WhatsApp"}
_DAYS = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}


def summary(journey: Journey) -> list[str]:
    """One sentence a step, numbered as in the outline, then the rules around them."""
    steps = {step.id: step for step in journey.steps}
    number = numbers(journey)
    ordered = [steps[i] for i in sorted(number, key=number.__getitem__)]
    kind = LABELS.get(journey.campaign_type, journey.campaign_type)
    lines = [f"{kind} campaign."]
    lines += [f"{number[step.id]}. {_sentence(step, number)}" for step in ordered]
    lines.append(
        f"It succeeds when {event_words(journey.goal.event)} within {journey.goal.window_days} days; "
        "the journey then ends for that person."
    )
    lines += [f"It also ends for a person when {event_words(match)}." for match in journey.exit_on]
    if journey.caps.max_touches:
        lines.append(
            f"Nobody gets more than {journey.caps.max_touches} messages in {days(journey.caps.per_days)}."
        )
    if journey.caps.min_gap_hours:
        lines.append(f"At least {journey.caps.min_gap_hours} hours lie between two messages.")
    if journey.caps.exclusive:
        lines.append("People in this journey take part in no other at the same time.")
    lines += _pace(journey.pace)
    if journey.holdout_percent:
        lines.append(f"{journey.holdout_percent:g} % of people are held out, to measure the effect.")
    return lines


def event_words(match: EventMatch) -> str:
    words = EVENT_WORDS.get(match.type, f"“{match.type}” happens")
    if not match.where:
        return words
    joined = " or " if match.join == "any" else " and "
    return f"{words} ({joined.join(condition_words(match.type, c) for c in match.where)})"


def condition_words(type: str, condition: EventCondition) -> str:
    """“value is more than 200”, “moment of the appointment is after 2026-06-03”."""
    value = condition.value
    field = field_of(type, condition.property)
    known = dict(field.choices) if field else {}
    listed = value if isinstance(value, list) else [value]
    shown = " or ".join(known.get(str(one).lower(), str(one)) for one in listed)
    name = field.label[0].lower() + field.label[1:] if field else plain_name(condition.property)
    return f"{name} {operator_words(field, condition.op)} {shown}"


def days(n: int) -> str:
    return f"{n} day{'s' * (n != 1)}"


def duration(minutes: int) -> str:
    """A length of time as people say it, in its largest whole unit."""
    for size, word in ((60 * 24 * 7, "week"), (60 * 24, "day"), (60, "hour")):
        if minutes >= size and minutes % size == 0:
            n = minutes // size
            return f"{n} {word}{'s' * (n != 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"


def _languages(step: Message) -> str:
    names = sorted({name_of_language(locale) for variant in step.variants for locale in variant.translations})
    return f" It is also written in {_listed(names)}." if names else ""


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _to(target: StepId | None, number: dict[str, int]) -> str:
    return f"go to {number[target]}" if target in number else "leave"


def _sentence(step: Step, number: dict[str, int]) -> str:
    match step:
        case Entry():
            return f"{_entry(step)} Then {_to(step.next, number)}."
        case Message():
            return f"{_message(step)}{_languages(step)} Then {_to(step.next, number)}."
        case Wait():
            return f"{_wait(step)} Then {_to(step.next, number)}."
        case WaitEvent():
            return (
                f"Wait up to {duration(step.timeout_minutes)} until {event_words(step.event)}: "
                f"if so, {_to(step.on_event, number)}; otherwise {_to(step.on_timeout, number)}."
            )
        case Branch():
            paths = "; ".join(
                f"{p.label or f'path {n}'}{_came(p)}: {_to(p.next, number)}"
                for n, p in enumerate(step.paths, 1)
            )
            return f"{name_of(step)} asks: {paths}; everyone else: {_to(step.otherwise, number)}."
        case Split():
            arms = "; ".join(
                f"{arm.percent:g} % {'(control) ' if arm.control else ''}{_to(arm.next, number)}"
                for arm in step.arms
            )
            return f"Split people by chance: {arms}."
        case SubCampaign():
            return f"Start another campaign for the person. Then {_to(step.next, number)}."
        case GoalStep():
            return "The goal is reached; the journey ends."
        case Exit():
            return f"Leave the journey{f': {step.reason}' if step.reason else ''}."


def _came(path: Path) -> str:
    return f" (if in the last 30 days {event_words(path.event)})" if path.event else ""


def _entry(step: Entry) -> str:
    match step.how:
        case "segment":
            return "Everyone in the audience comes in once, when the campaign starts."
        case "dynamic":
            return "Everyone in the audience comes in, also people who join it later."
        case "schedule":
            return f"The audience comes in at every scheduled time ({step.cron or 'not chosen yet'})."
        case "manual":
            return "People are added by staff."
        case "event":
            what = event_words(step.event) if step.event else "an event that is not chosen yet"
            after = f", {duration(step.delay_minutes)} later" if step.delay_minutes else ""
            text = f"People in the audience come in when {what}{after}"
            if step.delay_minutes:
                text += ", if they still belong to it then"
            return f"{text}.{_often(step)}"


def _message(step: Message) -> str:
    ways = ", else ".join(_CHANNELS[c] for c in step.channels) or "by no channel yet"
    text = f"Send {name_of(step)} {ways}"
    if len(step.variants) > 1:
        text += f" in {len(step.variants)} variants"
    if step.window:
        text += f", {_window(step.window)}"
    if rates := _rates(step.pace):
        text += f", at most {rates}"
    if step.pace.spread_minutes:
        text += f", spread over {duration(step.pace.spread_minutes)} for people who get here together"
    return text + "."


def _wait(step: Wait) -> str:
    until = step.until
    match until.how:
        case "duration":
            return f"Wait {duration(until.minutes)}."
        case "window":
            return f"Wait until it is {_window(until.window)}."
        case "date":
            return f"Wait until {until.on:%d %B %Y} at {until.at:%H:%M}."
        case "field":
            side = "after" if until.offset_days > 0 else "before"
            offset = f"{days(abs(until.offset_days))} {side} " if until.offset_days else ""
            return f"Wait until {offset}the person's {until.field.split('.')[-1].replace('_', ' ')}, at {until.at:%H:%M}."


def _window(window: SendWindow) -> str:
    listed = ", ".join(_DAYS[d] for d in window.days)
    hours = f"between {window.start:%H:%M} and {window.end:%H:%M} on {listed}"
    if window.skip_holidays:
        hours += " (not on the practice's holidays)"
    match window.aim:
        case "open":
            return hours
        case "at":
            return f"at {window.at:%H:%M} in each person's own time zone, {hours}"
        case "best_hour":
            return f"at the hour each person opens most, where known, {hours}"


def _often(step: Entry) -> str:
    if not step.limit_hours:
        return ""
    span = duration(step.limit_hours * 60)
    return f" The same person comes in at most once in {span}."


def _rates(pace: Pace) -> str:
    """“20 a minute and 300 an hour”; empty without a limit."""
    limits = ((pace.per_minute, "a minute"), (pace.per_hour, "an hour"))
    return " and ".join(f"{n:,} {unit}" for n, unit in limits if n)


def _pace(pace: Pace) -> list[str]:
    rates = _rates(pace)
    lines = [f"At most {rates} messages are requested; the rest wait their turn."] if rates else []
    if pace.spread_minutes:
        lines.append(f"People who come in together are spread over {duration(pace.spread_minutes)}.")
    return lines
