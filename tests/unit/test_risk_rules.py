"""What an approver is told to look at (LIF-6): pure rules."""

from typing import Any

import pytest

from services.campaigns.contracts import KeptFate
from services.campaigns.risk_rules import Facts, risks
from services.contracts.journey import Journey
from services.kit.ids import new_id
from tests.factories.journeys import changed, email, journey


def codes(made: Journey, people: int, **facts: Any) -> list[str]:
    return [risk.code for risk in risks(Facts(made, people, **facts))]


@pytest.mark.covers("LIF-6")
def test_a_small_first_campaign_in_office_hours_has_nothing_to_look_at():
    assert codes(journey(), 40) == []


@pytest.mark.covers("LIF-6")
@pytest.mark.parametrize(
    ("before", "now", "told"),
    [(1000, 1200, False), (1000, 1201, True), (100, 150, False), (100, 151, True), (100, 80, False)],
)
def test_growth_counts_beyond_a_fifth_and_fifty_people(before: int, now: int, told: bool):
    found = codes(journey(holdout_percent=5), now, previous=journey(), people_before=before)
    assert ("audience_grew" in found) is told


@pytest.mark.covers("LIF-6")
def test_the_most_serious_comes_first_and_each_says_what_it_saw():
    before = journey()
    text = changed(
        before,
        hello={
            "channels": ["sms", "email"],
            "window": {"start": "07:00", "end": "20:00", "days": ["mon", "sat"]},
            "variants": [{"content": email() | {"sms": {"body": "Hello"}}}],
        },
    )
    kept = KeptFate(
        version_id=new_id(), version_number=1, step_id="pause", title="Wait", live=3, held=1, choice="exit",
        to_step=None, to_title="",
    )  # fmt: skip
    found = risks(
        Facts(
            text, 3000, previous=before, people_before=1000,
            left_out={"EMERGENCY_STACK_EXCLUSION": 1, "FREQUENCY_CAP": 200, "MINIMUM_GAP": 100},
            new_templates=["Spring"], fates=[kept], own_work=True,
        )
    )  # fmt: skip
    assert [risk.code for risk in found] == [
        "emergency_adjacent", "audience_grew", "new_channel", "cap_near", "people_leave", "odd_hours", "own_work",
        "no_holdout", "first_time_template", "all_at_once",
    ]  # fmt: skip
    said = {risk.code: risk.sentence for risk in found}
    assert said["emergency_adjacent"].startswith("1 person in this audience has")
    assert "text message" in said["new_channel"]
    assert "300 people of 3,000" in said["cap_near"]
    assert "4 people" in said["people_leave"]
    assert "07:00" in said["odd_hours"]


@pytest.mark.covers("LIF-6")
def test_a_rule_is_quiet_just_below_its_limit():
    calm = journey(holdout_percent=5, pace={"per_hour": 100})
    assert codes(calm, 5000, left_out={"FREQUENCY_CAP": 499}) == []
    assert codes(calm, 5000, left_out={"FREQUENCY_CAP": 500}) == ["cap_near"]
    assert codes(journey(), 199) == []
    assert codes(journey(), 200) == ["no_holdout"]
    assert codes(journey(), 200, global_holdout=5) == []
    weekend = changed(journey(), hello={"window": {"days": ["sat"]}})
    assert codes(weekend, 10) == ["weekend"]
