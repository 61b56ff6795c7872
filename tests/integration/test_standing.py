"""`canonical.standing` says what the records say, whatever was done to them, and by how many at once."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, text

from services.kit.db import owner
from tests.conftest import START
from tests.factories.practice import run

pytestmark = pytest.mark.covers("AUD-8", "AUD-3")

PRACTICES = [UUID(int=7), UUID(int=8)]
PEOPLE = [UUID(int=100 + n) for n in range(4)]
TABLES = {
    "appointment": ("appointment_id", "kind", "status", "booked_at", "starts_at"),
    "engagement": ("engagement_id", "kind", "channel", "at"),
    "consent": ("channel", "purpose", "state", "effective_at"),
}
WORDS = {
    "status": ("booked", "cancelled", "attended", "no_show"),
    "kind": ("messaged", "messaged", "messaged", "opened", "clicked", "replied"),
    "channel": ("email", "sms", "whatsapp", "in_app"),
    "purpose": ("marketing", "marketing", "service"),
    "state": ("granted", "revoked"),
}
TOLD = """
SELECT practice_id, contact_id, made, attended, missed, cancelled, last_made, last_attended, last_missed,
  last_cancelled, last_booked, messaged, opened, clicked, replied, in_app, email, sms, whatsapp
FROM canonical.standing
"""
EMPTY = (0, 0, 0, 0, *(None,) * 13)
TRUE = """
SELECT who.practice_id, who.contact_id, a.*, e.*, k.*
FROM (SELECT practice_id, contact_id FROM canonical.appointment UNION SELECT practice_id, contact_id FROM canonical.engagement
      UNION SELECT practice_id, contact_id FROM canonical.consent) who,
LATERAL (SELECT count(*), count(*) FILTER (WHERE status = 'attended'),
    count(*) FILTER (WHERE status = 'no_show'), count(*) FILTER (WHERE status = 'cancelled'), max(booked_at),
    max(starts_at) FILTER (WHERE status = 'attended'), max(starts_at) FILTER (WHERE status = 'no_show'),
    max(starts_at) FILTER (WHERE status = 'cancelled'), max(starts_at) FILTER (WHERE status = 'booked')
  FROM canonical.appointment x WHERE x.practice_id = who.practice_id AND x.contact_id = who.contact_id) a,
LATERAL (SELECT {five}) e,
LATERAL (SELECT {answers}) k
""".format(
    five=", ".join(
        "(SELECT nullif(ARRAY(SELECT at FROM canonical.engagement x WHERE x.practice_id = who.practice_id"
        f" AND x.contact_id = who.contact_id AND kind = '{kind}' ORDER BY at DESC LIMIT 5), ARRAY[]::timestamptz[])) AS {kind}"
        for kind in ("messaged", "opened", "clicked", "replied")
    ),
    answers=", ".join(
        "(SELECT state = 'granted' FROM canonical.consent x WHERE x.practice_id = who.practice_id"
        f" AND x.contact_id = who.contact_id AND channel = '{channel}' AND purpose = 'marketing') AS {channel}"
        for channel in ("in_app", "email", "sms", "whatsapp")
    ),
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(owner(database_url))
    yield made
    made.dispose()


def differs(connection: Connection) -> bool:
    """Whether what is kept is not what the records say; nobody of whom nothing is left counts."""
    told, true = (connection.execute(text(sql)).all() for sql in (TOLD, TRUE))
    rows = [[tuple(row) for row in found if tuple(row[2:]) != EMPTY] for found in (told, true)]
    return sorted(rows[0], key=str) != sorted(rows[1], key=str)


def value(column: str, pick: Random) -> Any:
    if column.endswith("_id"):
        return UUID(int=pick.getrandbits(100))
    if column in WORDS:
        return pick.choice(WORDS[column])
    return START + timedelta(days=pick.randint(-5, 5), hours=pick.randint(0, 2))


def some_row(table: str, pick: Random) -> dict[str, Any]:
    whose = {"practice_id": pick.choice(PRACTICES), "contact_id": pick.choice(PEOPLE)}
    return {**whose, **{column: value(column, pick) for column in TABLES[table]}}


def insert(table: str, rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """All in one statement; an answer given again replaces the one before."""
    slots = [", ".join(f":{column}{n}" for column in rows[0]) for n in range(len(rows))]
    sql = f"INSERT INTO canonical.{table} ({', '.join(rows[0])}) VALUES ({'), ('.join(slots)})"
    if table == "consent":
        sql += " ON CONFLICT (practice_id, contact_id, channel, purpose) DO UPDATE SET state = excluded.state"
    return sql, {f"{column}{n}": value for n, row in enumerate(rows) for column, value in row.items()}


def add(connection: Connection, table: str, pick: Random) -> None:
    """Several in one statement, of one person more than once."""
    rows = [some_row(table, pick) for _ in range(pick.randint(1, 8))]
    if table == "consent":
        key = ("practice_id", "contact_id", "channel", "purpose")
        rows = list({tuple(row[name] for name in key): row for row in rows}.values())
    sql, values = insert(table, rows)
    connection.execute(text(sql), values)


def change(connection: Connection, table: str, pick: Random) -> None:
    """Some of them become something else, or lie on another day."""
    (column,) = pick.choices([name for name in TABLES[table] if name not in ("purpose", "channel") and not name.endswith("_id")])  # fmt: skip
    connection.execute(
        text(f"UPDATE canonical.{table} SET {column} = :new WHERE contact_id = ANY (:who)"),
        {"new": value(column, pick), "who": pick.sample(PEOPLE, 2)},
    )


def merge(connection: Connection, table: str, pick: Random) -> None:
    """One person's become another's, as far as that one has not answered, too."""
    connection.execute(
        text(f"UPDATE canonical.{table} SET contact_id = :into WHERE practice_id = :p AND contact_id = :who"
             + " AND NOT EXISTS (SELECT FROM canonical.consent k WHERE k.contact_id = :into)" * (table == "consent")),
        {"p": pick.choice(PRACTICES), "into": pick.choice(PEOPLE), "who": pick.choice(PEOPLE)},
    )  # fmt: skip


def remove(connection: Connection, table: str, pick: Random) -> None:
    column = {"appointment": "status", "engagement": "kind", "consent": "channel"}[table]
    connection.execute(
        text(f"DELETE FROM canonical.{table} WHERE contact_id = :who AND (:all OR {column} = :one)"),
        {"who": pick.choice(PEOPLE), "all": pick.random() < 0.3, "one": value(column, pick)},
    )


def empty(connection: Connection, table: str, pick: Random) -> None:
    connection.execute(text(f"TRUNCATE canonical.{table}"))


ACTS: tuple[Callable[[Connection, str, Random], None], ...] = (add, change, merge, remove, empty)
CHANCES = (50, 25, 10, 13, 2)


def happen(connection: Connection, seed: int, acts: int, tables: tuple[str, ...] = tuple(TABLES)) -> bool:
    """Whether the two ever differed."""
    pick = Random(seed)
    wrong = False
    for act in pick.choices(ACTS, CHANCES, k=acts):
        act(connection, pick.choice(tables), pick)
        wrong |= differs(connection)
    return wrong


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_they_never_differ(engine: Engine, seed: int):
    with engine.connect() as connection, connection.begin() as transaction:
        assert not happen(connection, seed, 15)
        transaction.rollback()


@pytest.mark.parametrize("table", TABLES)
def test_the_comparison_sees_when_a_trigger_is_missing(engine: Engine, table: str):
    for trigger in ("added", "changed", "gone", "emptied"):
        with engine.connect() as connection, connection.begin() as transaction:
            connection.execute(text(f"ALTER TABLE canonical.{table} DISABLE TRIGGER standing_{trigger}"))
            add(connection, table, Random(1))
            if trigger == "emptied":
                empty(connection, table, Random(1))
                assert differs(connection)
            else:
                assert happen(connection, 1, 40, (table,)), trigger
            transaction.rollback()


def waiting(engine: Engine, other: threading.Thread) -> bool:
    """True once somebody in this database waits for a lock; false when the other one is through."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while other.is_alive():
            if connection.execute(waits).scalar_one():
                return True
    return False


def test_two_at_the_same_persons_records_wait_for_each_other(engine: Engine, database_url: str):
    """Neither overwrites what the other counted: both are there when both have committed."""
    pick = Random(3)
    whose = {"practice_id": PRACTICES[0], "contact_id": PEOPLE[0]}
    rows = [{**some_row("appointment", pick), **whose, "status": "attended"} for _ in range(6)]
    statements: dict[str, Callable[[int], tuple[str, dict[str, Any]]]] = {
        "insert": lambda n: insert("appointment", [rows[4 + n]]),
        "update": lambda n: ("UPDATE canonical.appointment SET status = 'no_show' WHERE appointment_id = :id", {"id": rows[n]["appointment_id"]}),
        "delete": lambda n: ("DELETE FROM canonical.appointment WHERE appointment_id = :id", {"id": rows[2 + n]["appointment_id"]}),
        "engage": lambda n: insert("engagement", [{**some_row("engagement", pick), **whose}]),
    }  # fmt: skip
    for first, second in itertools.product(statements, statements):
        run(database_url, *insert("appointment", rows[:4]))
        other = threading.Thread(target=run, args=(database_url, *statements[second](1)))
        with engine.begin() as connection:
            sql, values = statements[first](0)
            connection.execute(text(sql), values)
            other.start()
            assert waiting(engine, other), (first, second)
        other.join()
        with engine.begin() as connection:
            assert not differs(connection), (first, second)
            connection.execute(text("TRUNCATE canonical.appointment"))
