"""Two journeys side by side: every change is marked, named and told in the words people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.builder import edits
from services.builder.comparison import AROUND, Part, compare, words_between
from services.contracts.journey import Journey
from tests.factories.journeys import email, journey
from tests.factories.shapes import shapes

pytestmark = pytest.mark.covers("LIF-5", "BLD-5")


def test_added_changed_and_removed_steps_are_marked_and_told():
    new, wait = edits.add_step(journey(), "wait", after=("hello", "next"))
    new = edits.remove_steps(new, ["again"])
    new = edits.update_step(new, "hello", title="Good morning")
    found = compare(journey(), new)
    assert found.marks == {"start": "", "hello": "changed", wait: "added", "pause": "changed", "done": ""}
    assert [step.step_id for step in found.removed] == ["again"]
    hello = next(step for step in found.changed if step.step_id == "hello")
    assert {(f.name, f.before, f.after) for f in hello.fields} == {
        ("Name", "Hello", "Good morning"),
        ("Leads to", "‘Wait, 3 days’", "‘Wait, 1 day’"),
    }
    assert not found.same


def test_a_messages_words_are_compared_word_by_word():
    new = edits.update_step(
        journey(), "hello", variants=[{"content": email("Hello", "<p>Good day {{ contact.first_name }}</p>")}]
    )
    step = compare(journey(), new).changed[0]
    (text,) = step.fields
    assert text.name == "Email: text"
    assert [(part.how, part.text) for part in text.words if part.how != "same"] == [
        ("gone", "Hello"),
        ("new", "Good day"),
    ]


def test_looks_alone_and_other_settings_are_named():
    new = edits.update_step(journey(), "hello", one_per_household=False)
    (change,) = compare(journey(), new).changed[0].fields
    assert (change.name, change.before, change.after) == ("One per household", "yes", "no")
    styled = edits.update_step(
        journey(),
        "hello",
        variants=[{"content": email("Hello", "<p><b>Hello</b> {{ contact.first_name }}</p>")}],
    )
    (change,) = compare(journey(), styled).changed[0].fields
    assert change.after == "Only its looks or links changed, not its words."


def test_a_journey_compared_with_itself_or_with_its_tidied_self_is_the_same():
    assert compare(journey(), journey()).same
    placed = edits.update_step(journey(), "hello", position={"x": 3, "y": 4})
    assert compare(journey(), placed).same


@given(shapes(), shapes())
def test_every_step_of_either_journey_is_marked_once(old: Journey, new: Journey):
    found = compare(old, new)
    before, after = {s.id for s in old.steps}, {s.id for s in new.steps}
    assert set(found.marks) == after
    assert {i for i, mark in found.marks.items() if mark == "added"} == after - before
    assert {step.step_id for step in found.removed} == before - after


_WORDS = st.lists(st.sampled_from(["we", "miss", "you", "and", "your", "smile"]), max_size=40).map(" ".join)


@given(_WORDS, _WORDS)
def test_the_pieces_hold_everything_that_changed(old: str, new: str):
    pieces = words_between(old, new)
    if max(len(old.split()), len(new.split())) <= AROUND * 2:
        assert "".join(p.text for p in pieces if p.how != "new") == old
        assert "".join(p.text for p in pieces if p.how != "gone") == new


def test_a_very_long_text_is_shown_before_and_after_as_a_whole():
    old, new = "a " * 2_000, "b " * 2_000
    assert words_between(old, new) == (Part("gone", old), Part("new", new))
