"""Checks of everything that is neither shape nor words: entry, events, shares, audience."""

from collections.abc import Iterator, Sequence

from services.builder.contracts import CheckContext, Fix, Problem
from services.builder.graph import graph_of, reachable
from services.builder.schedule import valid_cron
from services.builder.secret_values import looks_secret, texts
from services.builder.timing_checks import check_timing
from services.contracts.journey import (
    Branch,
    Entry,
    EventMatch,
    Journey,
    Message,
    Split,
    Step,
    SubCampaign,
    Wait,
    WaitEvent,
)
from services.contracts.segment import Condition, Group, InSegment, Rule
from services.contracts.step_names import name_of


def check_settings(journey: Journey, context: CheckContext) -> list[Problem]:
    return [
        *_check_campaign(journey, context),
        *_check_audience(journey, context),
        *_check_entry(journey),
        *check_timing(journey),
        *_check_events(journey, context),
        *_check_shares(journey),
        *_check_steps(journey, context),
        *_check_secrets(journey),
    ]


def _check_campaign(journey: Journey, context: CheckContext) -> Iterator[Problem]:
    if journey.campaign_type not in context.campaign_types:
        yield Problem(
            code="unknown_type",
            sentence=f"“{journey.campaign_type}” is not a registered kind of campaign. Choose one from the list.",
        )
    if journey.steps and not any(s.kind in ("message", "sub_campaign") for s in journey.steps):
        yield Problem(
            code="no_message",
            severity="warning",
            sentence="This journey does not send anything. Add a Message step.",
        )


def _check_audience(journey: Journey, context: CheckContext) -> Iterator[Problem]:
    one_by_one = any(isinstance(s, Entry) and s.how in ("manual", "event") for s in journey.steps)
    if not journey.audience.include and not one_by_one:
        yield Problem(
            code="no_audience",
            sentence="The audience is empty, so nobody would be contacted. Add at least one rule that says who it is for.",
        )
    elif context.audience_size == 0:
        yield Problem(
            code="nobody_matches",
            severity="warning",
            sentence="Nobody matches the audience today. Check its rules.",
        )
    for rule in (*journey.audience.include, *journey.audience.exclude):
        yield from _check_rule(rule, None, "The audience", context)


def _check_rule(rule: Rule, step_id: str | None, where: str, context: CheckContext) -> Iterator[Problem]:
    if isinstance(rule, Group):
        for inner in rule.rules:
            yield from _check_rule(inner, step_id, where, context)
    elif isinstance(rule, Condition):
        if context.fields is not None and rule.field not in context.fields:
            yield Problem(
                step_id=step_id,
                code="unknown_rule_field",
                sentence=f"{where} asks about “{rule.field}”, which campaigns cannot use. Choose a field from the list.",
            )
    elif (
        isinstance(rule, InSegment)
        and context.segments is not None
        and str(rule.segment_id) not in context.segments
    ):
        yield Problem(
            step_id=step_id,
            code="unknown_segment",
            sentence=f"{where} uses a segment that no longer exists. Choose another one.",
        )


def _check_entry(journey: Journey) -> Iterator[Problem]:
    for step in journey.steps:
        if not isinstance(step, Entry):
            continue
        if step.how == "event" and step.event is None:
            yield Problem(
                step_id=step.id,
                code="no_entry_event",
                sentence="People come in on an event, but no event is chosen. Choose one in the start.",
            )
        if step.how == "schedule" and not valid_cron(step.cron):
            yield Problem(
                step_id=step.id,
                code="bad_schedule",
                sentence="The repeating schedule cannot be understood. Choose when it repeats, for example every Monday at 9:00.",
            )
        if step.reentry.rule == "after_period" and step.reentry.days == 0:
            yield Problem(
                step_id=step.id,
                code="no_period",
                sentence="People may come again after a period, but it is 0 days. Say how many days must pass.",
            )


def _listens_for(step: Step) -> EventMatch | None:
    match step:
        case WaitEvent():
            return step.event
        case Entry(how="event"):
            return step.event
        case _:
            return None


def _check_events(journey: Journey, context: CheckContext) -> Iterator[Problem]:
    named: list[tuple[str | None, str, EventMatch]] = [(None, "The goal", journey.goal.event)]
    named += [(None, "An exit rule", match) for match in journey.exit_on]
    for step in journey.steps:
        if isinstance(step, Branch):
            named += [(step.id, name_of(step), path.event) for path in step.paths if path.event]
        listened = _listens_for(step)
        if listened is not None:
            named.append((step.id, name_of(step), listened))
    for step_id, where, match in named:
        if match.type not in context.events and not match.type.startswith("concierge.recovery."):
            yield Problem(
                step_id=step_id,
                code="unknown_event",
                sentence=f"{where} looks for “{match.type}”, which no part of the practice sends. Choose an event from the list.",
            )


def _check_shares(journey: Journey) -> Iterator[Problem]:
    for step in journey.steps:
        if isinstance(step, Split):
            yield from _shares(step.id, f"The arms of {name_of(step)}", [a.percent for a in step.arms])
        elif isinstance(step, Message):
            yield from _shares(
                step.id, f"The variants of {name_of(step)}", [v.percent for v in step.variants]
            )
            keys = [v.key for v in step.variants]
            if len(set(keys)) < len(keys):
                yield Problem(
                    step_id=step.id,
                    code="duplicate_variant",
                    sentence=f"Two variants of {name_of(step)} have the same key. Rename or delete one.",
                )


def _shares(step_id: str, what: str, shares: Sequence[float]) -> Iterator[Problem]:
    total = sum(shares)
    if abs(total - 100) > 0.01:
        yield Problem(
            step_id=step_id,
            code="shares",
            sentence=f"{what} add up to {total:g} %, but must make 100 %.",
            fix=Fix(label="Share evenly", do="share_evenly"),
        )


def _check_steps(journey: Journey, context: CheckContext) -> Iterator[Problem]:
    messages = {step.id for step in journey.steps if step.kind == "message"}
    graph = graph_of(journey)
    for step in journey.steps:
        if isinstance(step, Branch):
            for path in step.paths:
                yield from _check_rule(path.when, step.id, name_of(step), context)
        elif isinstance(step, SubCampaign):
            yield from _check_sub_campaign(step, context)
        elif isinstance(step, Split):
            for arm in step.arms:
                if arm.control and arm.next and reachable(graph, [arm.next]) & messages:
                    yield Problem(
                        step_id=step.id,
                        code="control_gets_messages",
                        severity="warning",
                        sentence=f"The control arm of {name_of(step)} leads to a message, so it is not a control. "
                        "Connect it to an end.",
                    )
        elif isinstance(step, Wait):
            yield from _check_wait(step, context)


def _check_sub_campaign(step: SubCampaign, context: CheckContext) -> Iterator[Problem]:
    if step.campaign_id == context.campaign_id:
        yield Problem(
            step_id=step.id,
            code="sub_campaign_itself",
            sentence=f"{name_of(step)} leads into this same campaign. Choose a different one.",
            fix=Fix(label="Remove this step", do="drop_step"),
        )
    elif not step.campaign_id:
        yield Problem(
            step_id=step.id,
            code="no_campaign",
            sentence=f"{name_of(step)} does not say which campaign people are handed to. Choose one from the list.",
        )
    elif context.campaigns is not None and step.campaign_id not in context.campaigns:
        yield Problem(
            step_id=step.id,
            code="unknown_campaign",
            sentence=f"{name_of(step)} leads to a campaign that does not exist. Choose one from the list.",
            fix=Fix(label="Remove this step", do="drop_step"),
        )


def _check_wait(step: Wait, context: CheckContext) -> Iterator[Problem]:
    until = step.until
    if until.how == "date" and context.today is not None and until.on < context.today:
        yield Problem(
            step_id=step.id,
            code="past_date",
            severity="warning",
            sentence=f"{name_of(step)} waits for {until.on:%d %B %Y}, which has passed: nobody would wait here.",
        )
    if until.how == "field" and until.field not in context.date_fields:
        yield Problem(
            step_id=step.id,
            code="unknown_date_field",
            sentence=f"{name_of(step)} waits for “{until.field}”, which is not a date we know. Choose one from the list.",
        )


def _check_secrets(journey: Journey) -> Iterator[Problem]:
    for step in journey.steps:
        if any(looks_secret(text) for text in texts(step.model_dump(mode="json"))):
            yield Problem(
                step_id=step.id,
                code="secret",
                sentence=f"{name_of(step)} contains something that looks like a password or key. Remove it: "
                "campaigns are seen by many people.",
            )
    for note in journey.notes:
        if looks_secret(note.text):
            yield Problem(
                note_id=note.id,
                code="secret",
                sentence="A note on the canvas contains something that looks like a password or key. Remove it: "
                "campaigns are seen by many people.",
            )
    rest = journey.model_dump(mode="json", exclude={"steps", "notes"})
    if any(looks_secret(text) for text in texts(rest)):
        yield Problem(
            code="secret",
            sentence="The campaign's settings contain something that looks like a password or key. Remove it.",
        )
