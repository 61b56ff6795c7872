"""Is a journey ready? Every check of BLD-4 in one call, and reading of stored schemas.

Pure: what is known about the practice comes in as `CheckContext`.
"""

from typing import Any

import orjson
from pydantic import ValidationError

from services.builder.contracts import CheckContext, Problem
from services.builder.graph import check_shape
from services.builder.reference_checks import check_references
from services.builder.settings_checks import check_settings
from services.builder.words import check_messages
from services.contracts.journey import Journey

__all__ = ["CheckContext", "Problem", "blocking", "check", "parse"]


def check(journey: Journey, context: CheckContext | None = None) -> list[Problem]:
    """Everything to put right, blocking first, then in the order of the steps."""
    context = context or CheckContext()
    found = [
        *check_shape(journey),
        *check_references(journey),
        *check_settings(journey, context),
        *check_messages(journey, context),
    ]
    order = {step.id: n for n, step in enumerate(journey.steps)}
    unique = list(dict.fromkeys(problem.model_dump_json() for problem in found))
    problems = [Problem.model_validate_json(text) for text in unique]
    return sorted(problems, key=lambda p: (p.severity != "blocking", order.get(p.step_id or "", -1)))


def blocking(problems: list[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "blocking"]


def parse(stored: bytes | str | dict[str, Any]) -> Journey | list[Problem]:
    """Read a stored or imported schema; what does not fit comes back as problems."""
    try:
        value = stored if isinstance(stored, dict) else orjson.loads(stored)
    except orjson.JSONDecodeError:
        return [
            Problem(
                code="not_json", sentence="This is not a campaign file. Export it again and try once more."
            )
        ]
    try:
        return Journey.model_validate_json(orjson.dumps(value))
    except (ValidationError, RecursionError, TypeError) as error:
        if isinstance(error, ValidationError):
            return [_translated(item, value) for item in error.errors()]
        return [
            Problem(code="malformed", sentence="The rules in this campaign are nested too deeply to read.")
        ]


def _translated(item: Any, value: Any) -> Problem:
    where = [str(part) for part in item["loc"]]
    step_id = _step_at(item["loc"], value)
    place = where[-1].replace("_", " ") if where else "the campaign"
    match item["type"]:
        case "extra_forbidden":
            sentence = f"It holds “{where[-1]}”, which a campaign cannot hold. Remove it."
        case "missing":
            sentence = f"“{place}” is missing. Fill it in."
        case "union_tag_invalid" | "union_tag_not_found":
            sentence = "It holds a step or rule of a kind that does not exist. Remove it."
        case _:
            sentence = f"“{place}” is not right: {item['msg'].removeprefix('Value error, ')}."
    return Problem(step_id=step_id, code="malformed", sentence=sentence.replace("..", "."))


def _step_at(loc: tuple[Any, ...], value: Any) -> str | None:
    if len(loc) < 2 or loc[0] != "steps" or not isinstance(loc[1], int) or not isinstance(value, dict):
        return None
    try:
        found = value["steps"][loc[1]]["id"]
    except (KeyError, IndexError, TypeError):
        return None
    return found if isinstance(found, str) else None
