"""Triggers, hours and rates: refused with a sentence where wrong, told in plain words where right."""

from datetime import time
from typing import Any

import pytest

from services.builder.contracts import Problem
from services.builder.rules import check
from services.builder.step_words import window_words
from services.builder.summary import summary
from services.contracts.journey import Journey, SendWindow
from tests.factories.journeys import journey


def changed(step_id: str, how: str = "segment", **changes: Any) -> Journey:
    value = journey(how=how).model_dump(mode="json")
    next(s for s in value["steps"] if s["id"] == step_id).update(changes)
    return Journey.model_validate(value)


def problem(made: Journey) -> Problem:
    (found,) = check(made)
    assert found.severity == "blocking"
    return found


@pytest.mark.covers("EVT-3", "BLD-4")
def test_a_delay_of_thirty_days_is_the_longest():
    assert check(changed("start", "event", delay_minutes=30 * 24 * 60)) == []
    found = problem(changed("start", "event", delay_minutes=30 * 24 * 60 + 1))
    assert (found.code, found.step_id) == ("delay_too_long", "start")
    assert "at most 30 days" in found.sentence


@pytest.mark.covers("ENG-4", "BLD-4")
@pytest.mark.parametrize(
    ("window", "code"),
    [
        ({"start": "18:00", "end": "09:00"}, "window_backwards"),
        ({"start": "09:00", "end": "09:00"}, "window_backwards"),
        ({"aim": "at", "at": "08:59"}, "time_outside_window"),
        ({"aim": "at", "at": "18:00"}, "time_outside_window"),
    ],
)
def test_hours_that_make_no_sense(window: dict[str, str], code: str):
    found = problem(changed("hello", window=window))
    assert (found.code, found.step_id) == (code, "hello")
    waiting = {"how": "window", "window": window}
    assert problem(changed("pause", until=waiting)).code == code


@pytest.mark.covers("ENG-4", "BLD-4", "BLD-12")
def test_a_steps_rate_is_told_and_one_that_cannot_hold_is_pointed_out():
    own = {"per_hour": 300, "spread_minutes": 12 * 60}
    made = changed("hello", pace=own, window={"start": "09:00", "end": "18:00"})
    whole = Journey.model_validate({**made.model_dump(mode="json"), "pace": {"per_hour": 100}})
    found = {p.code: p for p in check(whole)}
    assert set(found) == {"pace_without_effect", "spread_outlasts_window"}
    assert {(p.step_id, p.severity) for p in found.values()} == {("hello", "warning")}
    assert "only 100" in found["pace_without_effect"].sentence
    assert "12 hours" in found["spread_outlasts_window"].sentence
    (line,) = (line for line in summary(whole) if "at most 300 an hour" in line)
    assert "spread over 12 hours" in line
    assert check(changed("hello", pace={"per_hour": 100, "spread_minutes": 60})) == []


@pytest.mark.covers("EVT-3", "BLD-4")
@pytest.mark.parametrize(("op", "value"), [("in", "a"), ("gt", [1, 2]), ("not_in", 3), ("is", ["a"])])
def test_a_comparison_with_the_wrong_kind_of_value(op: str, value: Any):
    event = {"type": "proposal.stalled", "where": [{"property": "value", "op": op, "value": value}]}
    found = problem(changed("start", "event", event=event))
    assert (found.code, found.step_id) == ("condition_value", "start")


@pytest.mark.covers("ENG-4", "EVT-3", "BLD-12")
def test_the_summary_tells_of_every_choice():
    made = changed(
        "start",
        "event",
        delay_minutes=2 * 24 * 60,
        limit_hours=24 * 7,
        event={
            "type": "proposal.stalled",
            "where": [{"property": "value", "op": "gte", "value": 200}, {"property": "stage", "op": "in", "value": ["a", "b"]}],
        },
    )  # fmt: skip
    made = made.model_copy(
        update={
            "pace": made.pace.model_copy(update={"per_minute": 50, "per_hour": 1_000, "spread_minutes": 120})
        }
    )
    text = " ".join(summary(made))
    for words in (
        "a treatment proposal stalls (value is at least 200 and stage is one of a or b), 2 days later, if they still"
        " belong to it then",
        "The same person comes in at most once in 1 week.",
        "At most 50 a minute and 1,000 an hour",
        "spread over 2 hours",
    ):
        assert words in text
    at = summary(changed("hello", window={"aim": "at", "at": "10:00"}))
    assert any("at 10:00 in each person's own time zone" in line for line in at)
    best = summary(changed("hello", window={"aim": "best_hour", "skip_holidays": False}))
    assert any("at the hour each person opens most" in line for line in best)
    assert not any("holidays" in line for line in best)


@pytest.mark.covers("ENG-4", "BLD-1")
def test_the_canvas_says_when_in_a_few_words():
    assert window_words(SendWindow()) == "Mon–Fri, 09:00–18:00"
    assert window_words(SendWindow(aim="at", at=time(10))) == "Mon–Fri, 10:00 their time"
    assert window_words(SendWindow(aim="best_hour")) == "Mon–Fri, their best hour, 09:00–18:00"
