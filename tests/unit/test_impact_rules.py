"""Where people can go when their journey changes (D8): nobody gets a message twice."""

import pytest

from services.campaigns.impact_rules import way_for
from services.contracts.journey import Journey
from tests.factories.journeys import changed, journey


def ids(way: object) -> set[str]:
    return {target.step_id for target in way.targets}  # type: ignore[attr-defined]


@pytest.mark.covers("LIF-5")
def test_whoever_stands_at_a_step_that_stays_goes_on_there():
    old = journey()
    way = way_for("pause", old, changed(old, pause={"until": {"how": "duration", "minutes": 60}}))
    assert (way.choice, way.to_step) == ("move", "pause")
    assert ids(way) == {"pause", "again", "done"}, "“Hello” may have been sent to them"


@pytest.mark.covers("LIF-5")
def test_a_step_taken_out_leads_to_the_next_one_that_stays():
    old = journey()
    way = way_for("pause", old, changed(old, pause=None))
    assert (way.choice, way.to_step) == ("move", "again")
    assert "taken out" in way.why
    way = way_for("again", old, changed(old, again=None, pause=None))
    assert (way.choice, way.to_step) == ("move", "done")
    bare = Journey.model_validate(
        {"steps": [{"id": "start", "kind": "entry", "next": "new"}, {"id": "new", "kind": "exit"}]}
    )
    way = way_for("pause", old, bare)
    assert (way.choice, way.to_step) == ("finish", None)
    assert ids(way) == {"new"}


@pytest.mark.covers("LIF-5", "ENG-2")
def test_a_step_from_which_a_message_would_come_again_is_no_place_to_go():
    old = journey()
    turned = changed(old, start={"next": "pause"}, pause={"next": "hello"}, hello={"next": "again"})
    way = way_for("pause", old, turned)
    assert (way.choice, way.to_step) == ("move", "again")
    assert "a second time" in way.why
    assert ids(way) == {"again", "done"}
    # Taken out in between, it still counts: they may have had it in the version before the last.
    without = changed(old, hello=None)
    assert "pause" in ids(way_for("pause", without, turned))
    assert "pause" not in ids(way_for("pause", without, turned, [old]))


@pytest.mark.covers("LIF-5")
def test_a_circle_may_send_again_what_it_would_have_sent_again():
    old = changed(journey(), again={"next": "pause"})
    way = way_for("pause", old, old)
    assert {"pause", "again"} <= ids(way)
    assert "hello" not in ids(way)


@pytest.mark.covers("LIF-5")
def test_a_step_that_became_something_else_is_a_new_step():
    old = journey()
    value = old.model_dump(mode="json")
    value["steps"][2] = {"id": "pause", "kind": "goal"}
    way = way_for("pause", old, Journey.model_validate(value))
    assert "now something else" in way.why
    assert way.to_step == "again"
