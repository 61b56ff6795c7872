"""The browser tests begin on a day that is like any other, whatever day it is today."""

from datetime import UTC, date, datetime, timedelta

from services.access.regions import public_holidays
from tests.factories.working_weeks import working_monday

HOLIDAYS = public_holidays("GB-ENG", range(2026, 2031))


def test_a_working_week_lies_ahead_whatever_day_it_is():
    for days in range(4 * 366):
        for hour in (0, 10, 11, 23):
            now = datetime(2026, 1, 1, hour, 30, tzinfo=UTC) + timedelta(days=days)
            start = working_monday(now)
            week = [start.date() + timedelta(days=n) for n in range(5)]
            assert now < start < now + timedelta(days=29)
            assert (start.isoweekday(), start.hour, start.minute) == (1, 10, 30)
            assert not HOLIDAYS.keys() & set(week)


def test_a_monday_that_is_a_holiday_is_left_out():
    week_before = datetime(2026, 12, 19, 12, 0, tzinfo=UTC)  # Christmas Day is in the week that follows
    assert date(2026, 12, 28) in HOLIDAYS
    assert working_monday(week_before).date() == date(2027, 1, 4)
