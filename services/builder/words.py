"""Checks of what a message says and how it is sent (BLD-4, CNT-2, CNT-3, CNT-8)."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from services.builder.contracts import CheckContext, Fix, Problem
from services.content.rules import leftovers, placeholders, sms_parts
from services.contracts.journey import Channel, ChannelContent, Journey, Message, Variant
from services.contracts.languages import name_of as name_of_language
from services.contracts.merge_fields import (
    MERGE_FIELDS,
    NAMES,
    OBJECTS,
    POSTAL_ADDRESS,
    UNSUBSCRIBE,
    MergeField,
)
from services.contracts.step_names import name_of
from services.kit.rendering import RenderProblem, printed, variables

CHANNEL_WORDS: dict[Channel, str] = {
    "in_app": "in-app message", "email": "email", "sms": "text message", "whatsapp": "WhatsApp message",
}  # fmt: skip
SERVICE_TOPICS = frozenset({"service", "appointments", "transactional"})
"""Topics that are not commercial: CNT-8 asks nothing of them."""
WHATSAPP_LIMIT = 1_600
SMS_PARTS = 3
_SCRIPT = re.compile(r"<\s*(?:script|iframe|object|embed|form)\b|\bon\w+\s*=\s*[\"']|javascript:", re.I)


def check_messages(journey: Journey, context: CheckContext) -> list[Problem]:
    return [
        problem
        for step in journey.steps
        if isinstance(step, Message)
        for problem in _check_message(step, context)
    ]


def _check_message(step: Message, context: CheckContext) -> Iterator[Problem]:
    if not step.channels:
        yield Problem(
            step_id=step.id,
            code="no_channel",
            sentence=f"{name_of(step)} has no channel. Choose how it reaches people: email, text or in the app.",
        )
    for channel in sorted({c for c in step.channels if step.channels.count(c) > 1}):
        yield Problem(
            step_id=step.id,
            code="duplicate_channel",
            sentence=f"{name_of(step)} lists the {CHANNEL_WORDS[channel]} twice. Remove one of them.",
        )
    for variant in step.variants:
        yield from _check_variant(step, variant, context)


def _check_variant(step: Message, variant: Variant, context: CheckContext) -> Iterator[Problem]:
    provided: Channel | None = None
    if variant.template_id is not None and context.templates is not None:
        template = context.templates.get(variant.template_id)
        if template is None or not template.active:
            yield Problem(
                step_id=step.id,
                code="unknown_template",
                sentence=f"{name_of(step)} uses a template that is not in use any more. Choose another one.",
            )
        else:
            provided = template.channel
    for channel in dict.fromkeys(step.channels):
        words = variant.content.get(channel)
        if words is None or not words.body.strip():
            if channel != provided and (variant.template_id is None or context.templates is not None):
                yield Problem(
                    step_id=step.id,
                    code="no_content",
                    sentence=f"{_which(step, variant)} has no words for the {CHANNEL_WORDS[channel]} yet. "
                    f"Write it, or take {CHANNEL_WORDS[channel]} off this step.",
                )
            continue
        yield from check_words(step.id, _which(step, variant), channel, words, topic=step.topic)
        for locale, there in variant.translations.items():
            yield from _check_translation(step, variant, channel, locale, there.get(channel))


def _check_translation(
    step: Message, variant: Variant, channel: Channel, locale: str, words: ChannelContent | None
) -> Iterator[Problem]:
    """CNT-7: a further language says as much as the first one, and is checked like it."""
    name = f"{_which(step, variant)} in {name_of_language(locale)}"
    if words is None or not words.body.strip():
        yield Problem(
            step_id=step.id,
            code="language_channel",
            severity="warning",
            sentence=f"{name} has no words for the {CHANNEL_WORDS[channel]} yet. "
            "Whoever reads that language gets the words that everybody gets.",
        )
        return
    yield from check_words(step.id, name, channel, words, topic=step.topic)


def check_words(
    step_id: str | None, name: str, channel: Channel, words: ChannelContent, *, topic: str = "marketing"
) -> Iterator[Problem]:
    """Everything about one channel's words. `name` stands in the sentences."""
    if channel == "email" and not words.subject.strip():
        yield Problem(
            step_id=step_id,
            code="no_subject",
            sentence=f"The email of {name} has no subject. People see it first, so give it one.",
        )
    for text in (words.subject, words.preheader, words.body):
        yield from _check_text(step_id, name, text)
    if _SCRIPT.search(words.body):
        yield Problem(
            step_id=step_id,
            code="active_content",
            sentence=f"The {CHANNEL_WORDS[channel]} of {name} contains a script or form. Messages may "
            "hold words, pictures and links only; remove it.",
        )
    yield from _check_length(step_id, name, channel, words)
    if topic not in SERVICE_TOPICS:
        yield from _check_commercial(step_id, name, channel, words)


def _check_text(step_id: str | None, name: str, text: str) -> Iterator[Problem]:
    places = {one.words: one.line for one in reversed(leftovers(text))}
    left = placeholders(text)
    for found in left:
        where = f" on line {places[found]}" if places[found] > 1 else ""
        yield Problem(
            step_id=step_id,
            code="placeholder",
            sentence=f"{name} still contains “{found}”{where}. Replace it with the real words.",
        )
    try:
        used = variables(text)
    except RenderProblem as error:
        if not any(found in ("{{", "}}", "{%", "%}") for found in left):
            yield Problem(step_id=step_id, code="bad_template", sentence=f"{name}: {error.message}")
        return
    for unknown in sorted((used - NAMES - OBJECTS) | (printed(text) & (OBJECTS - NAMES))):
        near = get_close_matches(unknown, sorted(NAMES), n=1, cutoff=0.4)
        hint = f" Did you mean {{{{ {near[0]} }}}}?" if near else " Choose one from the list of merge fields."
        yield Problem(
            step_id=step_id,
            code="unknown_field",
            sentence=f"{name} asks for {{{{ {unknown} }}}}, which we do not know.{hint}",
            fix=Fix(label=f"Use {near[0]}", do="use_field", args={"from": unknown, "to": near[0]})
            if near
            else None,
        )
    for field in MERGE_FIELDS:
        guard = _guard(field)
        if field.optional and field.name in used and not _asked(guard, text) and not _instead(field, text):
            yield Problem(
                step_id=step_id,
                code="optional_field",
                severity="warning",
                sentence=f"{name} uses {field.tag}, which is not always there. Put it between "
                f"{{% if {guard} %}} and {{% endif %}}, or some people will not get the message.",
            )


def _guard(field: MergeField) -> str:
    """What to ask for before using an optional field: its owner, when all of it may be missing."""
    owner = field.name.split(".")[0]
    siblings = [other for other in MERGE_FIELDS if other.name.split(".")[0] == owner]
    return owner if all(other.optional for other in siblings) else field.name


def _instead(field: MergeField, text: str) -> bool:
    """Whether every use of a field says what stands there where it is missing."""
    uses = len(re.findall(rf"{re.escape(field.name)}(?![.\w])", text))
    return uses == len(re.findall(rf"{re.escape(field.name)}\s*\|\s*(?:default|d)\s*\(", text))


def _asked(guard: str, text: str) -> bool:
    return bool(re.search(rf"{{%-?\s*(?:el)?if\b[^%]*\b{re.escape(guard)}(?![.\w])", text))


def _check_length(
    step_id: str | None, name: str, channel: Channel, words: ChannelContent
) -> Iterator[Problem]:
    if channel == "sms" and (parts := sms_parts(words.body).parts) > SMS_PARTS:
        yield Problem(
            step_id=step_id,
            code="long_sms",
            severity="warning",
            sentence=f"The text message of {name} is sent and paid as {parts} messages. Shorten it if you can.",
        )
    if channel == "whatsapp" and len(words.body) > WHATSAPP_LIMIT:
        yield Problem(
            step_id=step_id,
            code="long_whatsapp",
            sentence=f"The WhatsApp message of {name} is longer than {WHATSAPP_LIMIT:,} characters. Shorten it.",
        )


def _check_commercial(
    step_id: str | None, name: str, channel: Channel, words: ChannelContent
) -> Iterator[Problem]:
    if channel == "email":
        missing = [
            what
            for tag, what in ((UNSUBSCRIBE, "an unsubscribe link"), (POSTAL_ADDRESS, "your postal address"))
            if not re.search(r"\{\{\s*" + re.escape(tag) + r"\b", words.body)
        ]
        if missing:
            yield Problem(
                step_id=step_id,
                code="no_footer",
                sentence=f"The email of {name} needs {' and '.join(missing)} by law. Add the standard footer.",
                fix=Fix(label="Add the footer", do="add_email_footer"),
            )
    if channel == "sms" and not re.search(r"\bstop\b", words.body, re.IGNORECASE):
        yield Problem(
            step_id=step_id,
            code="no_stop_words",
            severity="warning",
            sentence=f"The text message of {name} does not say how to opt out. Add “Reply STOP to opt out”.",
            fix=Fix(label="Add STOP words", do="add_stop_words"),
        )


def _which(step: Message, variant: Variant) -> str:
    if len(step.variants) == 1:
        return name_of(step)
    return f"{name_of(step)}, variant {variant.label or variant.key.upper()},"
