"""Are words ready to be saved as a template? Every problem at once, with its place (CNT-1–3). Pure."""

from collections.abc import Iterable
from typing import Any

from services.content.contracts import Texts
from services.content.rules import leftovers
from services.contracts.journey import Channel, ChannelContent
from services.contracts.languages import name_of
from services.contracts.merge_fields import MERGE_FIELDS, NAMES, OBJECTS
from services.kit.errors import Invalid
from services.kit.rendering import RenderProblem, printed, variables

OPTIONAL = frozenset(field.name for field in MERGE_FIELDS if field.optional)


def checked_texts(channel: Channel, texts: Texts) -> tuple[list[str], list[str]]:
    """(required, optional) merge fields of a template in all its languages. Raises Invalid with every
    problem in it; those of a further language name it."""
    used: set[str] = set()
    problems: list[dict[str, Any]] = []
    for locale, words in {"": texts.content, **texts.translations}.items():
        found, wrong = _look(channel, words)
        used |= found
        where = f"In {name_of(locale)}: " if locale else ""
        problems += [
            {**one, "sentence": where + one["sentence"], **({"locale": locale} if locale else {})}
            for one in wrong
        ]
    if problems:
        raise Invalid("These words are not ready: " + _first(problems), problems)
    named = used & NAMES
    return sorted(named - OPTIONAL), sorted(named & OPTIONAL)


def checked_variables(channel: Channel, content: ChannelContent) -> tuple[list[str], list[str]]:
    """The same for one text alone."""
    return checked_texts(channel, Texts(content=content))


def _look(channel: Channel, content: ChannelContent) -> tuple[set[str], list[dict[str, Any]]]:
    problems: list[dict[str, Any]] = []
    used: set[str] = set()
    bare: set[str] = set()
    for field, text in content.model_dump().items():
        problems += [
            {
                "field": field, "code": "placeholder", "line": left.line,
                "sentence": f"“{left.words}” is still to be filled in.",
            }
            for left in {left.words: left for left in reversed(leftovers(text))}.values()
        ]  # fmt: skip
        try:
            used |= variables(text)
            bare |= printed(text) & (OBJECTS - NAMES)
        except RenderProblem as error:
            problems.append({"field": field, "code": "bad_template", "sentence": error.message})
    problems += [
        {"field": "body", "code": "unknown_field", "sentence": f"{{{{ {name} }}}} is not a merge field."}
        for name in sorted((used - NAMES - OBJECTS) | bare)
    ]
    if not content.body.strip():
        problems.append({"field": "body", "code": "no_content", "sentence": "Write the message first."})
    if channel == "email" and not content.subject.strip():
        problems.append({"field": "subject", "code": "no_subject", "sentence": "Give the email a subject."})
    return used, problems


def _first(problems: Iterable[dict[str, Any]]) -> str:
    return str(next(iter(problems))["sentence"])
