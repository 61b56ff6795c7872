"""Numbers of the whole practice for the top of the dashboard: a line a day, and the standing."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from services.kit.uow import Unit

_DAILY = """
SELECT d::date AS day,
       coalesce(sum(m.value) FILTER (WHERE m.name = 'sent'), 0)::bigint AS sent,
       coalesce(sum(m.value) FILTER (WHERE m.name = 'opened'), 0)::bigint AS opened,
       coalesce(sum(m.value) FILTER (WHERE m.name = 'clicked'), 0)::bigint AS clicked
FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') d
LEFT JOIN cm.metric m ON m.practice_id = :practice AND m.day = d::date
GROUP BY 1 ORDER BY 1
"""


_STANDING = """
SELECT (SELECT count(*) FROM cm.enrolment
        WHERE practice_id = :practice AND state = 'live') AS live,
       (SELECT count(*) FROM cm.enrolment
        WHERE practice_id = :practice AND state = 'held') AS held,
       (SELECT count(DISTINCT event_ref) FROM cm.conversion
        WHERE practice_id = :practice AND what = 'booking' AND at >= :since) AS bookings,
       (SELECT coalesce(sum(value), 0)
        FROM (SELECT DISTINCT event_ref, value FROM cm.conversion
              WHERE practice_id = :practice AND what <> 'booking' AND at >= :since) each_once) AS revenue
"""


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    sent: int
    opened: int
    clicked: int


async def daily(u: Unit, *, days: int = 30) -> list[Day]:
    """The last `days` days, oldest first, zeros included. Needs `read`."""
    u.actor.require("read")
    last = u.now.date()
    rows = await u.execute(_DAILY, practice=u.practice_id, first=last - timedelta(days=days - 1), last=last)
    return [Day(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class Standing:
    """People in journeys now (live, and held back for a while); bookings and money of the period,
    each outcome once however many journeys led to it. `revenue` is that of opportunities won and
    proposals accepted: the value of a booking may be the same treatment."""

    live: int
    held: int
    bookings: int
    revenue: Decimal


async def standing(u: Unit, *, days: int = 30) -> Standing:
    """How the practice stands now, and what the last `days` days brought. Needs `read`."""
    u.actor.require("read")
    row = await u.execute(_STANDING, practice=u.practice_id, since=u.now - timedelta(days=days))
    return Standing(**row.mappings().one())
