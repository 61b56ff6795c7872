"""A day on which the browser tests can begin, whatever day it is today."""

from datetime import date, datetime, timedelta
from functools import lru_cache

from services.access.contracts import PracticeSettings
from services.access.regions import public_holidays


def working_monday(now: datetime) -> datetime:
    """The first Monday after `now`, 10:30 UTC, with a working week ahead: no quiet hours, and no public
    holiday on which messages would wait."""
    start = now.replace(hour=10, minute=30, second=0, microsecond=0)
    while start <= now or start.weekday() or _closed(start.date()):
        start += timedelta(days=1)
    return start


def _closed(monday: date) -> bool:
    return any(monday + timedelta(days=n) in _holidays(monday.year) for n in range(5))


@lru_cache(maxsize=8)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(public_holidays(PracticeSettings().holidays_of, range(year, year + 2)))
