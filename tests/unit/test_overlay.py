"""Two journeys as one drawing: nothing of either is missing, and every mark is earned."""

import pytest
from hypothesis import given

from services.builder.comparison import compare
from services.builder.overlay import DrawnStep, Way, overlay
from services.contracts.journey import Journey, ports
from tests.factories.journeys import changed, email, journey
from tests.factories.shapes import shapes

pytestmark = pytest.mark.covers("BLD-5", "LIF-5")


def drawn(old: Journey | None, new: Journey) -> dict[str, DrawnStep]:
    return {one.step.id: one for one in overlay(old, new, compare(old, new))}


def test_a_step_taken_out_stays_as_a_ghost_between_those_it_stood_between():
    found = drawn(journey(), changed(journey(), pause=None))
    assert list(found) == ["start", "hello", "pause", "again", "done"]
    assert [one.mark for one in found.values()] == ["", "changed", "removed", "", ""]
    assert found["pause"].ways == (Way("next", "", "again", "removed"),)
    assert found["hello"].ways == (Way("next", "", "again", "added"), Way("next~was", "", "pause", "removed"))
    assert found["pause"].told == ("Removed Wait “pause”.",)


def test_what_changed_is_told_beside_the_step_in_a_few_words():
    said = {"variants": [{"content": email("Good day", "<p>" + "Come and see us soon. " * 9 + "</p>")}]}
    found = drawn(journey(), changed(journey(), hello=said))
    assert found["hello"].told == (
        "Email: subject: “Hello” → “Good day”",
        "Email: text reworded",
    )
    assert found["again"].told == ()


def test_a_ghost_remembers_where_it_had_been_put_and_the_rest_keeps_its_place():
    placed = changed(journey(), pause={"position": {"x": 40, "y": 50}}, done={"position": {"x": 1, "y": 2}})
    found = drawn(placed, changed(placed, pause=None))
    assert found["pause"].was == placed.steps[2].position
    assert found["done"].was is None


def branching(*paths: tuple[str, str | None]) -> Journey:
    """Entry, a branch with these paths (label, target), two ends."""
    rule = {"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}
    steps = [
        {"id": "start", "kind": "entry", "next": "which"},
        {
            "id": "which",
            "kind": "branch",
            "paths": [{"label": label, "when": rule, "next": to} for label, to in paths],
        },
        {"id": "one", "kind": "exit"},
        {"id": "two", "kind": "goal"},
    ]
    return Journey.model_validate({"steps": steps})


def test_ways_are_known_by_what_they_say_and_where_they_lead_not_by_their_number():
    old = branching(("Booked", "one"), ("Late", "two"))
    put_first = drawn(old, branching(("New here", "two"), ("Booked", "one"), ("Late", "two")))["which"].ways
    assert [(w.label, w.mark) for w in put_first if w.target] == [
        ("New here", "added"), ("Booked", ""), ("Late", ""),
    ]  # fmt: skip
    renamed = drawn(old, branching(("Has booked", "one"), ("Late", "two")))["which"].ways
    assert [(w.label, w.mark) for w in renamed if w.target] == [("Has booked", "changed"), ("Late", "")]
    cut = drawn(old, branching(("Booked", None), ("Late", "two")))["which"].ways
    assert [(w.key, w.target, w.mark) for w in cut if w.label == "Booked"] == [
        ("path-0", None, ""), ("path-0~was", "one", "removed"),
    ]  # fmt: skip


@given(shapes(), shapes())
def test_every_step_and_every_way_of_either_journey_is_in_the_drawing_once(old: Journey, new: Journey):
    found = drawn(old, new)
    before, after = ({s.id: s for s in one.steps} for one in (old, new))
    assert set(found) == set(before) | set(after)
    for i, one in found.items():
        keys = [way.key for way in one.ways]
        assert len(keys) == len(set(keys))
        now = [(w.label, w.target) for w in one.ways if w.mark != "removed" and w.target]
        was = [(w.label, w.target) for w in one.ways if w.mark in ("", "removed") and w.target]
        assert sorted(now) == sorted((p[1], p[2]) for p in ports(after[i]) if p[2]) if i in after else not now
        if i in before and i in after and not any(w.mark == "changed" for w in one.ways):
            assert sorted(was) == sorted((p[1], p[2]) for p in ports(before[i]) if p[2])
