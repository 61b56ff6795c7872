"""A server that fails at a chosen statement, in the middle of whatever is going on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

DIE = "SELECT pg_terminate_backend(pg_backend_pid())"
REFUSE = "DO $$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$"


@contextmanager
def dying(engine: AsyncEngine, statement: int) -> Iterator[list[str]]:
    """The connection is ended by the server instead of the n-th statement inside; below zero only
    that statement fails, and its transaction with it: the next one meets what the session kept.
    The error is swallowed here, and the yielded list then holds the statement that never ran."""
    cut: list[str] = []
    seen = 0

    def count(_c: Any, _cursor: Any, sql: str, values: Any, _context: Any, many: bool) -> tuple[str, Any]:
        nonlocal seen
        seen += 1
        if seen != abs(statement):
            return sql, values
        cut.append(sql)
        return DIE if statement > 0 else REFUSE, [{}] if many else {}

    event.listen(engine.sync_engine, "before_cursor_execute", count, retval=True)
    try:
        yield cut
    except OperationalError:
        if not cut:
            raise
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", count)
