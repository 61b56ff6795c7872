"""How the events of each source come in: for the Integrations page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import ResponseError

from services.contracts.events import SOURCES, source_of
from services.contracts.schemas import OWNERS
from services.intake.consumer import GROUP
from services.kit.bus import STREAM, Bus
from services.kit.uow import Unit

HOUR, DAY, MONTH = timedelta(hours=1), timedelta(days=1), timedelta(days=30)

# A day's events of a practice by type; the index on received_at keeps it to that day.
RATES = """
SELECT type, count(*) AS day, count(*) FILTER (WHERE received_at > :hour) AS hour, max(received_at) AS last,
  avg(extract(epoch FROM greatest(received_at - occurred_at, interval '0'))) AS lag,
  max(extract(epoch FROM received_at - occurred_at)) AS worst
FROM cm.inbound_event WHERE practice_id = :practice AND received_at > :day AND outcome <> 'late' GROUP BY type
"""
UNKNOWN = """
SELECT type, count(*) AS times, max(received_at) AS last FROM cm.inbound_event
WHERE practice_id = :practice AND outcome = 'unknown' AND received_at > :month GROUP BY type ORDER BY last DESC LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """`lag_seconds` and `worst_seconds`: from happening to being taken in, over the last day.
    `waiting`: on the stream and not handled yet, of all practices; None when nobody reads it."""

    source: str
    owner: str
    hour: int
    day: int
    last_at: datetime | None
    lag_seconds: float | None
    worst_seconds: float | None
    waiting: int | None


@dataclass(frozen=True, slots=True)
class UnknownType:
    type: str
    times: int
    last_at: datetime


async def sources(u: Unit, bus: Bus) -> list[SourceStatus]:
    """Every source of the contracts, and `other` for what nobody claims. Needs `read`."""
    u.actor.require("read")
    rows = (await u.execute(RATES, practice=u.practice_id, hour=u.now - HOUR, day=u.now - DAY)).all()
    by_source: dict[str, list[Any]] = {}
    for row in rows:
        by_source.setdefault(source_of(row.type), []).append(row)
    return [
        _status(source, by_source.get(source, []), await _waiting(bus, source))
        for source in (*SOURCES, "other")
    ]


async def unknown_types(u: Unit) -> list[UnknownType]:
    """Types of the last 30 days that no contract describes (D17), latest first. Needs `read`."""
    u.actor.require("read")
    rows = await u.execute(UNKNOWN, practice=u.practice_id, month=u.now - MONTH)
    return [UnknownType(row.type, row.times, row.last) for row in rows]


def _status(source: str, rows: list[Any], waiting: int | None) -> SourceStatus:
    day = sum(row.day for row in rows)
    return SourceStatus(
        source=source,
        owner=OWNERS[source],
        hour=sum(row.hour for row in rows),
        day=day,
        last_at=max((row.last for row in rows), default=None),
        lag_seconds=sum(float(row.lag) * row.day for row in rows) / day if day else None,
        worst_seconds=max((max(0.0, float(row.worst)) for row in rows), default=None),
        waiting=waiting,
    )


async def _waiting(bus: Bus, source: str) -> int | None:
    """Not yet read, and read but not acknowledged, by our consumer group."""
    try:
        groups = await bus.redis.xinfo_groups(STREAM + source)
    except ResponseError:  # no such stream yet
        return None
    for group in groups:
        if group["name"] == GROUP.encode():
            return int(group["pending"]) + int(group["lag"] or 0)
    return None
