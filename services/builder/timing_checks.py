"""Checks of when things happen: triggers, windows and rates (EVT-3, ENG-4)."""

from collections.abc import Iterator

from services.builder.contracts import Problem
from services.builder.event_fields import field_of, misfit
from services.builder.step_words import length
from services.contracts.journey import (
    Branch,
    Entry,
    EventMatch,
    Journey,
    Message,
    SendWindow,
    Step,
    Wait,
    WaitEvent,
    WaitUntilWindow,
)
from services.contracts.step_names import name_of

LONGEST_DELAY = 30 * 24 * 60
"""Minutes between an event and the start it triggers (001 BR-CAM-007.4)."""


def check_timing(journey: Journey) -> Iterator[Problem]:
    """Problems of triggers and windows, in the order of the steps."""
    for step in journey.steps:
        if isinstance(step, Entry) and step.how == "event" and step.delay_minutes > LONGEST_DELAY:
            yield Problem(
                step_id=step.id,
                code="delay_too_long",
                sentence="A start can come at most 30 days after its event. Shorten the delay, or add a Wait step.",
            )
        window = window_of(step)
        if window is not None:
            yield from _window(step, window)
        if isinstance(step, Message):
            yield from _pace(journey, step)
        if isinstance(step, Entry | WaitEvent) and step.event is not None:
            yield from _conditions(step.id, name_of(step), step.event)
        if isinstance(step, Branch):
            for n, path in enumerate(step.paths, 1):
                if path.event is not None:
                    where = f"path “{path.label or n}” of {name_of(step)}"
                    yield from _conditions(step.id, where, path.event)
    yield from _conditions(None, "the goal", journey.goal.event)
    for match in journey.exit_on:
        yield from _conditions(None, "an exit rule", match)


def window_of(step: Step) -> SendWindow | None:
    """The hours a message goes in, or a wait waits for."""
    match step:
        case Message(window=SendWindow() as window) | Wait(until=WaitUntilWindow(window=window)):
            return window
        case _:
            return None


def _window(step: Step, window: SendWindow) -> Iterator[Problem]:
    if window.end <= window.start:
        yield Problem(
            step_id=step.id,
            code="window_backwards",
            sentence=f"The hours of {name_of(step)} end before they begin. Choose a later end.",
        )
    elif window.aim == "at" and not window.start <= window.at < window.end:
        yield Problem(
            step_id=step.id,
            code="time_outside_window",
            sentence=f"{name_of(step)} goes at {window.at:%H:%M}, which is outside its hours"
            f" ({window.start:%H:%M} to {window.end:%H:%M}). Change one or the other.",
        )


def _pace(journey: Journey, step: Message) -> Iterator[Problem]:
    """A rate that cannot come true as declared; the engine keeps the stricter one (ENG-4)."""
    for part, unit in (("per_minute", "a minute"), ("per_hour", "an hour")):
        own, whole = getattr(step.pace, part), getattr(journey.pace, part)
        if own and whole and own > whole:
            yield Problem(
                step_id=step.id,
                code="pace_without_effect",
                severity="warning",
                sentence=f"{name_of(step)} may send {own:,} {unit}, but the whole campaign only {whole:,}."
                " The campaign's rate holds; lower this one or raise that one.",
            )
    window, spread = step.window, step.pace.spread_minutes
    if window and spread and spread > (open_for := _minutes(window)) > 0:
        yield Problem(
            step_id=step.id,
            code="spread_outlasts_window",
            severity="warning",
            sentence=f"{name_of(step)} is spread over {length(spread)}, but its hours last only"
            f" {length(open_for)} a day: some people get it on a later day.",
        )


def _minutes(window: SendWindow) -> int:
    start, end = window.start, window.end
    return (end.hour - start.hour) * 60 + end.minute - start.minute


def _conditions(step_id: str | None, where: str, match: EventMatch) -> Iterator[Problem]:
    for condition in match.where:
        many = isinstance(condition.value, list)
        if many is not (condition.op in ("in", "not_in")):
            wanted = "a list of values" if not many else "one value"
            yield Problem(
                step_id=step_id,
                code="condition_value",
                sentence=f"{where[0].upper()}{where[1:]} compares “{condition.property}” in a way that needs {wanted}. Change the value.",
            )
        elif wrong := misfit(match.type, condition):
            field = field_of(match.type, condition.property)
            name = field.label if field else condition.property
            yield Problem(
                step_id=step_id,
                code="condition_value",
                sentence=f"In {where}, the condition on “{name}” {wrong}. Fill it in or remove it.",
            )
