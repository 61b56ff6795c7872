"""An invariant as a value: a name, a sentence people read, and the SQL that finds what breaks it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Invariant:
    """`sql` returns one row for each violation and nothing when all is well.

    Bound values: `:practice`, and `:since` (an instant: tables that only grow are looked at from
    there on). `name` is stable: logs and the audit carry it.
    """

    name: str
    sentence: str
    sql: str


@dataclass(frozen=True, slots=True)
class Violation:
    """What breaks an invariant now: how many rows at least, and a few of them to look at.

    The rows hold references and codes only, never personal data (D2).
    """

    name: str
    sentence: str
    count: int
    sample: tuple[dict[str, Any], ...]
