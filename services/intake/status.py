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
MINUTE = timedelta(minutes=1)
SHOWN = 60
"""Minutes of the small charts."""
AGAIN = 2 * MINUTE
"""What was taken in by a transaction that commits later than this after it began is not in the rates."""

_COUNT = """
  count(*) AS times, sum(greatest(extract(epoch FROM received_at - occurred_at), 0)) AS lag_seconds,
  max(greatest(extract(epoch FROM received_at - occurred_at), 0)) AS worst_seconds, max(received_at) AS last_at
FROM cm.inbound_event WHERE practice_id = :practice AND outcome <> 'late'
"""
ROLLED = "SELECT max(minute) FROM cm.event_rate WHERE practice_id = :practice"
# The last minutes are counted again: they were still filling up.
ROLL_UP = f"""
INSERT INTO cm.event_rate (practice_id, minute, type, times, lag_seconds, worst_seconds, last_at)
SELECT :practice, date_trunc('minute', received_at), type, {_COUNT} AND received_at >= :since
GROUP BY 2, 3
ON CONFLICT (practice_id, minute, type) DO UPDATE SET times = excluded.times, lag_seconds = excluded.lag_seconds,
  worst_seconds = excluded.worst_seconds, last_at = excluded.last_at
"""
FORGET = "DELETE FROM cm.event_rate WHERE practice_id = :practice AND minute < :month"
# Whole minutes from the rates, the one that still fills up from the events themselves.
RATES = f"""
SELECT minute, type, times, lag_seconds, worst_seconds, last_at FROM cm.event_rate
WHERE practice_id = :practice AND minute >= :day AND minute < :edge
UNION ALL
SELECT date_trunc('minute', received_at), type, {_COUNT} AND received_at >= :edge GROUP BY 1, 2
"""
BY_TYPE = """
SELECT type, sum(times) AS day, coalesce(sum(times) FILTER (WHERE minute >= :hour), 0) AS hour, max(last_at) AS last,
  sum(lag_seconds) AS lag, max(worst_seconds) AS worst
FROM ({rates}) r GROUP BY type
"""
BY_MINUTE = (
    "SELECT type, minute, sum(times) AS times FROM ({rates}) r WHERE minute >= :hour GROUP BY type, minute"
)
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
    minutes: tuple[int, ...] = ()
    """Events of each of the last 60 minutes, the oldest first."""


@dataclass(frozen=True, slots=True)
class UnknownType:
    type: str
    times: int
    last_at: datetime


async def sources(u: Unit, bus: Bus) -> list[SourceStatus]:
    """Every source of the contracts, and `other` for what nobody claims. Needs `read`."""
    u.actor.require("read")
    first = _minute(u.now) - (SHOWN - 1) * MINUTE
    edge = (await u.execute(ROLLED, practice=u.practice_id)).scalar_one() or u.now - DAY
    values = {"practice": u.practice_id, "edge": max(edge, u.now - DAY)}
    totals = await u.execute(BY_TYPE.format(rates=RATES), **values, day=u.now - DAY, hour=u.now - HOUR)
    by_source: dict[str, list[Any]] = {}
    for row in totals:
        by_source.setdefault(source_of(row.type), []).append(row)
    minutes: dict[str, list[int]] = {}
    for row in await u.execute(BY_MINUTE.format(rates=RATES), **values, day=first, hour=first):
        place = int((row.minute - first) / MINUTE)
        minutes.setdefault(source_of(row.type), [0] * SHOWN)[min(place, SHOWN - 1)] += int(row.times)
    return [
        _status(source, by_source.get(source, []), await _waiting(bus, source), minutes.get(source))
        for source in (*SOURCES, "other")
    ]


async def roll_up(u: Unit) -> int:
    """Count what came since the last time, minute by minute; called by the scheduler. Returns rows."""
    rolled = (await u.execute(ROLLED, practice=u.practice_id)).scalar_one()
    since = max(rolled - AGAIN, u.now - MONTH) if rolled else u.now - DAY
    done: Any = await u.execute(ROLL_UP, practice=u.practice_id, since=_minute(since))
    await u.execute(FORGET, practice=u.practice_id, month=u.now - MONTH)
    return int(done.rowcount)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


async def unknown_types(u: Unit) -> list[UnknownType]:
    """Types of the last 30 days that no contract describes (D17), latest first. Needs `read`."""
    u.actor.require("read")
    rows = await u.execute(UNKNOWN, practice=u.practice_id, month=u.now - MONTH)
    return [UnknownType(row.type, row.times, row.last) for row in rows]


def _status(source: str, rows: list[Any], waiting: int | None, minutes: list[int] | None) -> SourceStatus:
    day = int(sum(row.day for row in rows))
    return SourceStatus(
        source=source,
        owner=OWNERS[source],
        hour=int(sum(row.hour for row in rows)),
        day=day,
        last_at=max((row.last for row in rows), default=None),
        lag_seconds=sum(float(row.lag) for row in rows) / day if day else None,
        worst_seconds=max((max(0.0, float(row.worst)) for row in rows), default=None),
        waiting=waiting,
        minutes=tuple(minutes or [0] * SHOWN),
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
