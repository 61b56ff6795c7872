"""Everything wrong with a rule, collected instead of stopping at the first (BLD-4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from services.audience.compile import DEEPEST, times
from services.audience.errors import RuleInvalid
from services.audience.reading import read
from services.contracts.segment import Audience, Condition, Did, Group, InList, InSegment, Rule

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
        case InList() | InSegment():
            return


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
