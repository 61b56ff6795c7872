"""Reads a condition: checks it against the catalogue and turns its value into a comparison.

Every mistake is a `RuleInvalid` whose sentence can be shown as it is. Days are practice-local
(D23): "in the last 30 days" starts at midnight 30 days ago and runs to the end of today.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.audience.errors import RuleInvalid
from services.audience.fields import FIELDS, WORDS, Field
from services.contracts.segment import Condition, Did, Scalar

MOST_DAYS = 36_500
MANY_YEARS = (date(1900, 1, 1), date(2050, 12, 31))
FEW_DAYS = 32
_NEGATIVE = {"is_not": "is", "not_in": "in", "is_not_set": "is_set"}


@dataclass(frozen=True, slots=True)
class OneOf:
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Like:
    text: str
    anywhere: bool


@dataclass(frozen=True, slots=True)
class Known:
    pass


@dataclass(frozen=True, slots=True)
class Flag:
    on: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """From `lo` to `hi`; None is no bound, `…_open` leaves the bound itself out."""

    lo: Any = None
    hi: Any = None
    lo_open: bool = False
    hi_open: bool = False


@dataclass(frozen=True, slots=True)
class MonthDays:
    """Month and day as month × 100 + day."""

    keys: tuple[int, ...]


Comparison = OneOf | Like | Known | Flag | Bounds | MonthDays


@dataclass(frozen=True, slots=True)
class Reading:
    """`negative`: the opposite of the comparison is meant."""

    field: Field
    comparison: Comparison
    negative: bool = False


def read(condition: Condition, today: date) -> Reading:
    """The condition as a comparison of `today`. Raises RuleInvalid."""
    field = FIELDS.get(condition.field)
    if field is None:
        raise RuleInvalid(f"There is no field called “{condition.field}” to choose people by.")
    if condition.op not in field.operators:
        raise RuleInvalid(f"“{WORDS[condition.op]}” cannot be asked of {field.label}.")
    op = _NEGATIVE.get(condition.op, condition.op)
    return Reading(field, _comparison(field, op, condition.value, today), condition.op in _NEGATIVE)


def _comparison(field: Field, op: str, value: Scalar | list[Scalar] | None, today: date) -> Comparison:
    if op == "is_set":
        return Known()
    if field.how == "birthday":
        return _birthdays(_days(field, value), op, today)
    match field.type:
        case "bool":
            if not isinstance(value, bool):
                raise RuleInvalid(f"Say yes or no for {field.label}.")
            return Flag(value)
        case "number":
            bounds = _number_bounds(field, op, value)
            return _ages(field, bounds, today) if field.how in ("years", "days") else bounds
        case "date":
            return _date_bounds(field, op, value, today)
        case "text" | "choice":
            return _words(field, op, value)


def _words(field: Field, op: str, value: Scalar | list[Scalar] | None) -> Comparison:
    if op in ("contains", "starts_with"):
        return Like(_text(field, value), op == "contains")
    given = value if isinstance(value, list) else [value]
    if (op == "is" and isinstance(value, list)) or not given:
        raise RuleInvalid(f"Choose a value for {field.label}.")
    values = tuple(_text(field, one) for one in given)
    known = {key for key, _ in field.choices}
    for one in values:
        if known and one not in known:
            raise RuleInvalid(f"“{one}” is not one of the choices for {field.label}.")
    return OneOf(values)


def _text(field: Field, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise RuleInvalid(f"Give a value for {field.label}.")
    return value.strip()


def _number(field: Field, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RuleInvalid(f"Give a number for {field.label}.")
    if abs(value) > 1_000_000_000:
        raise RuleInvalid(f"{value:g} is too large for {field.label}.")
    return Decimal(str(value))


def _pair(field: Field, value: object) -> tuple[object, object]:
    if not isinstance(value, list) or len(value) != 2:
        raise RuleInvalid(f"Give two values for {field.label}: from and to.")
    return value[0], value[1]


def _number_bounds(field: Field, op: str, value: object) -> Bounds:
    if op == "between":
        low, high = _pair(field, value)
        bounds = Bounds(_number(field, low), _number(field, high))
    else:
        number = _number(field, value)
        bounds = {
            "is": Bounds(number, number),
            "gt": Bounds(lo=number, lo_open=True),
            "gte": Bounds(lo=number),
            "lt": Bounds(hi=number, hi_open=True),
            "lte": Bounds(hi=number),
        }[op]
    return _whole(bounds) if field.how in ("years", "days", "count") else bounds


def _whole(bounds: Bounds) -> Bounds:
    """The same bounds over whole numbers, both ends included."""
    lo, hi = bounds.lo, bounds.hi
    if lo is not None:
        lo = math.floor(lo) + 1 if bounds.lo_open else math.ceil(lo)
    if hi is not None:
        hi = math.ceil(hi) - 1 if bounds.hi_open else math.floor(hi)
    return Bounds(lo, hi)


def _ages(field: Field, bounds: Bounds, today: date) -> Bounds:
    """An age in whole years or days as bounds on the date it is counted from."""
    back = _years_before if field.how == "years" else _days_before
    least, most = (-1, 200) if field.how == "years" else (-MOST_DAYS, MOST_DAYS)
    latest = None if bounds.lo is None else back(today, max(least, min(bounds.lo, most)))
    earliest = None if bounds.hi is None else back(today, max(least, min(bounds.hi, most)) + 1)
    one = timedelta(days=1)
    return Bounds(lo=earliest + one if earliest else None, hi=latest + one if latest else None, hi_open=True)


def _years_before(day: date, years: int) -> date:
    """The latest birth date of someone who is `years` old on `day`."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _days_before(day: date, days: int) -> date:
    return day - timedelta(days=days)


def _days(field: Field, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_DAYS:
        raise RuleInvalid(f"Give a number of days for {field.label}, from 0 to {MOST_DAYS}.")
    return value


def _day(field: Field, value: object) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2200:
        raise RuleInvalid(f"Give a date for {field.label}, such as 2026-06-01.")
    return day


def _date_bounds(field: Field, op: str, value: object, today: date) -> Bounds:
    """Whole days, the end left out."""
    one = timedelta(days=1)
    match op:
        case "within_last_days":
            return Bounds(today - timedelta(days=_days(field, value)), today + one, hi_open=True)
        case "more_than_days_ago":
            return Bounds(hi=today - timedelta(days=_days(field, value)), hi_open=True)
        case "within_next_days":
            return Bounds(today, today + timedelta(days=_days(field, value) + 1), hi_open=True)
        case "before":
            return Bounds(hi=_day(field, value), hi_open=True)
        case "after":
            return Bounds(lo=_day(field, value) + one)
        case _:
            low, high = _pair(field, value)
            return Bounds(_day(field, low), _day(field, high) + one, hi_open=True)


def _birthdays(days: int, op: str, today: date) -> MonthDays:
    """Every month and day that falls in the window around `today`."""
    step = 1 if op == "within_next_days" else -1
    window = [today + timedelta(days=step * n) for n in range(min(days, 366) + 1)]
    keys = {day.month * 100 + day.day for day in window}
    if any((day.month, day.day) == (3, 1) and not _leap(day.year) for day in window):
        keys.add(229)
    return MonthDays(tuple(sorted(keys)))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_of_years(keys: tuple[int, ...]) -> list[date]:
    """Those days of the year, month × 100 + day, in each of `MANY_YEARS` that has them."""
    years = range(MANY_YEARS[0].year, MANY_YEARS[1].year + 1)
    return [date(year, *divmod(key, 100)) for year in years for key in keys if key != 229 or _leap(year)]


def times(did: Did) -> tuple[int, int | None]:
    """How often, from and to. `at_most` wins over an `at_least` above it, which is the default."""
    if did.at_least is None and did.at_most is None:
        raise RuleInvalid("Say how many times it happened: at least, or at most.")
    if did.days is None:
        raise RuleInvalid("Say over how many days it is counted, or that it is ever.")
    low = did.at_least or 0
    return (0 if did.at_most is not None and low > did.at_most else low), did.at_most
