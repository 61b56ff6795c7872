"""The gallery: nine journeys written with care, and a new one is a file (BLD-11)."""

import re
from pathlib import Path

import pytest

from services.builder import gallery
from services.builder.gallery_words import channels, flow, length
from services.builder.rules import check
from services.contracts.journey import Journey, Message
from services.kit.errors import Invalid
from tests.factories.journeys import journey

pytestmark = pytest.mark.covers("BLD-11")
TREATMENT = re.compile(
    r"treatment|whiten|implant|crown|filling|brace|proposal|check-up|hygien|teeth|tooth|gum", re.I
)
CLAIM = re.compile(
    r"\bsafe(?:ly|st)?\b(?! with us)|painless|guarantee|\bcure|(?<!all the )\bbest\b(?! wishes)|perfect|result",
    re.I,
)
PRESSURE = re.compile(
    r"hurry up|last chance|only today|act now|don't miss|ends soon|limited|urgent|before it is too late", re.I
)


def words_of(template: gallery.GalleryTemplate) -> list[tuple[str, str]]:
    return [
        (channel, f"{said.subject} {said.preheader} {said.body}")
        for step in template.journey.steps
        if isinstance(step, Message)
        for variant in step.variants
        for channel, said in variant.content.items()
    ]


@pytest.mark.parametrize("template", gallery.templates(), ids=lambda t: t.key)
def test_each_is_whole_and_written_with_care(template: gallery.GalleryTemplate):
    journey, kinds = template.journey, [step.kind for step in template.journey.steps]
    assert kinds.count("entry") == 1
    assert {"exit"} <= set(kinds)
    assert {"wait", "wait_event"} & set(kinds), "nobody is written to without a pause"
    assert template.goal
    assert journey.goal.event.type
    for step in journey.steps:
        if isinstance(step, Message):
            assert len(step.channels) >= 1
            assert all(set(v.content) == set(step.channels) for v in step.variants), (
                "words in all its channels"
            )
    for channel, words in words_of(template):
        assert not CLAIM.search(words), words
        assert not PRESSURE.search(words), words
        if channel == "sms":
            assert not TREATMENT.search(words), "a text is read by whoever holds the phone"
            assert "Reply STOP" in words
    assert check(journey) == []


def test_the_checks_of_care_can_fail():
    assert CLAIM.search("It is completely safe.")
    assert PRESSURE.search("Last chance!")
    assert TREATMENT.search("Your treatment plan")


def test_a_new_journey_is_a_file(tmp_path: Path):
    whole = gallery.template("birthday").model_copy(
        update={"key": "flu_season", "order": 1, "name": "Flu season"}
    )
    (tmp_path / "flu_season.json").write_text(whole.model_dump_json())
    for path in sorted(gallery.FOLDER.glob("*.json")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = gallery.read(tmp_path)
    assert [one.key for one in found][:2] == ["flu_season", "recall_lapsed"]
    assert len(found) == 10
    assert flow(found[0].journey)


def test_a_file_that_is_no_journey_is_named(tmp_path: Path):
    (tmp_path / "broken.json").write_text('{"key": "Broken"}')
    with pytest.raises(Invalid, match=r"broken\.json"):
        gallery.read(tmp_path)
    twice = tmp_path / "twice"
    twice.mkdir()
    for name in ("a.json", "b.json"):
        (twice / name).write_text(gallery.template("birthday").model_dump_json())
    with pytest.raises(Invalid, match="same key"):
        gallery.read(twice)


def test_a_flow_is_drawn_with_its_forks():
    made = gallery.template("stalled_proposal").journey
    lines = flow(made)
    assert len(lines) == len(made.steps), "every step once"
    assert [(line.step_id, line.depth, line.way) for line in lines][:5] == [
        ("entry", 0, ""), ("ask", 0, ""), ("think", 0, ""), ("engaged", 0, ""), ("talk", 1, "Opened or clicked"),
    ]  # fmt: skip
    assert [(line.step_id, line.depth) for line in lines][5:] == [
        ("nudge", 1), ("pause", 0), ("leave_open", 0), ("end", 0),
    ]  # fmt: skip
    assert length(made) == "about 3 weeks"
    assert length(gallery.template("birthday").journey) == "until a day of their own"
    assert channels(made) == ["in_app", "email", "sms"]
    assert length(journey()) == "about 3 days"
    assert length(Journey()) == "a moment"
    assert flow(Journey()) == []


def test_a_circle_is_drawn_and_measured_once():
    value = journey().model_dump(mode="json")
    value["steps"][3]["next"] = "hello"
    circle = Journey.model_validate(value)
    assert len(flow(circle)) == 4
    assert length(circle) == "about 3 days"
