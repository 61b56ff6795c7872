"""Where a claim may begin: only a slow look leaves a mark, and only for its own lane and a while."""

from datetime import UTC, datetime

import pytest

from services.engine.marks import EARLIEST, SHORT, SLACK, Age, Marks

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)


def slow() -> Age:
    age = Age()
    with age.measured():
        pass
    age.cost = 3600.0
    return age


@pytest.mark.covers("ENG-3")
def test_a_quick_look_leaves_no_mark():
    marks = Marks(3)
    marks.passed(marks.since(), [(0, AT)], Age(found=slow().found, cost=SHORT))
    assert marks.since() == [EARLIEST] * 3


@pytest.mark.covers("ENG-3")
def test_a_slow_look_marks_its_lane_with_room_for_latecomers():
    marks = Marks(3)
    marks.passed(marks.since(), [(1, AT)], slow())
    assert marks.since() == [EARLIEST, AT - SLACK, EARLIEST]


@pytest.mark.covers("ENG-3")
def test_a_mark_ends_with_the_patience_its_look_earned():
    marks = Marks(3)
    marks.passed(marks.since(), [(1, AT)], Age(found=slow().found - 10_000, cost=1.0))
    assert marks.since() == [EARLIEST] * 3


@pytest.mark.covers("ENG-3")
def test_claiming_on_from_a_mark_does_not_make_it_last_longer():
    marks, age = Marks(2), slow()
    marks.passed(marks.since(), [(0, AT)], age)
    marks.passed(marks.since(), [(0, AT + SLACK)], slow())
    assert marks.since()[0] == AT
    age.cost = 0.0
    assert marks.since()[0] == EARLIEST
