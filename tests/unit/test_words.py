"""Numbers, times and codes become words that people read."""

from datetime import UTC, datetime, timedelta

import pytest

from state import words

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "just now"), (300, "5 min ago"), (7_300, "2 h ago"), (90_000, "1 day ago"), (200_000, "2 days ago")],
)
def test_how_long_ago(seconds: int, said: str):
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.covers("SRF-1")
def test_times_are_shown_in_the_practices_zone():
    assert words.moment(NOW, "Europe/London") == "1 Jun 2026, 11:00"
    assert words.moment(None, "Europe/London") == "–"


def test_a_share_of_nothing_is_a_dash():
    assert (words.share(3, 0), words.share(1, 4)) == ("–", "25 %")


def test_initials_are_two_letters_at_most():
    assert [words.initials(name) for name in ("Ada", "Ada de la Byron", "")] == ["A", "AB", "?"]


def test_how_long():
    said = [words.duration(s) for s in (0.04, 2.5, 750, 7_300, 90_000, 200_000)]
    assert said == ["40 ms", "2.5 s", "12 min", "2 h", "1 day", "2 days"]
