"""A step of the journey turned into the side panel's form, one kind at a time."""

from __future__ import annotations

from services.builder import step_words
from services.builder.rule_edits import group_of
from services.builder.step_edits import amount_of
from services.contracts.journey import (
    Branch,
    Entry,
    EventMatch,
    Exit,
    Message,
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
from state.builder_forms import PathRow, ShareRow, StepForm
from state.builder_message import message_fields, window_fields
from state.event_rows import event_box, event_names
from state.rule_rows import Choices, box


def form(
    step: Step, sentences: list[str], choices: Choices, *, variant: int, channel: str, language: str = ""
) -> StepForm:
    """The form of a step; `variant`, `channel` and `language` are the wording being edited."""
    fields: dict[str, object]
    match step:
        case Entry():
            fields = _entry(step)
        case Message():
            fields = message_fields(step, variant, channel, language)
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
        called=step_words.title(step),
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


def _wait(step: Wait) -> dict[str, object]:
    until = step.until
    match until:
        case WaitFor():
            return {"how": until.how, **_amount(until.minutes)}
        case WaitUntilWindow():
            return {"how": until.how, **window_fields(until.window)}
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
