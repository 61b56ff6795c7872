"""A small algebra of conditions, so that negation reaches the leaves.

PostgreSQL turns `NOT EXISTS (…)` joined by AND into an anti-join it can hash; it does not look
inside `NOT (… OR …)`. So the compiler negates here, and only leaves print `NOT`. Nor does it hash an
EXISTS under an OR when it expects few rows, and behind row-level security it always expects few.
So an OR that looks at records is printed as one EXISTS over the union of its sides, each side a
set of contacts: a join again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SAME = "r.practice_id = c.practice_id AND r.contact_id = c.contact_id"
"""Record `r` is about contact `c`."""
STANDING = "canonical.standing s"
ONE_ROW_EACH = frozenset({STANDING, "canonical.loyalty r", "canonical.care_plan r"})
"""Tables, with the alias they are read by, that have at most one row a contact."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One SQL test and its exact opposite; neither may ever be NULL.

    `rows`: for a test of records, the SELECT of (practice_id, contact_id) it looks for;
    `negative`: it holds for those who are not among them; `source`: the table with its alias and
    the condition of a plain such SELECT, so that several of one table can be read at once.
    """

    sql: str
    opposite: str
    rows: str = ""
    negative: bool = False
    source: tuple[str, str] | None = None


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
            return Leaf(test.opposite, test.sql, test.rows, not test.negative, test.source)
        case Every():
            return some(negate(part) for part in test.parts)
        case Some():
            return every(negate(part) for part in test.parts)


def render(test: Test) -> str:
    return _printed(_gathered(test))


def _printed(test: Test) -> str:
    match test:
        case Leaf():
            return test.sql
        case Every():
            return " AND ".join(_inner(part) for part in test.parts) or "true"
        case Some():
            if any(_looks_at_records(part) for part in test.parts):
                return _union(test.parts)
            return " OR ".join(_inner(part) for part in test.parts) or "false"


def exists(rows: str) -> Leaf:
    """The contact is among `rows`, a SELECT of (practice_id, contact_id)."""
    sql = among(rows)
    return Leaf(sql, f"NOT {sql}", rows)


def exists_in(table: str, condition: str) -> Leaf:
    """The contact has a record in `table`, named with its alias, that meets `condition`."""
    leaf = exists(_select(table, condition))
    return Leaf(leaf.sql, leaf.opposite, leaf.rows, source=(table, condition))


def _select(table: str, condition: str) -> str:
    alias = table.rpartition(" ")[2]
    return f"SELECT {alias}.practice_id, {alias}.contact_id FROM {table} WHERE {condition}"


def asked_of_each(sql: str, rows: str) -> Leaf:
    """`sql` asks each contact by itself for their latest record, say, or their third; it is never NULL.
    One look at an index for each person, by every worker: where the whole history counts there are
    more records than people. `rows` are the same contacts, for a union."""
    return Leaf(f"({sql})", f"NOT ({sql})", rows)


AMONG = f") r WHERE {SAME}"


def among(rows: str) -> str:
    return f"EXISTS (SELECT FROM ({rows}{AMONG})"


def looked_up(sql: str) -> str:
    """The same condition for few people: each look at records stays a look-up a person. Under a CASE, which
    is no join, the planner may otherwise gather a whole practice's records for a batch of thousands."""
    return sql.replace(AMONG, f"{AMONG} OFFSET 0")


def _gathered(test: Test) -> Test:
    """The same test; what is asked of a table with one row a contact is asked of that row at once."""
    match test:
        case Leaf():
            return test
        case Every():
            return every(_narrowed(_of_one_row([_gathered(part) for part in test.parts], all_hold=True)))
        case Some():
            return some(_of_one_row([_gathered(part) for part in test.parts], all_hold=False))


def _narrowed(parts: list[Test]) -> list[Test]:
    """Where a row must meet a test anyway, one that the sides of an OR ask of it may ask both: fewer people
    are gathered for the union."""
    must = {p.source[0]: p for p in parts if isinstance(p, Leaf) and p.source and not p.negative}
    return [
        some(
            _of_one_row([side, must[side.source[0]]], all_hold=True)[0]
            if isinstance(side, Leaf)
            and side.source
            and not side.negative
            and side.source[0] in must.keys() & ONE_ROW_EACH
            else side
            for side in part.parts
        )
        if isinstance(part, Some)
        else part
        for part in parts
    ]


def _of_one_row(parts: list[Test], *, all_hold: bool) -> list[Test]:
    """One test for each such table. A negative holds for those without a row, too: it can join a positive
    that must hold as well, and nothing else."""
    about: dict[str, list[tuple[Leaf, str]]] = {}
    others: list[Test] = []
    for part in parts:
        fits = isinstance(part, Leaf) and (all_hold or not part.negative)
        if fits and isinstance(part, Leaf) and part.source and part.source[0] in ONE_ROW_EACH:
            about.setdefault(part.source[0], []).append((part, part.source[1]))
        else:
            others.append(part)
    for table, leaves in about.items():
        if len(leaves) == 1 or all(leaf.negative for leaf, _ in leaves):
            others.extend(leaf for leaf, _ in leaves)
        else:
            asked = (f"({condition}){' IS NOT TRUE' * leaf.negative}" for leaf, condition in leaves)
            others.append(exists_in(table, (" AND " if all_hold else " OR ").join(asked)))
    return others


def _looks_at_records(test: Test) -> bool:
    if isinstance(test, Leaf):
        return bool(test.rows)
    return any(_looks_at_records(part) for part in test.parts)


def _union(parts: tuple[Test, ...]) -> str:
    own = tuple(part for part in parts if not _looks_at_records(part))
    sides = [_rows(Some(own))] if own else []
    tables: dict[str, list[str]] = {}
    for part in parts:
        if isinstance(part, Leaf) and part.source and not part.negative:
            tables.setdefault(part.source[0], []).append(f"({part.source[1]})")
        elif part not in own:
            sides.append(_rows(part))
    # What is asked of one table is asked in one pass over it.
    sides += [_select(table, " OR ".join(conditions)) for table, conditions in tables.items()]
    return among(" UNION ALL ".join(sides))


def _rows(test: Test) -> str:
    """Everyone the test holds for; inside, `c` is a contact of its own."""
    if isinstance(test, Leaf) and test.rows and not test.negative:
        return test.rows
    return f"SELECT c.practice_id, c.contact_id FROM canonical.contact c WHERE {_printed(test)}"


def _inner(test: Test) -> str:
    return test.sql if isinstance(test, Leaf) else f"({_printed(test)})"


def total(sql: str) -> Leaf:
    """A test of columns that may be NULL: unknown counts as no."""
    return Leaf(f"({sql}) IS TRUE", f"({sql}) IS NOT TRUE")


def plain(sql: str) -> Leaf:
    """A test of columns that are never NULL."""
    return Leaf(f"({sql})", f"NOT ({sql})")
