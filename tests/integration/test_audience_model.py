"""The SQL of audiences against the slow model, over random rules and random people."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from services.audience.compile import BEHAVIOURS, Fragment, audience_where, rule_where
from services.audience.fields import FIELDS, Field
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
    zone = pick.choice(ZONES)

    def moment() -> datetime:
        day = START.astimezone(ZoneInfo(zone)) - timedelta(
            days=pick.choice((-30, -8, -7, -1, 0, 0, 1, 2, 3, 7, 8, 30, 31))
        )
        edge = pick.choice((None, timedelta(0), timedelta(microseconds=-1)))
        return day if edge is None else day.replace(hour=0, minute=0, second=0, microsecond=0) + edge

    def day() -> date:
        return START.date() - timedelta(days=pick.choice((-7, -1, 0, 1, 7, 8, 30)))

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
                return {"channel": pick.choice(("email", "sms")), "purpose": pick.choice(("marketing", "recall")),
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
    now = pick.choice((START, START.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0)))
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
        one = st.integers(-8, 8).map(lambda n: (START.date() + timedelta(days=n)).isoformat())
    else:
        one = st.sampled_from([key for key, _ in field.choices]) if field.choices else VALUES
    if op == "between":
        return st.lists(one, min_size=2, max_size=2)
    return st.lists(one, min_size=1, max_size=3) if op in ("in", "not_in") else one


dids = st.builds(
    Did,
    what=st.sampled_from(sorted(BEHAVIOURS)),
    at_least=st.integers(1, 3),
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
    group = st.builds(Group, node=st.sampled_from(["all", "any", "none"]), rules=st.lists(leaf, max_size=3))
    return (
        leaf
        | group
        | st.builds(Group, node=st.sampled_from(["any", "none"]), rules=st.lists(group, max_size=2))
    )


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
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
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
        fragments = [rule_where(rule, world.now, prefix=f"r{n}_", **more) for n, rule in enumerate(wanted)]
        *by_rule, members = found(connection, [*fragments, audience_where(audience, world.now, **more)])
        for rule, people in zip(wanted, by_rule, strict=True):
            assert people == {c["contact_id"] for c in world.contacts if world.holds(rule, c)}, rule
        assert members == world.members(audience), audience
        transaction.rollback()
