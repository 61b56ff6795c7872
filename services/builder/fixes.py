"""The one-click fixes that problems offer: each returns a new journey (BLD-4)."""

import re
from collections.abc import Callable
from typing import assert_never

from services.builder.contracts import Fix, Problem
from services.builder.edits import remove_steps, with_port
from services.builder.graph import graph_of, reachable
from services.contracts.journey import (
    Arm,
    Channel,
    ChannelContent,
    Exit,
    Journey,
    Message,
    Split,
    Step,
    Variant,
    ports,
)
from services.contracts.merge_fields import POSTAL_ADDRESS, UNSUBSCRIBE
from services.kit.errors import Invalid

STOP_WORDS = "Reply STOP to opt out."
_ADDRESS_LINE = "{{ practice.name }}, {{ practice.address }}"
_UNSUBSCRIBE_LINE = "Rather not get emails like this? [Unsubscribe]({{ unsubscribe_url }})."
_HTML_ADDRESS = "<p>{{ practice.name }}, {{ practice.address }}</p>"
_HTML_UNSUBSCRIBE = '<p>Rather not get emails like this? <a href="{{ unsubscribe_url }}">Unsubscribe</a>.</p>'
_LOOKS_HTML = re.compile(r"<(?:p|div|table|a|br|html|body|h[1-6])\b", re.IGNORECASE)


def apply_fix(journey: Journey, problem: Problem) -> Journey:
    """Carry out a problem's fix. Raises Invalid when it has none, or its step is gone."""
    fix, step_id = problem.fix, problem.step_id
    if fix is None or step_id is None:
        raise Invalid("This has to be put right by hand.")
    step = next((s for s in journey.steps if s.id == step_id), None)
    if step is None:
        raise Invalid("The step of this problem no longer exists.")
    match fix.do:
        case "remove_step":
            return _without_islands(journey, step_id)
        case "drop_step":
            return remove_steps(journey, [step_id])
        case "add_exit":
            return _with_exit(journey, step)
        case "share_evenly":
            return _replace(journey, _evenly(step))
        case "add_email_footer":
            return _replace(journey, _each_words(step, "email", with_footer))
        case "add_stop_words":
            return _replace(journey, _each_words(step, "sms", _with_stop_words))
        case "use_field":
            return _replace(journey, _with_field(step, fix))
        case _ as never:
            assert_never(never)


def with_footer(words: ChannelContent) -> ChannelContent:
    """The email with the unsubscribe link and postal address it lacks (CNT-8)."""
    html = bool(_LOOKS_HTML.search(words.body))
    lines = [
        line
        for tag, line in (
            (POSTAL_ADDRESS, _HTML_ADDRESS if html else _ADDRESS_LINE),
            (UNSUBSCRIBE, _HTML_UNSUBSCRIBE if html else _UNSUBSCRIBE_LINE),
        )
        if not re.search(r"\{\{\s*" + re.escape(tag) + r"\b", words.body)
    ]
    if not lines:
        return words
    footer = "".join(lines) if html else "\n\n---\n\n" + "\n\n".join(lines)
    return words.model_copy(update={"body": words.body.rstrip() + footer})


def _with_stop_words(words: ChannelContent) -> ChannelContent:
    return words.model_copy(update={"body": f"{words.body.rstrip()} {STOP_WORDS}"})


def _with_field(step: Step, fix: Fix) -> Step:
    wrong, right = fix.args["from"], fix.args["to"]
    tag = re.compile(r"(\{[{%][^{}]*?\b)" + re.escape(wrong) + r"(?![\w.])")

    def corrected(words: ChannelContent) -> ChannelContent:
        return ChannelContent(**{k: tag.sub(rf"\g<1>{right}", v) for k, v in words.model_dump().items()})

    return _each_words(step, None, corrected)


def _each_words(
    step: Step, channel: Channel | None, change: Callable[[ChannelContent], ChannelContent]
) -> Step:
    if not isinstance(step, Message):
        return step

    def changed(variant: Variant) -> Variant:
        def each(words: dict[Channel, ChannelContent]) -> dict[Channel, ChannelContent]:
            return {c: change(w) if channel in (None, c) and w.body.strip() else w for c, w in words.items()}

        translations = {locale: each(words) for locale, words in variant.translations.items()}
        return variant.model_copy(update={"content": each(variant.content), "translations": translations})

    return step.model_copy(update={"variants": [changed(variant) for variant in step.variants]})


def _evenly(step: Step) -> Step:
    if isinstance(step, Split):
        arms = [
            Arm(**(arm.model_dump() | {"percent": share}))
            for arm, share in zip(step.arms, even_shares(len(step.arms)), strict=True)
        ]
        return step.model_copy(update={"arms": arms})
    if isinstance(step, Message):
        shares = even_shares(len(step.variants))
        variants = [
            v.model_copy(update={"percent": share}) for v, share in zip(step.variants, shares, strict=True)
        ]
        return step.model_copy(update={"variants": variants})
    return step


def even_shares(parts: int) -> list[float]:
    """Whole percents that make 100; the first ones take what is left over."""
    share, rest = divmod(100, parts)
    return [float(share + (n < rest)) for n in range(parts)]


def _with_exit(journey: Journey, step: Step) -> Journey:
    """One exit for every open way out of the step; an exit that exists already is used."""
    found = next((s for s in journey.steps if isinstance(s, Exit)), None)
    end = found or Exit(id=_free_id(journey, "end"), title="End")
    steps = list(journey.steps) if found else [*journey.steps, end]
    closed = step
    for port, _, target in ports(step):
        if target is None:
            closed = with_port(closed, port, end.id)
    return _replace(journey.model_copy(update={"steps": steps}), closed)


def _free_id(journey: Journey, wanted: str) -> str:
    taken = {step.id for step in journey.steps}
    number = 2
    name = wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _without_islands(journey: Journey, step_id: str) -> Journey:
    """Remove an unreachable step; what only it led to goes with it the next time."""
    starts = [step.id for step in journey.steps if step.kind == "entry"]
    if step_id in reachable(graph_of(journey), starts):
        raise Invalid("This step is connected now, so it stays.")
    return remove_steps(journey, [step_id])


def _replace(journey: Journey, changed: Step) -> Journey:
    steps = [changed if step.id == changed.id else step for step in journey.steps]
    return journey.model_copy(update={"steps": steps})
