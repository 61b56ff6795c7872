"""The one place where an audience rule becomes SQL (AUD-1, AUD-2, house rule 6).

Pure: bound, uniquely named values and the catalogue's own SQL, nothing a person typed. The
fragments are built for a million contacts: EXISTS and NOT EXISTS joined by AND, which the
planner turns into hashed semi- and anti-joins; negation is pushed to the leaves (`logic`).

What the words mean, exactly:
- `all` of no rules is true, `any` of none is false, `none` of none is true.
- A condition about records (pipeline, proposals …) holds if some record meets it; its negative
  (`is_not`, `not_in`, `is_not_set`) holds if no record meets the positive. Inside one `all`
  group, the conditions on the same kind of record speak of the same record, as people mean it:
  "outcome is open, stage is not consultation" is one open opportunity at another stage.
- What is not known is not true: a person without a date of birth is not under 30.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audience import kept
from services.audience.contracts import Fragment
from services.audience.errors import RuleInvalid
from services.audience.fields import BEHAVIOURS, Field, Records
from services.audience.kept import Asked
from services.audience.logic import (
    ALWAYS,
    NEVER,
    SAME,
    Leaf,
    Test,
    asked_of_each,
    every,
    exists,
    exists_in,
    looked_up,
    negate,
    plain,
    render,
    some,
    total,
)
from services.audience.reading import (
    FEW_DAYS,
    MANY_YEARS,
    Bounds,
    Flag,
    Known,
    Like,
    MonthDays,
    OneOf,
    Reading,
    days_of_years,
    read,
    times,
)
from services.contracts.segment import (
    Audience,
    Condition,
    Did,
    Group,
    InList,
    InSegment,
    Rule,
)

__all__ = ["Fragment", "audience_where", "rule_where"]

DEEPEST = 20


def audience_where(
    audience: Audience,
    now: datetime,
    *,
    zone: str = "UTC",
    segments: Mapping[UUID, Audience] | None = None,
    prefix: str = "aud_",
) -> Fragment:
    """Who the audience is at `now`, as a condition on `c`.

    Everyone of its kinds who meets all includes and no exclude; nobody without an include rule
    (AUD-1). Merged and deceased contacts are never in an audience. `zone` is the practice's;
    `segments` are the saved ones that rules may name. Raises RuleInvalid.
    """
    compiler = _Compiler(now, ZoneInfo(zone), segments or {}, prefix)
    alive = plain("c.merged_into IS NULL AND NOT c.deceased")
    return compiler.fragment(every([alive, compiler.audience(audience)]))


def rule_where(
    rule: Rule,
    now: datetime,
    *,
    zone: str = "UTC",
    segments: Mapping[UUID, Audience] | None = None,
    prefix: str = "rule_",
    batch: bool = False,
) -> Fragment:
    """One rule (a branch path, say) as a condition on `c`; `batch`: asked of thousands, not of a whole
    practice. Raises RuleInvalid."""
    compiler = _Compiler(now, ZoneInfo(zone), segments or {}, prefix)
    found = compiler.fragment(compiler.rule(rule))
    return Fragment(looked_up(found.sql), found.params) if batch else found


@dataclass
class _Compiler:
    now: datetime
    zone: ZoneInfo
    segments: Mapping[UUID, Audience]
    prefix: str
    params: dict[str, Any] = field(default_factory=dict)
    names: dict[tuple[str, object], str] = field(default_factory=dict)
    inside: tuple[UUID, ...] = ()
    depth: int = 0

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def fragment(self, test: Test) -> Fragment:
        return Fragment(render(test), self.params)

    def bind(self, value: Any, cast: str) -> str:
        """A bound value; the same value twice is one parameter."""
        key = (cast, tuple(value) if isinstance(value, list) else value)
        if key not in self.names:
            name = f"{self.prefix}{len(self.params) + 1}"
            self.params[name] = value
            self.names[key] = f"CAST(:{name} AS {cast})"
        return self.names[key]

    # Structure

    def audience(self, audience: Audience) -> Test:
        if not audience.include:
            return NEVER
        kinds = plain(f"c.kind = ANY ({self.bind(sorted(set(audience.kinds)), 'text[]')})")
        included = [self.rule(rule) for rule in audience.include]
        excluded = [negate(self.rule(rule)) for rule in audience.exclude]
        return every([kinds, *included, *excluded])

    def rule(self, rule: Rule) -> Test:
        match rule:
            case Group():
                return self.group(rule)
            case Condition():
                return self.alone(read(rule, self.today))
            case Did():
                return self.did(rule)
            case InSegment():
                return self.segment(rule.segment_id)
            case InList():
                return plain(f"c.contact_id = ANY ({self.bind(list(rule.contacts), 'uuid[]')})")
            case _:
                assert_never(rule)

    def group(self, group: Group) -> Test:
        if self.depth >= DEEPEST:
            raise RuleInvalid(f"Groups nest at most {DEEPEST} deep. Save the inner part as a segment.")
        self.depth += 1
        try:
            if group.node == "all":
                return every(self.together(group.rules))
            tests = [self.rule(rule) for rule in group.rules]
            return some(tests) if group.node == "any" else every(negate(test) for test in tests)
        finally:
            self.depth -= 1

    def together(self, rules: Sequence[Rule]) -> list[Test]:
        """The rules of an `all` group; those on one kind of record become one EXISTS."""
        about: dict[str, list[Reading]] = {}
        tests: list[Test] = []
        for rule in rules:
            reading = read(rule, self.today) if isinstance(rule, Condition) else None
            if reading and reading.field.records and reading.field.how in ("value", "days"):
                about.setdefault(reading.field.records.key, []).append(reading)
            else:
                tests.append(self.alone(reading) if reading else self.rule(rule))
        for readings in about.values():
            records = readings[0].field.records
            if records and not all(reading.negative for reading in readings):
                tests.append(self.exists(records, [self.row(reading) for reading in readings]))
            else:
                tests.extend(self.alone(reading) for reading in readings)
        return tests

    def segment(self, segment_id: UUID) -> Test:
        if segment_id in self.inside:
            raise RuleInvalid("This segment is built on itself. Take the circle out.")
        audience = self.segments.get(segment_id)
        if audience is None:
            raise RuleInvalid("A segment that this rule names does not exist any more.")
        outer = self.inside
        self.inside = (*outer, segment_id)
        try:
            return self.audience(audience)
        finally:
            self.inside = outer

    # Leaves

    def alone(self, reading: Reading) -> Test:
        """A condition by itself."""
        field, comparison = reading.field, reading.comparison
        match field.how:
            case "latest" | "earliest":
                test = self.extreme(field, comparison)
            case "count":
                test = self.counted(field, comparison)
            case "consent":
                test = self.consent(field, comparison)
            case _:
                test = self.column(field, comparison)
                if field.records:
                    test = self.exists(field.records, [test])
        return negate(test) if reading.negative else test

    def row(self, reading: Reading) -> Test:
        """The condition on one record `r`, negatives about that record."""
        test = self.column(reading.field, reading.comparison)
        return negate(test) if reading.negative else test

    def column(self, field: Field, comparison: object) -> Test:
        """One column or expression compared."""
        make = total if field.nullable else plain
        match comparison:
            case Known():
                known = f"{field.sql} IS NOT NULL"
                return plain(known if field.type in ("number", "date") else f"{known} AND {field.sql} <> ''")
            case Flag(on):
                return plain(field.sql) if on else negate(plain(field.sql))
            case OneOf(values) if field.type == "text":
                wanted = self.bind([value.lower() for value in values], "text[]")
                return make(f"lower({field.sql}) = ANY ({wanted})")
            case OneOf(values):
                return make(self.equal(field.sql, values))
            case Like(text, anywhere):
                pattern = f"{'%' if anywhere else ''}{_escaped(text.lower())}%"
                return make(f"lower({field.sql}) LIKE {self.bind(pattern, 'text')}")
            case MonthDays(keys):
                return make(self.on_days(field.sql, keys))
            case Bounds():
                return self.bounds(field, comparison, make)
            case _:
                raise AssertionError(f"no SQL for {comparison!r}")

    def equal(self, sql: str, values: Sequence[str]) -> str:
        if len(values) == 1:
            return f"{sql} = {self.bind(values[0], 'text')}"
        return f"{sql} = ANY ({self.bind(list(values), 'text[]')})"

    def on_days(self, sql: str, keys: tuple[int, ...]) -> str:
        """The date falls on one of these days of the year. A few are looked up among those of many years,
        which is far cheaper than taking everybody's date apart."""
        month_day = f"(extract(month FROM {sql}) * 100 + extract(day FROM {sql}))::integer"
        taken_apart = f"{month_day} = ANY ({self.bind(list(keys), 'integer[]')})"
        if len(keys) > FEW_DAYS:
            return taken_apart
        first, last = (self.bind(day, "date") for day in MANY_YEARS)
        known = f"{sql} = ANY ({self.bind(days_of_years(keys), 'date[]')})"
        return f"CASE WHEN {sql} BETWEEN {first} AND {last} THEN {known} ELSE {taken_apart} END"

    def bounds(self, field: Field, bounds: Bounds, make: Callable[[str], Leaf]) -> Test:
        parts = []
        if bounds.lo is not None:
            parts.append(f"{field.sql} {'>' if bounds.lo_open else '>='} {self.point(field, bounds.lo)}")
        if bounds.hi is not None:
            parts.append(f"{field.sql} {'<' if bounds.hi_open else '<='} {self.point(field, bounds.hi)}")
        return make(" AND ".join(parts))

    def point(self, field: Field, value: Any) -> str:
        """A bound as the column's own type: days become the practice's midnights."""
        if not isinstance(value, date):
            return self.bind(value, "numeric")
        return self.bind(value, "date") if field.day_column else self.midnight(value)

    def midnight(self, day: date) -> str:
        return self.bind(self.instant(day), "timestamptz")

    def instant(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=self.zone)

    # Records

    def only(self, records: Records) -> list[str]:
        if not records.only:
            return []
        return [records.only.replace("{now}", self.moment(self.now))]

    def exists(self, records: Records, tests: Sequence[Test]) -> Leaf:
        """Some record of the contact meets all the tests."""
        return _exists(records.table, [*self.only(records), *(f"({render(test)})" for test in tests)])

    def at_least(self, asked: Asked, times: int) -> Test:
        """The contact has at least so many records."""
        if times <= 0:
            return ALWAYS
        wanted = self.bind(times, "integer")
        now = self.moment(self.now)
        if asked.kept and (known := kept.so_often(asked.kept, now, times, wanted, asked.since)):
            return known
        if times == 1:
            return _exists(asked.table, asked.all)
        rows = _gathered(asked.table, asked.all, f"count(*) >= {wanted}")
        if asked.since:
            return exists(rows)
        some_of_them = f"SELECT FROM {asked.table} r WHERE {' AND '.join([SAME, *asked.all])} LIMIT {wanted}"
        return asked_of_each(f"(SELECT count(*) FROM ({some_of_them}) r) = {wanted}", rows)

    def between(self, asked: Asked, low: int, high: int | None) -> Test:
        """The number of records is from `low` to `high`, both included; None is no bound."""
        if high is None:
            return self.at_least(asked, low)
        if high < low or high < 0:
            return NEVER
        return every([self.at_least(asked, low), negate(self.at_least(asked, high + 1))])

    def counted(self, field: Field, comparison: object) -> Test:
        assert field.records is not None
        assert isinstance(comparison, Bounds)
        low = 0 if comparison.lo is None else int(comparison.lo)
        high = None if comparison.hi is None else int(comparison.hi)
        records = field.records
        return self.between(
            Asked(records.table, self.only(records), kept.BY_RECORDS.get(records.key)), low, high
        )

    def extreme(self, field: Field, comparison: object) -> Test:
        """The latest (or earliest) of the records lies within bounds; without bounds: there is one."""
        assert field.records is not None
        assert isinstance(comparison, Bounds | Known)
        bounds = Bounds() if isinstance(comparison, Known) else comparison
        lo = None if bounds.lo is None else self.instant(bounds.lo)
        hi = None if bounds.hi is None else self.instant(bounds.hi)
        latest = field.how == "latest"
        # Records lie on one side of now, so none is beyond a bound on the other: one within is enough.
        open_ended = (hi is None or hi > self.now) if latest else (lo is None or lo <= self.now)
        if latest and (of := kept.BY_RECORDS.get(field.records.key)):
            first, end = (self.moment(one) for one in (lo, None if open_ended else hi))
            return kept.latest(of, self.moment(self.now), first, end)
        if open_ended and hi is None and field.records.key == "booked":
            return kept.ahead(self.moment(self.now))
        if open_ended:
            within = every([*self.beside(field.sql, ">=", lo), *self.beside(field.sql, "<", hi)])
            return self.exists(field.records, [within])
        utmost = f"{'max' if latest else 'min'}({field.sql})"
        within = every([*self.beside(utmost, ">=", lo), *self.beside(utmost, "<", hi)])
        return exists(_gathered(field.records.table, self.only(field.records), render(within)))

    def moment(self, moment: datetime | None) -> str:
        return self.bind(moment, "timestamptz") if moment else ""

    def beside(self, sql: str, sign: str, moment: datetime | None) -> list[Test]:
        return [] if moment is None else [plain(f"{sql} {sign} {self.bind(moment, 'timestamptz')}")]

    def consent(self, field: Field, comparison: object) -> Test:
        """`unknown` is the absence of a row (D21)."""
        assert field.records is not None
        assert isinstance(comparison, OneOf)
        channel = field.records.key.removeprefix("consent.")
        states = sorted(set(comparison.values) - {"unknown"})
        tests: list[Test] = [kept.answered(channel, states)] if states else []
        if "unknown" in comparison.values:
            tests.append(negate(kept.answered(channel, ())))
        return some(tests)

    def did(self, did: Did) -> Test:
        table, at, which = BEHAVIOURS[did.what]
        low, high = times(did)
        only = [which] if which else []
        only.append(f"{at} <= {self.moment(self.now)}")
        first = self.midnight(self.today - timedelta(days=did.days)) if did.days else ""
        return self.between(Asked(table, only, kept.BY_BEHAVIOUR.get(did.what), first, at), low, high)


def _gathered(table: str, only: Sequence[str], what: str) -> str:
    """Contacts whose records together meet `what`, a condition of aggregates."""
    return (
        f"SELECT r.practice_id, r.contact_id FROM {table} r WHERE {' AND '.join(only) or 'true'}"
        f" GROUP BY r.practice_id, r.contact_id HAVING {what}"
    )


def _exists(table: str, only: Sequence[str]) -> Leaf:
    return exists_in(f"{table} r", " AND ".join(only) or "true")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
