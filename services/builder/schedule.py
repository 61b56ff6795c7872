"""Repeating schedules: five cron fields, read in the practice's own time zone (LIF-3, D23)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

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
    """The first time strictly after `after`, in UTC. Wall-clock times that a change to summer
    time skips run at the next moment that exists."""
    local = after.astimezone(ZoneInfo(zone))
    found: datetime = croniter(cron, local).get_next(datetime)
    return found.astimezone(UTC)
