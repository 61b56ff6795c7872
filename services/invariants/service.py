"""Asking every invariant: in tests after every journey, and by a tick in production."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from services.audit.append import record
from services.audit.tags import AuditTag
from services.invariants import books, contact_data, enrolments, sending
from services.invariants.contracts import Invariant, Violation
from services.kit.uow import Unit

log = structlog.get_logger("invariants")

INVARIANTS: tuple[Invariant, ...] = (
    *sending.INVARIANTS, *enrolments.INVARIANTS, *books.INVARIANTS, *contact_data.INVARIANTS,
)  # fmt: skip
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SAMPLE = 5
MOST = 1_000
"""More violations of one kind than this are not counted: that there are any is the news."""
LOOK_BACK = timedelta(days=2)
"""How far the hourly look goes into tables that only grow. `check` alone looks at everything."""


async def check(u: Unit, *, since: datetime = BEGINNING) -> list[Violation]:
    """Every invariant that does not hold for this practice now; empty when all do."""
    found = []
    for one in INVARIANTS:
        broken = await _broken(u, one, since)
        if broken:
            sample = tuple(dict(row) for row in broken[:SAMPLE])
            found.append(Violation(one.name, one.sentence, len(broken), sample))
    return found


async def _broken(u: Unit, one: Invariant, since: datetime) -> Sequence[Mapping[str, Any]]:
    if one.newest is None or one.next_part is None:
        rows = await u.execute(f"{one.sql} LIMIT {MOST}", **_bound(one, u, since))
        broken: Sequence[Mapping[str, Any]] = rows.mappings().all()
        return broken
    return await (one.newest(u) if since == BEGINNING else one.next_part(u))


async def watch(u: Unit) -> int:
    """The tick: check the last days (of contact data: the next part of everything), and say loudly what is broken. Returns how many invariants are.

    Each is an error in the log and a row of the audit, which the audit page and its export show.
    """
    broken = await check(u, since=u.now - LOOK_BACK)
    for violation in broken:
        log.error(
            "invariant broken",
            invariant=violation.name,
            practice_id=str(u.practice_id),
            count=violation.count,
            sample=[{k: str(v) for k, v in row.items()} for row in violation.sample],
        )
        # References of contacts stay out of the audit: it knows people by their pseudonyms (D27).
        await record(u, AuditTag.INVARIANT_BROKEN, reason=violation.name, count=violation.count)
    return len(broken)


def _bound(one: Invariant, u: Unit, since: datetime) -> dict[str, object]:
    values: dict[str, object] = {"practice": u.practice_id}
    if ":since" in one.sql:
        values["since"] = since
    return values
