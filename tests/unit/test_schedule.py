"""Repeating schedules on the wall clock of the practice, summer time included (LIF-3, D23)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from services.builder.schedule import MOST_COUNTED, firings, next_run

LONDON, NEW_YORK = "Europe/London", "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.covers("LIF-3")
@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 9 * * 1", LONDON, "2026-03-23T12:00", "2026-03-30T08:00"),  # the Monday after the change
        ("0 9 * * *", LONDON, "2026-10-24T12:00", "2026-10-25T09:00"),  # the day of the change back
        ("30 1 * * *", LONDON, "2026-03-28T12:00", "2026-03-29T01:30"),  # 01:30 does not exist: 02:30
        ("30 1 * * *", LONDON, "2026-10-24T12:00", "2026-10-25T00:30"),  # 01:30 comes twice: the first
        ("30 1 * * *", LONDON, "2026-10-25T00:30", "2026-10-26T01:30"),  # and not again an hour later
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", "2026-11-01T05:30"),
        ("0 8 1 * *", NEW_YORK, "2026-02-20T00:00", "2026-03-01T13:00"),
    ],
)
def test_the_next_time_is_the_wall_clocks(cron: str, zone: str, after: str, expected: str):
    assert next_run(cron, after=utc(after), zone=zone) == utc(expected)


@pytest.mark.covers("LIF-3")
@pytest.mark.parametrize("zone", [LONDON, NEW_YORK, "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["15 1 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *"])
def test_a_daily_time_comes_once_each_day_of_a_year(zone: str, cron: str):
    at, found = utc("2026-01-01T12:00"), []
    while len(found) < 365:
        at = next_run(cron, after=at, zone=zone)
        found.append(at)
    gaps = {b - a for a, b in pairwise(found)}
    assert all(timedelta(hours=22) < gap < timedelta(hours=26) for gap in gaps)
    assert found[-1] - found[0] < timedelta(days=364, hours=2)


@pytest.mark.covers("LIF-3")
def test_what_was_missed_is_counted_and_the_last_is_what_runs():
    since = utc("2026-06-01T08:00")  # 09:00 in London: that one ran
    nothing = firings("0 9 * * *", after=since, until=utc("2026-06-02T07:59"), zone=LONDON)
    assert nothing is None
    on_time = firings("0 9 * * *", after=since, until=utc("2026-06-02T08:00"), zone=LONDON)
    assert on_time is not None
    assert (on_time.last, on_time.missed) == (utc("2026-06-02T08:00"), 0)
    late = firings("0 9 * * *", after=since, until=utc("2026-06-05T20:00"), zone=LONDON)
    assert late is not None
    assert (late.last, late.missed) == (utc("2026-06-05T08:00"), 3)
    long_gone = firings("*/5 * * * *", after=since, until=utc("2026-07-05T20:00"), zone=LONDON)
    assert long_gone is not None
    assert (long_gone.last, long_gone.missed) == (utc("2026-07-05T20:00"), MOST_COUNTED)
