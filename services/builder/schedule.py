"""Repeating schedules: five cron fields, read in the practice's own time zone (LIF-3, D23)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

MOST_COUNTED = 1_000
_ANY = datetime(2026, 1, 1, tzinfo=UTC)


def valid_cron(cron: str | None) -> bool:
    """Minute, hour, day, month, weekday; and a day that exists (31 February never comes)."""
    if cron is None or len(cron.split()) != 5 or not croniter.is_valid(cron):
        return False
    try:
        next_run(cron, after=_ANY, zone="UTC")
    except CroniterBadDateError:
        return False
    return True


def next_run(cron: str, *, after: datetime, zone: str) -> datetime:
    """The first time strictly after `after`, in UTC.

    Read on the wall clock, so every time of the day comes once a day: one that a change to summer
    time skips runs an hour later, one that the change back repeats runs the first time.
    """
    place = ZoneInfo(zone)
    # An hour back on the wall clock: in a repeated hour the times before `after` come again.
    wall: datetime = after.astimezone(place).replace(tzinfo=None, fold=0) - timedelta(hours=1)
    times = croniter(cron, wall)
    while True:
        found: datetime = times.get_next(datetime)
        at = found.replace(tzinfo=place).astimezone(UTC)
        if at > after:
            return at


@dataclass(frozen=True, slots=True)
class Firings:
    """The last time that has come, and how many earlier ones passed before it."""

    last: datetime
    missed: int


def firings(cron: str, *, after: datetime, until: datetime, zone: str) -> Firings | None:
    """What a schedule asked for in (after, until]; None when its time has not come. After a long
    absence it is enough to know that many were missed: counting ends at a thousand."""
    last, count = None, 0
    at = next_run(cron, after=after, zone=zone)
    while at <= until:
        last, count = at, count + 1
        if count == MOST_COUNTED:  # every minute for months: go on near the end
            at = max(at, until - timedelta(days=1))
        at = next_run(cron, after=at, zone=zone)
    return None if last is None else Firings(last, min(count - 1, MOST_COUNTED))
