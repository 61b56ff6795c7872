"""Two journeys side by side: every change is marked, named and told in the words people read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.builder import edits
from services.builder.comparison import AROUND, Part, compare, words_between
from services.contracts.journey import Journey
from services.engine.judging import changed_words
from tests.factories.journeys import changed, email, journey, revised
from tests.factories.shapes import shapes

pytestmark = pytest.mark.covers("LIF-5", "BLD-5")


def test_added_changed_and_removed_steps_are_marked_and_told():
    new, wait = edits.add_step(journey(), "wait", after=("hello", "next"))
    new = edits.remove_steps(new, ["again"])
    new = revised(new, "hello", title="Good morning")
    found = compare(journey(), new)
    assert found.marks == {"start": "", "hello": "changed", wait: "added", "pause": "changed", "done": ""}
    assert [step.step_id for step in found.removed] == ["again"]
    hello = next(step for step in found.changed if step.step_id == "hello")
    assert {(f.name, f.before, f.after) for f in hello.fields} == {
        ("Name", "Hello", "Good morning"),
        ("Leads to", "‘Wait, 3 days’", "‘Wait 1, 1 day’"),
    }
    assert not found.same


def test_a_messages_words_are_compared_word_by_word():
    new = revised(
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
    new = revised(journey(), "hello", one_per_household=False)
    (change,) = compare(journey(), new).changed[0].fields
    assert (change.name, change.before, change.after) == ("One per household", "yes", "no")
    styled = revised(
        journey(),
        "hello",
        variants=[{"content": email("Hello", "<p><b>Hello</b> {{ contact.first_name }}</p>")}],
    )
    (change,) = compare(journey(), styled).changed[0].fields
    assert change.after == "Only its looks changed, not its words."


def german(body: str = "<p>Guten Tag</p>", **said: str) -> Journey:
    """The journey with its first message in German as well."""
    words = {"email": {"subject": "Hallo", "body": body, **said}}
    return changed(journey(), hello={"variants": [{"content": email(), "translations": {"de": words}}]})


@pytest.mark.covers("CNT-7")
def test_words_in_another_language_are_compared_under_its_name():
    (step,) = compare(german(), german("<p>Guten Morgen</p>", preheader="Kurz gesagt")).changed
    assert {field.name: [(p.how, p.text) for p in field.words] for field in step.fields} == {
        "Email in German: preview line": [("new", "Kurz gesagt")],
        "Email in German: text": [("same", "Guten "), ("gone", "Tag"), ("new", "Morgen")],
    }
    assert step.sentences == ("The words of “Hello” in German changed.",)
    assert {field.name for field in compare(journey(), german()).changed[0].fields} == {
        "Email in German: subject",
        "Email in German: text",
    }


def test_a_link_that_leads_elsewhere_is_told_by_its_words_and_address():
    old, new = (email(body=f'<p><a href="https://{to}.example">Book</a></p>') for to in ("old", "new"))
    one, other = (changed(journey(), hello={"variants": [{"content": said}]}) for said in (old, new))
    (change,) = compare(one, other).changed[0].fields
    assert change.name == "Email: links"
    assert "“Book” → https://old.example" in change.before
    assert "“Book” → https://new.example" in change.after


@pytest.mark.covers("CNT-7", "LIF-6")
def test_an_approver_reads_every_wording_before_and_now_with_its_language():
    first = german("<p>Guten Tag</p>")
    (told,) = changed_words(first, german("<p>Guten Morgen</p>", preheader="Kurz gesagt"))
    assert (told.step, told.channel, told.language) == ("Hello", "email", "German")
    assert (told.before, told.now) == ("Hallo\nGuten Tag", "Hallo\nKurz gesagt\nGuten Morgen")
    assert [(c.language, c.before, c.now != "") for c in changed_words(journey(), first)] == [
        ("German", "", True)
    ]
    assert [(c.language, c.before != "", c.now) for c in changed_words(first, journey())] == [
        ("German", True, "")
    ]
    texts = changed(first, hello={"channels": ["email", "sms"]})
    texts = changed(texts, hello={"variants": [{"content": email() | {"sms": {"body": "Hello there"}}}]})
    assert [(c.channel, c.language, c.before, c.now) for c in changed_words(journey(), texts)] == [
        ("sms", "", "", "Hello there")
    ]
    elsewhere = german('<p>Guten Tag <a href="https://new.example">Termin</a></p>')
    (moved,) = changed_words(german('<p>Guten Tag <a href="https://old.example">Termin</a></p>'), elsewhere)
    assert moved.now.splitlines()[-1] == "“Termin” → https://new.example"


def test_a_journey_compared_with_itself_or_with_its_tidied_self_is_the_same():
    assert compare(journey(), journey()).same
    placed = revised(journey(), "hello", position={"x": 3, "y": 4})
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


def test_a_sentence_that_was_written_anew_is_read_as_a_whole():
    assert words_between("Any questions about it?", "Your plan is ready") == (
        Part("gone", "Any questions about it?"),
        Part("new", "Your plan is ready"),
    )


def test_a_very_long_text_is_shown_before_and_after_as_a_whole():
    old, new = "a " * 2_000, "b " * 2_000
    assert words_between(old, new) == (Part("gone", old), Part("new", new))
