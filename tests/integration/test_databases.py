"""The databases of the tests: one that was used is used again only when nothing tells that it was."""

import sqlalchemy as sa

from services.kit.db import owner
from tests.factories.databases import Databases


def _do(databases: Databases, name: str, *statements: str):
    engine = sa.create_engine(owner(str(databases.admin)).set(database=name), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        found = [connection.execute(sa.text(one)) for one in statements][-1]
        answer = found.scalar() if found.returns_rows else None
    engine.dispose()
    return answer


def test_what_a_test_left_is_gone_and_what_it_changed_is_not_used_again(databases: Databases):
    name = databases.take()
    audit = "SELECT count(*) FROM cm.audit"
    _do(
        databases, name,
        "INSERT INTO cm.practice (practice_id, label, timezone, created_at) VALUES (uuidv7(), 'Harbour', 'UTC', now())",
        "SELECT nextval('cm.turn_no')",
    )  # fmt: skip
    databases.give_back(name)
    again = databases.take()
    assert again == name
    assert _do(databases, name, audit) == 0
    assert _do(databases, name, "SELECT count(*) FROM cm.practice") == 0
    assert _do(databases, name, "SELECT nextval('cm.turn_no')") == 1

    _do(databases, name, "ALTER TABLE cm.audit DISABLE TRIGGER USER")
    databases.give_back(name)
    assert name not in [kept for kept, _ in databases.kept]


def test_one_that_held_much_is_not_used_again(databases: Databases):
    name = databases.take()
    _do(
        databases, name,
        "INSERT INTO cm.practice (practice_id, label, timezone, created_at)"
        " SELECT uuidv7(), 'Harbour', 'UTC', now() FROM generate_series(1, 5001)",
    )  # fmt: skip
    databases.give_back(name)
    assert name not in [kept for kept, _ in databases.kept]
