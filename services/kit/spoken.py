"""Dates and times as people say them, in their own language."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

ENGLISH = "en_GB"


def spoken_moment(at: datetime, zone: ZoneInfo, locale: str = "") -> dict[str, str]:
    """`{"date": "Tuesday 9 June", "time": "10:30"}` in `zone`; in the language of `locale`, else English."""
    local, language = at.astimezone(zone), _known(locale)
    return {
        "date": format_date(local.date(), "EEEE d MMMM", locale=language),
        "time": format_time(local, "HH:mm", tzinfo=zone, locale=language),
    }


def _known(locale: str) -> str:
    wanted = locale.replace("-", "_")
    for name in (wanted, wanted.split("_")[0]):
        try:
            return str(Locale.parse(name)) if name else ENGLISH
        except (UnknownLocaleError, ValueError):
            continue  # a language the tables do not have: its parent, then English
    return ENGLISH
