"""Conditions on events (EVT-3): offered from the contracts, edited by row, checked, said plainly."""

import pytest

from services.builder import event_edits
from services.builder.event_fields import fields_of, operator_words
from services.builder.summary import event_words, summary
from services.builder.timing_checks import check_timing
from services.contracts.events import INBOUND
from services.contracts.journey import Branch, Entry, EventCondition, EventMatch, Journey, Path
from services.contracts.segment import Group
from services.engine.signals import matches
from services.kit.errors import Invalid
from state.event_rows import event_box


def started(**event) -> Journey:
    match = EventMatch(**{"type": "appointment.booked", **event})
    return Journey(steps=[Entry(id="entry", how="event", event=match)])


def where(journey: Journey) -> list[tuple]:
    (entry,) = journey.steps
    assert isinstance(entry, Entry)
    assert entry.event
    return [(c.property, c.op, c.value) for c in entry.event.where]


@pytest.mark.covers("EVT-3")
def test_every_property_of_a_contract_is_offered_with_operators_that_fit_and_no_reference_is():
    offered = {type: {f.name: f for f in fields_of(type)} for type in INBOUND}
    assert set(offered["appointment.booked"]) == {"kind", "starts_at", "value"}
    assert offered["appointment.booked"]["value"].operators[0] == "gt"
    assert offered["appointment.booked"]["starts_at"].kind == "date"
    assert dict(offered["consent.granted"]["channel"].choices)["all"] == "all channels"
    assert offered["hub.message.unsubscribed"]["all_topics"].kind == "bool"
    assert offered["pipeline.lead.cold"]["eligible_campaign_types"].operators[0] == "contains"
    assert not any(name.endswith("_id") for fields in offered.values() for name in fields)
    assert fields_of("nobody.knows") == ()
    assert operator_words(offered["appointment.booked"]["starts_at"], "lt") == "is before"


@pytest.mark.covers("EVT-3")
def test_rows_are_added_changed_and_removed_and_survive_another_event_where_they_fit():
    journey = event_edits.add_condition(started(), "entry")
    assert where(journey) == [("kind", "is", "")]
    journey = event_edits.change_condition(journey, "entry", 0, "name", "value")
    journey = event_edits.change_condition(journey, "entry", 0, "value", "120.50")
    journey = event_edits.add_condition(journey, "entry")
    journey = event_edits.change_condition(journey, "entry", 1, "op", "in")
    journey = event_edits.change_condition(journey, "entry", 1, "value", "hygiene, check-up,")
    assert where(journey) == [("value", "gt", 120.5), ("kind", "in", ["hygiene", "check-up"])]
    journey = event_edits.set_join(journey, "entry", "any")
    moved = event_edits.set_type(journey, "entry", "proposal.stalled")
    assert where(moved) == [("value", "gt", 120.5)]
    assert where(event_edits.remove_condition(journey, "entry", 0)) == [
        ("kind", "in", ["hygiene", "check-up"])
    ]
    with pytest.raises(Invalid):
        event_edits.change_condition(journey, "entry", 7, "value", "x")
    with pytest.raises(Invalid):
        event_edits.change_condition(journey, "entry", 0, "op", "; drop table")
    with pytest.raises(Invalid):
        event_edits.add_condition(event_edits.set_type(journey, "entry", "contact.erased"), "entry")


@pytest.mark.covers("EVT-3")
@pytest.mark.parametrize(
    ("op", "value", "problem"),
    [
        ("gt", "", "has no value"),
        ("gt", "soon", "needs a number"),
        ("gt", float("1e3"), ""),
        ("gt", "200", ""),
        ("in", [], "has no value"),
        ("in", [1, "x"], "needs a number"),
    ],
)
def test_what_is_not_filled_in_is_named_with_its_step(op, value, problem):
    (*found,) = check_timing(started(where=[EventCondition(property="value", op=op, value=value)]))
    assert [(p.step_id, p.severity) for p in found] == ([("entry", "blocking")] if problem else [])
    assert all(problem in p.sentence for p in found)


@pytest.mark.covers("EVT-3")
def test_any_means_one_of_them_is_enough_and_the_words_say_so():
    conditions = [
        EventCondition(property="value", op="gt", value=500),
        EventCondition(property="kind", op="is", value="implant"),
    ]
    both = EventMatch(type="appointment.booked", where=conditions)
    either = both.model_copy(update={"join": "any"})
    data = {"value": 90, "kind": "Implant"}
    assert not matches(both, "appointment.booked", data)
    assert matches(either, "appointment.booked", data)
    assert not matches(either, "appointment.booked", {"value": 1})
    assert matches(EventMatch(type="a.b", join="any"), "a.b", {})
    assert event_words(either) == (
        "the person books an appointment (value is more than 500 or kind of appointment is implant)"
    )
    rows = event_box(either).rows
    assert [(r.name, r.shape, r.input, r.value) for r in rows] == [
        ("value", "one", "number", "500"),
        ("kind", "one", "text", "implant"),
    ]


@pytest.mark.covers("EVT-3", "BLD-2")
def test_a_branchs_path_may_look_at_an_event_or_at_none():
    ask = Branch(id="ask", paths=[Path(label="Large", when=Group(node="all"))])
    journey = event_edits.set_type(Journey(steps=[ask]), "ask", "proposal.stalled", path=0)
    journey = event_edits.add_condition(journey, "ask", path=0)
    journey = event_edits.change_condition(journey, "ask", 0, "name", "value", path=0)
    (problem,) = check_timing(journey)
    assert (problem.step_id, problem.code) == ("ask", "condition_value")
    assert "“Large”" in problem.sentence
    journey = event_edits.change_condition(journey, "ask", 0, "value", "500", path=0)
    assert not list(check_timing(journey))
    (line,) = (line for line in summary(journey) if "asks" in line)
    assert "Large (if in the last 30 days a treatment proposal stalls (value is more than 500))" in line
    (empty,) = event_edits.set_type(journey, "ask", "", path=0).steps
    assert empty == ask
    with pytest.raises(Invalid):
        event_edits.set_type(journey, "ask", "proposal.stalled", path=3)
    with pytest.raises(Invalid):
        event_edits.add_condition(Journey(steps=[ask]), "ask", path=0)
