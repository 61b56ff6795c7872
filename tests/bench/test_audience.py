"""The audience benchmark runs small, and its own checker is checked: nothing here is timed."""

import dataclasses

import orjson
import pytest

from cm_app.bench import audience
from cm_app.bench.audience_cases import CASES


@pytest.mark.covers("AUD-8")
def test_compiled_and_hand_written_questions_find_the_same_people(capsys, monkeypatch):
    wrong = dataclasses.replace(CASES[1], name="wrong", by_hand=CASES[1].by_hand.replace("lead", "patient"))
    monkeypatch.setattr(audience, "CASES", (*CASES, wrong))
    audience.main(contacts=400, runs=1)
    printed = capsys.readouterr().out.splitlines()
    figures = orjson.loads(printed[-1])
    assert (figures["bench"], figures["contacts"], figures["segments"]) == ("audience", 400, 13)
    assert 0 <= figures["p50_ms"] <= figures["p95_ms"]
    assert figures["same_answers"] is False, "a hand-written question that asks something else is convicted"
    assert figures["different"] == ["wrong"], "and the twelve others agree"
