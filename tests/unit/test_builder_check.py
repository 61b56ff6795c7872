"""The builder's check: each mistake is found, named for a receptionist, and fixed by its fix."""

from datetime import date
from typing import Any

import pytest

from services.builder import gallery
from services.builder.contracts import DATE_FIELDS, CheckContext, Problem, TemplateFact
from services.builder.fixes import apply_fix
from services.builder.rules import blocking, check, parse
from services.builder.secret_values import looks_secret
from services.campaigns.checking import rule_problems
from services.contracts.journey import Journey
from services.engine.plan import DATE_FIELDS as ENGINE_DATE_FIELDS
from tests.factories.journeys import email, journey


def with_step(step_id: str, **changes: Any) -> Journey:
    """The standard journey with one step changed."""
    value = journey().model_dump(mode="json")
    for step in value["steps"]:
        if step["id"] == step_id:
            step.update(changes)
    return Journey.model_validate(value)


def with_more(step: dict[str, Any]) -> Journey:
    """The standard journey with one step more."""
    value = journey().model_dump(mode="json")
    return Journey.model_validate(value | {"steps": [*value["steps"], step]})


def with_words(body: str, subject: str = "Hello", channel: str = "email") -> Journey:
    content = {channel: {"subject": subject, "body": body}}
    return with_step("hello", channels=[channel], variants=[{"content": content}])


def codes(made: Journey, context: CheckContext | None = None) -> list[str]:
    return [problem.code for problem in check(made, context)]


def the(code: str, made: Journey, context: CheckContext | None = None) -> Problem:
    (found,) = [p for p in check(made, context) if p.code == code]
    return found


def test_a_sound_journey_has_no_problems():
    assert check(journey()) == []


@pytest.mark.covers("BLD-4")
@pytest.mark.parametrize(
    ("code", "step_id", "made"),
    [
        ("no_entry", None, Journey()),
        ("no_audience", None, journey(audience={"kinds": ["patient"]})),
        ("unknown_type", None, journey(campaign_type="spam")),
        ("many_entries", "second", with_more({"id": "second", "kind": "entry", "next": "hello"})),
        ("duplicate_step", "done", with_more({"id": "done", "kind": "exit"})),
        ("entry_leads_nowhere", "start", with_step("start", next=None)),
        ("unknown_target", "pause", with_step("pause", next="gone")),
        ("back_to_entry", "pause", with_step("pause", next="start")),
        ("unreachable", "again", with_step("pause", next="done")),
        ("dead_end", "again", with_step("again", next=None)),
        ("loop_without_wait", "hello", with_step("hello", next="hello")),
        ("no_content", "hello", with_step("hello", channels=["email", "sms"])),
        ("no_content", "hello", with_words("   ")),
        ("no_channel", "hello", with_step("hello", channels=[])),
        ("no_subject", "hello", with_words("Hello", subject=" ")),
        ("no_footer", "hello", with_words("Hello")),
        ("no_stop_words", "hello", with_words("Hello", channel="sms")),
        ("long_sms", "hello", with_words("STOP " * 120, channel="sms")),
        ("long_whatsapp", "hello", with_words("Hi " * 600, channel="whatsapp")),
        ("placeholder", "hello", with_words("Dear [NAME]")),
        ("bad_template", "hello", with_words("{% if contact %}Hello")),
        ("unknown_field", "hello", with_words("{{ contact.first }}")),
        ("optional_field", "hello", with_words("On {{ next_appointment.date }}")),
        ("active_content", "hello", with_words("<p>x</p><script>go()</script>")),
        ("shares", "hello", with_step("hello", variants=[{"percent": 60, "content": email()}])),
        ("bad_schedule", "start", with_step("start", how="schedule", cron="every day")),
        ("bad_schedule", "start", with_step("start", how="schedule", cron="0 9 31 2 *")),
        ("no_entry_event", "start", with_step("start", how="event")),
        ("unknown_event", "start", with_step("start", how="event", event={"type": "moon.full"})),
        ("unknown_event", None, journey(goal={"event": {"type": "appointment.bokked"}})),
        ("no_period", "start", with_step("start", reentry={"rule": "after_period"})),
        ("unknown_date_field", "pause", with_step("pause", until={"how": "field", "field": "contact.postcode"})),
        ("secret", "hello", with_words("Use sk_live_4f9aBc8Df7Gh6Jk5Lm2N to pay")),
        ("no_message", None, Journey.model_validate({"steps": [{"id": "a", "kind": "entry", "next": None}]})),
    ],
)  # fmt: skip
def test_each_mistake_is_found_where_it_is(code: str, step_id: str | None, made: Journey):
    found = [problem for problem in check(made) if problem.code == code]
    assert [problem.step_id for problem in found] == [step_id]
    assert found[0].sentence.endswith((".", "?"))


@pytest.mark.covers("BLD-4")
def test_facts_of_the_practice_are_checked():
    template = "0199aaaa-0000-7000-8000-000000000001"
    made = with_step("hello", variants=[{"template_id": template}])
    used = CheckContext(templates={template: TemplateFact("Hello", "email")})
    assert codes(made, used) == []
    assert "unknown_template" in codes(made, CheckContext(templates={}))
    retired = CheckContext(templates={template: TemplateFact("Hello", "email", active=False)})
    assert "unknown_template" in codes(made, retired)

    segment = {"node": "segment", "segment_id": template}
    grouped = journey(audience={"include": [{"node": "any", "rules": [segment]}]})
    assert codes(grouped, CheckContext(segments=frozenset())) == ["unknown_segment"]
    assert codes(grouped, CheckContext(segments=frozenset({template}))) == []
    assert codes(journey(), CheckContext(audience_size=0)) == ["nobody_matches"]

    value = journey().model_dump(mode="json")
    value["steps"][2] = {"id": "pause", "kind": "sub_campaign", "campaign_id": "one", "next": "again"}
    nested = Journey.model_validate(value)
    assert "sub_campaign_itself" in codes(nested, CheckContext(campaign_id="one"))
    assert "unknown_campaign" in codes(nested, CheckContext(campaigns=frozenset()))
    assert codes(nested, CheckContext(campaigns=frozenset({"one"}))) == []

    value["steps"][2] = {
        "id": "pause",
        "kind": "wait",
        "until": {"how": "date", "on": "2026-01-01"},
        "next": "again",
    }
    assert codes(Journey.model_validate(value), CheckContext(today=date(2026, 6, 1))) == ["past_date"]


@pytest.mark.covers("BLD-4")
def test_a_loop_with_a_wait_in_it_is_fine():
    assert codes(with_step("again", next="pause")) == ["unreachable"]  # the exit


@pytest.mark.covers("EXP-1")
def test_a_control_arm_that_sends_is_not_a_control():
    value = journey().model_dump(mode="json")
    value["steps"][2] = {
        "id": "pause",
        "kind": "split",
        "arms": [{"percent": 50, "next": "again"}, {"percent": 50, "control": True, "next": "again"}],
    }
    assert codes(Journey.model_validate(value)) == ["control_gets_messages"]


@pytest.mark.covers("BLD-4")
@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("dead_end", with_step("again", next=None)),
        ("no_footer", with_words("Hello {{ contact.first_name }}")),
        ("no_footer", with_words("<p>Hello</p>")),
        ("no_stop_words", with_words("Hello", channel="sms")),
        ("unknown_field", with_words("{% if contact.first_nam %}Hi {{ contact.first_nam|upper }}{% endif %}")),
        ("shares", with_step("hello", variants=[
            {"key": k, "percent": 30, "content": email()} for k in ("a", "b", "c")])),
    ],
)  # fmt: skip
def test_a_fix_removes_its_problem_and_adds_none(code: str, made: Journey):
    before, after = set(codes(made)), set(codes(apply_fix(made, the(code, made))))
    assert after <= before - {code}


def test_removing_what_nobody_reaches_leaves_a_sound_journey():
    made = with_step("pause", next="done")
    assert check(apply_fix(made, the("unreachable", made))) == []


@pytest.mark.covers("CNT-8")
def test_service_messages_need_no_footer():
    made = with_words("Your appointment has moved to Tuesday.")
    value = made.model_dump(mode="json")
    value["steps"][1]["topic"] = "appointments"
    assert check(Journey.model_validate(value)) == []


@pytest.mark.covers("BLD-3", "GOV-6")
@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE", "password: correcthorsebattery", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "-----BEGIN RSA PRIVATE KEY-----", "Qm9yZWQ1dGhpc0lzQVJhbmRvbVRva2VuOTk4N3hZeg",
    ],
)  # fmt: skip
def test_keys_and_passwords_are_seen(text: str):
    assert looks_secret(f"see {text} here")


@pytest.mark.parametrize(
    "text",
    [
        "https://harbourdental.example/a-long-page-name-about-whitening-and-more", "0199aaaa-0000-7000-8000-000000000001",
        "Our secret is patience and a steady hand", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA1B2c3D4e5F6g7",
        "Forgot your password? Ask at reception.",
    ],
)  # fmt: skip
def test_ordinary_words_are_not_taken_for_keys(text: str):
    assert not looks_secret(text)


@pytest.mark.covers("BLD-3")
@pytest.mark.parametrize(
    ("stored", "step_id", "says"),
    [
        (b"not json", None, "not a campaign file"),
        (b"[]", None, "not right"),
        ({"steps": [{"id": "a", "kind": "script", "code": "rm -rf"}]}, "a", "kind that does not exist"),
        ({"steps": [{"id": "a", "kind": "exit", "onclick": "x"}]}, "a", "onclick"),
        ({"steps": [{"id": "w", "kind": "wait_event"}]}, "w", "missing"),
        ({"eval": "1"}, None, "cannot hold"),
    ],
)
def test_a_malformed_schema_becomes_problems(stored: Any, step_id: str | None, says: str):
    problems = parse(stored)
    assert isinstance(problems, list)
    assert problems[0].step_id == step_id
    assert says in problems[0].sentence
    assert all(problem.severity == "blocking" for problem in problems)


def test_what_is_stored_reads_back_the_same():
    assert parse(journey().model_dump_json()) == journey()
    assert parse(journey().model_dump(mode="json")) == journey()


@pytest.mark.covers("BLD-11")
@pytest.mark.parametrize("template", gallery.templates(), ids=lambda t: t.key)
def test_every_gallery_journey_is_ready_to_use(template: gallery.GalleryTemplate):
    assert check(template.journey) == []
    assert rule_problems(template.journey) == []
    assert template.name
    assert template.goal
    assert template.audience_sentence.endswith(".")


@pytest.mark.covers("BLD-11")
def test_the_gallery_has_the_nine_journeys_of_a_practice():
    assert [t.key for t in gallery.templates()] == [
        "recall_lapsed", "new_patient_welcome", "stalled_proposal", "missed_appointment",
        "whitening_promotion", "birthday", "review_request", "care_plan_nudge", "reactivation",
    ]  # fmt: skip


def test_the_builder_and_the_engine_know_the_same_dates():
    assert frozenset(ENGINE_DATE_FIELDS) == DATE_FIELDS


def test_blocking_problems_come_first():
    found = check(with_words("Dear [NAME]", channel="sms"))
    assert [p.severity for p in found] == ["blocking", "warning"]
    assert [p.code for p in blocking(found)] == ["placeholder"]
    (footer,) = blocking(check(with_words("Hello")))  # CNT-8: no commercial email starts without it
    assert footer.code == "no_footer"


@pytest.mark.covers("CNT-7")
def test_a_further_language_is_checked_like_the_first():
    def said(**languages: dict[str, str]) -> list[tuple[str, str]]:
        value = {
            "content": email(),
            "translations": {one: {"email": words} for one, words in languages.items()},
        }
        return [(p.code, p.severity) for p in check(with_step("hello", variants=[value]))]

    footer = email()["email"]["body"]
    assert said(cy={"subject": "Helo", "body": footer}) == []
    assert said(cy={"subject": "Helo", "body": ""}) == [("language_channel", "warning")]
    assert said(pl={"subject": "", "body": "Witaj [NAME]"}) == [
        ("no_subject", "blocking"), ("placeholder", "blocking"), ("no_footer", "blocking"),
    ]  # fmt: skip
    journey = with_step(
        "hello", variants=[{"content": email(), "translations": {"cy": {"email": {"body": "Helo"}}}}]
    )
    problem = next(p for p in check(journey) if p.code == "no_footer")
    assert "in Welsh" in problem.sentence
    fixed = apply_fix(journey, problem)
    assert "no_footer" not in codes(fixed)
