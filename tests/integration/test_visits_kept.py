"""`canonical.visits` says what the appointments say, whatever was done to them, and by how many at once."""

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
STATUSES = ("booked", "cancelled", "attended", "no_show")
INSERT = (
    "INSERT INTO canonical.appointment (practice_id, appointment_id, contact_id, kind, status, booked_at, starts_at)"
    " VALUES (:practice, :id, :contact, 'check_up', :status, :booked, :starts)"
)
TOLD = """
SELECT practice_id, contact_id, made, attended, missed, cancelled, last_made, last_attended, last_missed,
  last_cancelled, last_booked FROM canonical.visits ORDER BY 1, 2
"""
TRUE = """
SELECT practice_id, contact_id, count(*), count(*) FILTER (WHERE status = 'attended'),
  count(*) FILTER (WHERE status = 'no_show'), count(*) FILTER (WHERE status = 'cancelled'), max(booked_at),
  max(starts_at) FILTER (WHERE status = 'attended'), max(starts_at) FILTER (WHERE status = 'no_show'),
  max(starts_at) FILTER (WHERE status = 'cancelled'), max(starts_at) FILTER (WHERE status = 'booked')
FROM canonical.appointment GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(owner(database_url))
    yield made
    made.dispose()


def differs(connection: Connection) -> bool:
    told, true = (connection.execute(text(sql)).all() for sql in (TOLD, TRUE))
    return [tuple(row) for row in told] != [tuple(row) for row in true]


def some_rows(pick: Random, many: int) -> list[dict[str, Any]]:
    def moment() -> Any:
        return START + timedelta(days=pick.randint(-5, 5), hours=pick.randint(0, 2))

    return [
        {"practice": pick.choice(PRACTICES), "id": UUID(int=pick.getrandbits(100)), "contact": pick.choice(PEOPLE),
         "status": pick.choice(STATUSES), "booked": moment(), "starts": moment()}
        for _ in range(many)
    ]  # fmt: skip


def add(connection: Connection, pick: Random) -> None:
    """Several in one statement, of one person more than once."""
    rows = some_rows(pick, pick.randint(1, 6))
    slots = ", ".join(
        f"(:practice{n}, :id{n}, :contact{n}, 'check_up', :status{n}, :booked{n}, :starts{n})"
        for n in range(len(rows))
    )
    values = {f"{name}{n}": value for n, row in enumerate(rows) for name, value in row.items()}
    connection.execute(text(INSERT[: INSERT.index("(:practice")] + slots), values)


def change(connection: Connection, pick: Random) -> None:
    """Some of them become something else, or lie on another day, or nothing happens to them."""
    what = pick.choice(
        ("status = :status", "starts_at = :starts", "booked_at = :booked", "value = 9", "status = :status, starts_at = :starts")
    )  # fmt: skip
    (row,) = some_rows(pick, 1)
    used = {name: row[name] for name in ("status", "starts", "booked") if f":{name}" in what}
    connection.execute(
        text(f"UPDATE canonical.appointment SET {what} WHERE contact_id = :who AND status = :old"),
        {**used, "who": pick.choice(PEOPLE), "old": pick.choice(STATUSES)},
    )


def merge(connection: Connection, pick: Random) -> None:
    """One person's become another's."""
    connection.execute(
        text(
            "UPDATE canonical.appointment SET contact_id = :into WHERE practice_id = :p AND contact_id = :who"
        ),
        {"p": pick.choice(PRACTICES), "into": pick.choice(PEOPLE), "who": pick.choice(PEOPLE)},
    )


def remove(connection: Connection, pick: Random) -> None:
    connection.execute(
        text("DELETE FROM canonical.appointment WHERE contact_id = :who AND (:all OR status = :status)"),
        {"who": pick.choice(PEOPLE), "all": pick.random() < 0.3, "status": pick.choice(STATUSES)},
    )


def empty(connection: Connection, pick: Random) -> None:
    connection.execute(text("TRUNCATE canonical.appointment"))


ACTS: tuple[Callable[[Connection, Random], None], ...] = (add, change, merge, remove, empty)
CHANCES = (50, 25, 10, 13, 2)


def happen(connection: Connection, seed: int, acts: int) -> bool:
    """Whether the two ever differed."""
    pick = Random(seed)
    wrong = False
    for act in pick.choices(ACTS, CHANCES, k=acts):
        act(connection, pick)
        wrong |= differs(connection)
    return wrong


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_they_never_differ(engine: Engine, seed: int):
    with engine.connect() as connection, connection.begin() as transaction:
        assert not happen(connection, seed, 15)
        transaction.rollback()


@pytest.mark.parametrize("trigger", ["visits_added", "visits_changed", "visits_gone", "visits_emptied"])
def test_the_comparison_sees_when_one_of_the_triggers_is_missing(engine: Engine, trigger: str):
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(f"ALTER TABLE canonical.appointment DISABLE TRIGGER {trigger}"))
        add(connection, Random(1))
        if trigger == "visits_emptied":
            empty(connection, Random(1))
            assert differs(connection)
        else:
            assert happen(connection, 1, 40)
        transaction.rollback()


def waiting(engine: Engine, other: threading.Thread) -> bool:
    """True once somebody in this database waits for a lock; false when the other one is through."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while other.is_alive():
            if connection.execute(waits).scalar_one():
                return True
    return False


def test_two_at_the_same_persons_appointments_wait_for_each_other(engine: Engine, database_url: str):
    """Neither overwrites what the other counted: both are there when both have committed."""
    rows = [
        {**row, "practice": PRACTICES[0], "contact": PEOPLE[0], "status": "attended"}
        for row in some_rows(Random(3), 6)
    ]
    statements: dict[str, Callable[[int], tuple[str, dict[str, Any]]]] = {
        "insert": lambda n: (INSERT, rows[4 + n]),
        "update": lambda n: ("UPDATE canonical.appointment SET status = 'no_show' WHERE appointment_id = :id", {"id": rows[n]["id"]}),
        "delete": lambda n: ("DELETE FROM canonical.appointment WHERE appointment_id = :id", {"id": rows[2 + n]["id"]}),
    }  # fmt: skip
    for first, second in itertools.product(statements, statements):
        run(database_url, INSERT, rows[:4])
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
