"""An invariant as a value: a name, a sentence people read, and the SQL that finds what breaks it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.kit.uow import Unit

Look = Callable[[Unit], Awaitable[Sequence[Mapping[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """`sql` returns one row for each violation and nothing when all is well.

    Bound values: `:practice`, and `:since` (an instant: tables that only grow are looked at from
    there on). `name` is stable: logs and the audit carry it. What one statement cannot say is asked by
    `newest`, of what was written last, and by `next_part`, in production, of everything in its turn.
    """

    name: str
    sentence: str
    sql: str = ""
    newest: Look | None = None
    next_part: Look | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """What breaks an invariant now: how many rows at least, and a few of them to look at.

    The rows hold references and codes only, never personal data (D2).
    """

    name: str
    sentence: str
    count: int
    sample: tuple[dict[str, Any], ...]
