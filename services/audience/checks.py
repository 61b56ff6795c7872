"""Everything wrong with a rule, collected instead of stopping at the first (BLD-4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.audience.compile import DEEPEST
from services.audience.errors import RuleInvalid
from services.audience.reading import read, times
from services.contracts.segment import (
    UNCHOSEN,
    Audience,
    Condition,
    Did,
    Group,
    InList,
    InSegment,
    Rule,
)

_ANY_DAY = date(2026, 1, 1)


def rule_problems(rule: Rule, depth: int = 0) -> Iterator[str]:
    """One sentence for each mistake that needs no saved segments to see."""
    match rule:
        case Group():
            if depth >= DEEPEST:
                yield f"Groups nest at most {DEEPEST} deep. Save the inner part as a segment."
                return
            if not rule.rules:
                yield "A group is empty. Add a rule to it, or remove it."
            for inner in rule.rules:
                yield from rule_problems(inner, depth + 1)
        case Condition() | Did():
            try:
                read(rule, _ANY_DAY) if isinstance(rule, Condition) else times(rule)
            except RuleInvalid as problem:
                yield problem.message
        case InList() if not rule.contacts:
            yield "The list of people is empty."
        case InSegment() if rule.segment_id == UNCHOSEN:
            yield "Choose a segment."
        case InList() | InSegment():
            return


@dataclass(frozen=True, slots=True)
class Finished:
    """An audience without its unfinished rules, and how many those were.

    `nobody`: what is left says of nobody that they are in, although rules were begun."""

    audience: Audience
    left_out: int = 0
    nobody: bool = False


def finished(audience: Audience) -> Finished:
    """The part of an audience that can be counted. What is unfinished is left out and said so; a
    count never changes because somebody is in the middle of writing a rule."""
    include = [_finished(rule) for rule in audience.include]
    exclude = [_finished(rule) for rule in audience.exclude]
    kept = audience.model_copy(
        update={
            "include": [rule for rule, _ in include if rule is not None],
            "exclude": [rule for rule, _ in exclude if rule is not None],
        }
    )
    left_out = sum(count for _, count in [*include, *exclude])
    return Finished(kept, left_out, bool(audience.include) and not kept.include)


def _finished(rule: Rule, depth: int = 0) -> tuple[Rule | None, int]:
    if not isinstance(rule, Group) or depth >= DEEPEST:
        return (None, 1) if any(rule_problems(rule, depth)) else (rule, 0)
    if not rule.rules:
        return None, 1
    inner = [_finished(one, depth + 1) for one in rule.rules]
    rules = [one for one, _ in inner if one is not None]
    kept = rule.model_copy(update={"rules": rules}) if rules else None
    return kept, sum(count for _, count in inner)


def named_segments(audience: Audience) -> set[UUID]:
    """Every saved segment an audience names, however deep."""
    found: set[UUID] = set()
    queue: list[Rule] = [*audience.include, *audience.exclude]
    while queue:
        rule = queue.pop()
        if isinstance(rule, Group):
            queue.extend(rule.rules)
        elif isinstance(rule, InSegment):
            found.add(rule.segment_id)
    return found


def circle(segment_id: UUID, segments: Mapping[UUID, Audience]) -> bool:
    """Whether a segment is built on itself, directly or through others."""
    seen: set[UUID] = set()
    queue = [segment_id]
    while queue:
        audience = segments.get(queue.pop())
        for named in named_segments(audience) if audience else ():
            if named == segment_id:
                return True
            if named not in seen:
                seen.add(named)
                queue.append(named)
    return False
