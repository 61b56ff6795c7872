"""Repeating schedules: five cron fields, read in the practice's own time zone (LIF-3, D23)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import croniter


def valid_cron(cron: str | None) -> bool:
    """Minute, hour, day, month, weekday: nothing more often than a minute."""
    return cron is not None and len(cron.split()) == 5 and bool(croniter.is_valid(cron))


def next_run(cron: str, *, after: datetime, zone: str) -> datetime:
    """The first time strictly after `after`, in UTC. Wall-clock times that a change to summer
    time skips run at the next moment that exists."""
    local = after.astimezone(ZoneInfo(zone))
    found: datetime = croniter(cron, local).get_next(datetime)
    return found.astimezone(UTC)
