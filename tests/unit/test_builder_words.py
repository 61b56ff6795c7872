"""What people read about a journey: the summary and what changed."""

import pytest

from services.builder import gallery
from services.builder.contracts import CheckContext
from services.builder.diff import diff
from services.builder.rules import check
from services.builder.summary import duration, summary
from services.builder.template_words import spelled
from services.contracts.journey import Entry, Journey, Message
from services.contracts.step_names import name_by_id, name_of, step_name
from tests.factories.journeys import email, journey


@pytest.mark.covers("BLD-12")
def test_a_summary_tells_the_journey_in_order():
    assert summary(journey()) == [
        "Reactivation campaign.",
        "1. Everyone in the audience comes in once, when the campaign starts. Then go to 2.",
        "2. Send “Hello” by email. Then go to 3.",
        "3. Wait 3 days. Then go to 4.",
        "4. Send “Reminder” by email. Then go to 5.",
        "5. Leave the journey.",
        "It succeeds when the person books an appointment within 7 days; the journey then ends for that person.",
    ]


@pytest.mark.covers("BLD-12")
@pytest.mark.parametrize("template", gallery.templates(), ids=lambda t: t.key)
def test_every_gallery_journey_can_be_told(template: gallery.GalleryTemplate):
    lines = summary(template.journey)
    assert len(lines) >= len(template.journey.steps) + 2
    assert not any("_" in line for line in lines)


@pytest.mark.covers("BLD-12")
def test_both_ways_of_a_condition_are_spelled_out():
    text = "Hi {{ contact.first_name }}, {% if practice.booking_url %}book{% else %}ring us{% endif %}."
    told = spelled(text)
    assert "‹first name›" in told
    assert told.endswith(": book; otherwise: ring us].")
    assert not set("{}%") & set(told)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minute"), (90, "90 minutes"), (60, "1 hour"), (2880, "2 days"), (10080, "1 week")],
)
def test_lengths_of_time_read_naturally(minutes: int, words: str):
    assert duration(minutes) == words


@pytest.mark.covers("LIF-6")
class TestDiff:
    def test_nothing_changed(self):
        moved = journey().model_dump(mode="json")
        moved["steps"][1]["position"] = {"x": 10, "y": 20}
        assert diff(journey(), Journey.model_validate(moved)).sentences == []

    def test_steps_words_audience_and_settings(self):
        value = journey().model_dump(mode="json")
        del value["steps"][3]
        value["steps"][1]["variants"] = [{"content": email("Another subject")}]
        value["steps"][1]["channels"] = ["email", "in_app"]
        value["steps"][2] |= {"until": {"how": "duration", "minutes": 60}, "next": "bye"}
        value["steps"].append({"id": "bye", "kind": "exit", "title": "Goodbye"})
        value["audience"]["exclude"] = [{"node": "field", "field": "contact.age", "op": "lt", "value": 18}]
        value["holdout_percent"] = 5
        assert diff(journey(), Journey.model_validate(value)).sentences == [
            "Added the end step “Goodbye”.",
            "Removed the message step “Reminder”.",
            "“Hello” now goes by email and in-app instead of email.",
            "The words of “Hello” changed.",
            "Wait “pause” leads to different steps.",
            "The settings of Wait “pause” changed.",
            "Who the audience excludes changed: 1 rule added.",
            "Changed the share of people held out.",
        ]

    def test_the_first_version_is_all_new(self):
        assert len(diff(None, journey()).added) == 5


@pytest.mark.covers("BLD-1")
def test_a_step_without_a_title_is_called_by_its_kind_and_number_everywhere():
    start, first, asked = (
        Entry(id="entry-1", next="message-1"), Message(id="message-1", channels=[]), Message(id="sms-for-leads")
    )  # fmt: skip
    titled = first.model_copy(update={"title": "Welcome"})
    assert [step_name(one) for one in (start, first, asked, titled)] == [
        "Start",
        "Message 1",
        "Message",
        "Welcome",
    ]
    assert [name_of(one) for one in (start, first, asked, titled)] == [
        "Start", "Message 1", "Message “sms-for-leads”", "“Welcome”",
    ]  # fmt: skip
    assert [name_by_id(one) for one in ("wait_event-12", "sms-for-leads", "message-0")] == [
        "Wait for event 12", "Step “sms-for-leads”", "Step “message-0”",
    ]  # fmt: skip
    told = [problem.sentence for problem in check(Journey(steps=[start, first]), CheckContext())]
    assert "Message 1 has no channel. Choose how it reaches people: email, text or in the app." in told
    assert not [sentence for sentence in told if "message-1" in sentence or "entry-1" in sentence]
