"""A small algebra of conditions, so that negation reaches the leaves.

PostgreSQL turns `NOT EXISTS (…)` joined by AND into an anti-join it can hash; it does not look
inside `NOT (… OR …)`. So the compiler negates here, and only leaves print `NOT`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leaf:
    """One SQL test and its exact opposite; neither may ever be NULL."""

    sql: str
    opposite: str


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Test, ...] = ()


Test = Leaf | Every | Some
ALWAYS = Every()
NEVER = Some()


def every(parts: Iterable[Test]) -> Test:
    """All hold; of none: true."""
    flat: list[Test] = []
    for part in parts:
        if part == NEVER:
            return NEVER
        flat.extend(part.parts if isinstance(part, Every) else [part])
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def some(parts: Iterable[Test]) -> Test:
    """At least one holds; of none: false."""
    flat: list[Test] = []
    for part in parts:
        if part == ALWAYS:
            return ALWAYS
        flat.extend(part.parts if isinstance(part, Some) else [part])
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def negate(test: Test) -> Test:
    match test:
        case Leaf():
            return Leaf(test.opposite, test.sql)
        case Every():
            return some(negate(part) for part in test.parts)
        case Some():
            return every(negate(part) for part in test.parts)


def render(test: Test) -> str:
    match test:
        case Leaf():
            return test.sql
        case Every():
            return " AND ".join(_inner(part) for part in test.parts) or "true"
        case Some():
            return " OR ".join(_inner(part) for part in test.parts) or "false"


def _inner(test: Test) -> str:
    return test.sql if isinstance(test, Leaf) else f"({render(test)})"


def total(sql: str) -> Leaf:
    """A test of columns that may be NULL: unknown counts as no."""
    return Leaf(f"({sql}) IS TRUE", f"({sql}) IS NOT TRUE")


def plain(sql: str) -> Leaf:
    """A test of columns that are never NULL."""
    return Leaf(f"({sql})", f"NOT ({sql})")
