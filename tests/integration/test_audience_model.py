"""The SQL of audiences against the slow model, over random rules and random people."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from services.audience import compile, kept, logic, reading
from services.audience.compile import Fragment, audience_where, rule_where
from services.audience.fields import BEHAVIOURS, FIELDS, Field
from services.contracts.segment import Audience, Condition, Did, Group, InList, InSegment, Rule
from services.kit.db import owner
from tests.conftest import START
from tests.factories.audience_model import World

PRACTICE = UUID(int=7)
PEOPLE = [UUID(int=100 + n) for n in range(24)]
SEGMENT = UUID(int=200)
ZONES = ("Europe/London", "Pacific/Auckland", "America/St_Johns")
WORDS = ("", "red", "Red", "a_b", "axb")
VALUES = st.sampled_from(["red", "Red", "a_b", "a", "x"])
SPANS = (0, 1, 2, 7, 30)
BASES = (
    START,
    datetime(2026, 3, 29, 12, 0, tzinfo=UTC),  # summer time began that night in London
    datetime(2026, 10, 26, 0, 30, tzinfo=UTC),  # and ended the night before
)
"""Days that the random moments lie around."""
MONEY = (0, 10, 999.99, 1000, 1000.01)
BIRTHS = (None, date(2000, 2, 29), date(1996, 6, 1), date(1996, 5, 31), date(1996, 6, 2), date(1996, 7, 1))
ONE_EACH = {
    "loyalty": ("contact_id",),
    "care_plan": ("contact_id",),
    "consent": ("contact_id", "channel", "purpose"),
}


def make_world(seed: int) -> World:
    """Random people with few distinct values, and moments that like the edges of days."""
    pick = Random(seed)
    zone, base = pick.choice(ZONES), pick.choice(BASES)

    def moment() -> datetime:
        day = base.astimezone(ZoneInfo(zone)) - timedelta(
            days=pick.choice((-30, -8, -7, -1, 0, 0, 1, 2, 3, 7, 8, 30, 31))
        )
        edge = pick.choice((None, timedelta(0), timedelta(microseconds=-1)))
        return day if edge is None else day.replace(hour=0, minute=0, second=0, microsecond=0) + edge

    def day() -> date:
        return base.date() - timedelta(days=pick.choice((-7, -1, 0, 1, 7, 8, 30)))

    def maybe(value: Any) -> Any:
        return pick.choice((None, value))

    def row(table: str, n: int) -> dict[str, Any]:
        return {"practice_id": PRACTICE, "contact_id": pick.choice(PEOPLE), **columns(table),
                **({} if table in ONE_EACH else {f"{table}_id": UUID(int=1000 + n)})}  # fmt: skip

    def columns(table: str) -> dict[str, Any]:
        match table:
            case "appointment":
                return {"kind": "check_up", "booked_at": moment(), "starts_at": moment(),
                        "status": pick.choice(("booked", "cancelled", "attended", "attended", "no_show"))}  # fmt: skip
            case "opportunity":
                return {"stack": pick.choice(WORDS), "stage": pick.choice(WORDS), "treatment": pick.choice(WORDS),
                        "value": pick.choice(MONEY), "opened_at": moment(), "closed_at": maybe(moment()),
                        "outcome": pick.choice(("open", "won", "lost")), "deferred_until": maybe(day())}  # fmt: skip
            case "proposal":
                return {"status": pick.choice(("created", "accepted", "declined", "stalled")),
                        "value": pick.choice(MONEY), "created_at": moment(), "status_at": moment()}  # fmt: skip
            case "engagement":
                return {"kind": pick.choice(("messaged", "opened", "clicked", "replied")), "channel": "email",
                        "at": moment()}  # fmt: skip
            case "loyalty":
                return {"tier": pick.choice(WORDS), "points": pick.randint(0, 12), "joined_on": day()}
            case "care_plan":
                return {"plan": pick.choice(WORDS), "status": pick.choice(("eligible", "active", "lapsed")),
                        "started_on": maybe(day())}  # fmt: skip
            case _:
                return {"channel": pick.choice(("email", "sms", "whatsapp", "in_app")), "purpose": pick.choice(("marketing", "recall")),
                        "state": pick.choice(("granted", "revoked")), "effective_at": moment()}  # fmt: skip

    contacts = [
        {
            "practice_id": PRACTICE, "contact_id": one, "kind": pick.choice(("lead", "patient", "partner")),
            "first_name": "Ada", "last_name": "Byron", "date_of_birth": pick.choice(BIRTHS),
            "email": maybe("a@example.com"), "phone": maybe("+441179460000"), "app_user": pick.random() < 0.5,
            "household_id": maybe(UUID(int=9)), "first_touch_at": maybe(moment()), "registered_at": moment(),
            "deceased": pick.random() < 0.1, "merged_into": pick.choice((None, None, None, PEOPLE[0])),
            **{name: pick.choice(WORDS) for name in (
                "gender", "locale", "postcode", "company", "lead_status", "source_system", "source_list",
                "source_channel", "utm_campaign")},
        }
        for one in PEOPLE
    ]  # fmt: skip
    tables: dict[str, list[dict[str, Any]]] = {}
    for table in ("appointment", "opportunity", "proposal", "engagement", "loyalty", "care_plan", "consent"):
        rows = [row(table, n) for n in range(120 if table == "appointment" else 60)]
        if table in ONE_EACH:
            rows = list({tuple(r[key] for key in ONE_EACH[table]): r for r in rows}.values())
        tables[table] = rows
    now = pick.choice((base, base.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0)))
    return World(now, zone, contacts, tables)


@st.composite
def conditions(draw: st.DrawFn, among: tuple[str, ...] = tuple(FIELDS)) -> Condition:
    field = FIELDS[draw(st.sampled_from(among))]
    op = draw(st.sampled_from(field.operators))
    return Condition(field=field.name, op=op, value=draw(values(field, op)))


def values(field: Field, op: str) -> st.SearchStrategy[Any]:
    if op.endswith("set"):
        return st.none()
    if op.endswith(("days", "days_ago")):
        return st.sampled_from(SPANS)
    if field.type == "bool":
        return st.booleans()
    if field.type == "number":
        one: st.SearchStrategy[Any] = st.sampled_from([*MONEY, 0.5, 1, 2, 3, 7, 8, 26.5, 29, 30, -1])
    elif field.type == "date":
        days = st.sampled_from([base.date() for base in BASES])
        one = st.builds(lambda day, n: (day + timedelta(days=n)).isoformat(), days, st.integers(-8, 8))
    else:
        one = st.sampled_from([key for key, _ in field.choices]) if field.choices else VALUES
    if op == "between":
        return st.lists(one, min_size=2, max_size=2)
    return st.lists(one, min_size=1, max_size=3) if op in ("in", "not_in") else one


dids = st.builds(
    Did,
    what=st.sampled_from(sorted(BEHAVIOURS)),
    at_least=st.integers(1, 3) | st.sampled_from((5, 6)),
    at_most=st.none() | st.integers(0, 3),
    days=st.sampled_from(SPANS),
)
RECORDS = tuple(name for name in FIELDS if name.startswith(("pipeline.", "proposal.")))
EXTREMES = tuple(name for name, field in FIELDS.items() if field.how in ("latest", "earliest", "count"))
leaves = (
    conditions()
    | conditions(EXTREMES)
    | dids
    | st.builds(Group, node=st.just("all"), rules=st.lists(conditions(RECORDS), min_size=2, max_size=3))
    | st.builds(InList, contacts=st.lists(st.sampled_from(PEOPLE), max_size=12))
)


def rules(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Groups in groups, "none of" inside "none of" included."""

    def group(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(
            Group, node=st.sampled_from(["all", "any", "none"]), rules=st.lists(inner, max_size=3)
        )

    return st.recursive(leaf, group, max_leaves=6)


def audiences(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Audience]:
    return st.builds(
        Audience,
        kinds=st.just(["lead", "patient", "partner"]) | st.just(["patient"]),
        include=st.lists(rules(leaf), max_size=2),
        exclude=st.lists(rules(leaf), max_size=1),
    )


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = create_engine(owner(database_url))
    with engine.connect() as open_connection:
        yield open_connection
    engine.dispose()


def stored(connection: Connection, world: World) -> None:
    """The world's rows, then the engine's own role under row-level security."""
    for table, rows in {"contact": world.contacts, **world.tables}.items():
        columns = list(rows[0])
        slots = ", ".join(f":{name}" for name in columns)
        sql = f"INSERT INTO canonical.{table} ({', '.join(columns)}) VALUES ({slots})"
        connection.execute(text(sql), rows)
    connection.execute(text("SET LOCAL ROLE cm_app"))
    connection.execute(text("SELECT set_config('cm.practice_id', :p, true)"), {"p": str(PRACTICE)})


def found(connection: Connection, fragments: list[Fragment]) -> list[set[UUID]]:
    """For each fragment, who it holds for: asked of every row, so that NULL would show."""
    columns = ", ".join(f"({fragment.sql}) AS f{n}" for n, fragment in enumerate(fragments))
    params = {name: value for fragment in fragments for name, value in fragment.params.items()}
    rows = connection.execute(text(f"SELECT c.contact_id, {columns} FROM canonical.contact c"), params).all()
    assert all(value is not None for row in rows for value in row), "a fragment is never NULL"
    return [{row[0] for row in rows if row[n + 1]} for n in range(len(fragments))]


@pytest.mark.covers("AUD-1", "AUD-2")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    base=audiences(leaves),
    wanted=st.lists(rules(leaves), min_size=6, max_size=12),
    audience=audiences(leaves | st.just(InSegment(segment_id=SEGMENT))),
)
def test_the_sql_finds_whom_the_model_finds(
    connection: Connection, seed: int, base: Audience, wanted: list[Rule], audience: Audience
):
    world = make_world(seed)
    world.segments = {SEGMENT: base}
    with connection.begin() as transaction:
        stored(connection, world)
        more: Any = {"zone": world.zone, "segments": world.segments}
        assert differences(connection, world, wanted) == []
        (members,) = found(connection, [audience_where(audience, world.now, **more)])
        assert members == world.members(audience), audience
        transaction.rollback()


def differences(connection: Connection, world: World, wanted: list[Rule]) -> list[Rule]:
    """The rules of which SQL and model do not say the same."""
    more: Any = {"zone": world.zone, "segments": world.segments}
    fragments = [rule_where(rule, world.now, prefix=f"r{n}_", **more) for n, rule in enumerate(wanted)]
    by_sql = found(connection, fragments)
    by_model = [{c["contact_id"] for c in world.contacts if world.holds(rule, c)} for rule in wanted]
    return [rule for rule, sql, model in zip(wanted, by_sql, by_model, strict=True) if sql != model]


def one_of_each(today: date) -> list[Rule]:
    """Every field with every operator that fits it, each with values that some of the people have,
    the way it is and turned round; every behaviour with every way of counting."""
    wanted: list[Rule] = []
    for field in FIELDS.values():
        for op in field.operators:
            wanted += [
                Condition(field=field.name, op=op, value=value) for value in examples(field, op, today)
            ]
    for what in sorted(BEHAVIOURS):
        for days in (0, 1, 7):
            wanted += [
                Did(what=what, at_least=1, days=days),
                Did(what=what, at_least=2, days=days),
                Did(what=what, at_least=None, at_most=0, days=days),
                Did(what=what, at_least=1, at_most=1, days=days),
            ]
    same_record = [
        Group(node="all", rules=[Condition(field=name, op=op, value=value), Condition(field="pipeline.outcome", op="is", value="open")])
        for name, op, value in (("pipeline.stage", "is", "red"), ("pipeline.stage", "is_not", "red"), ("pipeline.value", "gte", 1000))
    ]  # fmt: skip
    turned = [
        Group(node="none", rules=[Group(node="none", rules=[a, b])])
        for a, b in zip(wanted[::4], wanted[7::4], strict=False)
    ]
    return [*wanted, *same_record, *[Group(node="none", rules=[rule]) for rule in wanted], *turned]


def examples(field: Field, op: str, today: date) -> list[Any]:
    if op.endswith("set"):
        return [None]
    if op.endswith(("days", "days_ago")):
        return [0, 1, 7]
    if field.type == "bool":
        return [True, False]
    if field.type == "number":
        one = [1000, 2, 29]
        return [[1, 1000], [29, 30]] if op == "between" else one
    if field.type == "date":
        days = [(today + timedelta(days=n)).isoformat() for n in (-7, -1, 0, 9)]
        return [days[:2], days[1:3]] if op == "between" else days
    known = [key for key, _ in field.choices][:3] or ["red", "a_b", "Red"]
    if op in ("contains", "starts_with"):
        return ["a_", "RE"]
    return [known[:2]] if op in ("in", "not_in") else known


@pytest.mark.covers("AUD-2")
def test_every_field_with_every_operator_finds_whom_the_model_finds(connection: Connection):
    """Not by chance: each is asked, and each holds for somebody and not for everybody."""
    told: dict[tuple[str, str], set[bool]] = {}
    for seed in (2, 5, 11):
        world = make_world(seed)
        with connection.begin() as transaction:
            stored(connection, world)
            wanted = one_of_each(world.today)
            for start in range(0, len(wanted), 100):
                assert differences(connection, world, wanted[start : start + 100]) == []
            transaction.rollback()
        for rule in wanted:
            if isinstance(rule, Condition):
                held = told.setdefault((rule.field, rule.op), set())
                held |= {world.holds(rule, contact) for contact in world.contacts}
    assert set(told) == {(field.name, op) for field in FIELDS.values() for op in field.operators}
    assert [key for key, held in told.items() if len(held) < 2] == NEVER_BOTH


NEVER_BOTH = [
    ("contact.registered", "is_set"),
    ("contact.registered", "is_not_set"),
    ("appointment.next_booked", "more_than_days_ago"),
]
"""A date that everybody has; a next appointment that is past."""


def plant_open_end(patch: pytest.MonkeyPatch) -> None:
    """“In the last n days” loses today."""
    right = reading._date_bounds
    patch.setattr(
        reading,
        "_date_bounds",
        lambda field, op, value, today: right(
            field, op, value, today - timedelta(days=op == "within_last_days")
        ),
    )


def plant_utc(patch: pytest.MonkeyPatch) -> None:
    """A day begins at midnight in UTC, wherever the practice is."""
    patch.setattr(
        compile._Compiler,
        "instant",
        lambda self, day: datetime(day.year, day.month, day.day, tzinfo=UTC),
    )


def plant_null(patch: pytest.MonkeyPatch) -> None:
    """What is not known makes a rule unknown instead of false."""
    patch.setattr(compile, "total", lambda sql: logic.Leaf(f"({sql})", f"NOT ({sql})"))


def plant_negation(patch: pytest.MonkeyPatch) -> None:
    """“Not both” is taken for “neither”."""

    def wrong(test: logic.Test) -> logic.Test:
        if isinstance(test, logic.Every):
            return logic.every(wrong(part) for part in test.parts)
        return logic.negate(test) if isinstance(test, logic.Leaf) else logic.every(map(wrong, test.parts))

    patch.setattr(compile, "negate", wrong)


def plant_count(patch: pytest.MonkeyPatch) -> None:
    """“At least twice” is “at least three times”."""
    right = compile.times
    patch.setattr(compile, "times", lambda did: (right(did)[0] + (right(did)[0] == 2), right(did)[1]))


def plant_apart(patch: pytest.MonkeyPatch) -> None:
    """Conditions of one group need not hold of one and the same record."""
    patch.setattr(compile._Compiler, "together", lambda self, rules: [self.rule(rule) for rule in rules])


def plant_case(patch: pytest.MonkeyPatch) -> None:
    """Wildcards in what people type are taken as wildcards."""
    patch.setattr(compile, "_escaped", lambda text: text)


def plant_ahead(patch: pytest.MonkeyPatch) -> None:
    """What lies ahead hides what was: the records themselves are never asked."""
    right = kept.latest

    def wrong(*asked: str) -> logic.Leaf:
        table, condition = right(*asked).source or ("", "")
        return logic.exists_in(table, condition.replace(") IS TRUE AND", ") IS NULL AND"))

    patch.setattr(kept, "latest", wrong)


@pytest.mark.covers("AUD-2")
@pytest.mark.parametrize(
    "fault",
    [
        plant_open_end,
        plant_utc,
        plant_null,
        plant_negation,
        plant_count,
        plant_apart,
        plant_case,
        plant_ahead,
    ],
)
def test_the_comparison_finds_a_fault_that_was_planted(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
):
    world = make_world(5)
    with connection.begin() as transaction:
        stored(connection, world)
        wanted = one_of_each(world.today)
        fault(monkeypatch)
        try:
            wrong = [
                rule
                for n in range(0, len(wanted), 100)
                for rule in differences(connection, world, wanted[n : n + 100])
            ]
        except AssertionError as refused:
            wrong = [refused]  # a NULL is told at once
        transaction.rollback()
    assert wrong, fault.__doc__
