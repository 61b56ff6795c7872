"""What an audience reads like."""

from uuid import UUID

import pytest

from services.audience.fields import FIELDS
from services.audience.sentence import read_back, rule_sentence
from services.contracts.segment import Audience, Condition, Did, Group, InList, InSegment

LAPSED = Condition(field="appointment.last_attended", op="more_than_days_ago", value=180)
NOT_BOOKED = Condition(field="appointment.next_booked", op="is_not_set")


@pytest.mark.covers("AUD-4")
class TestReadBack:
    def test_a_typical_audience(self):
        audience = Audience(
            kinds=["patient"],
            include=[LAPSED, NOT_BOOKED, Did(what="opened", at_least=2, days=90)],
            exclude=[Condition(field="care_plan.status", op="is", value="active")],
        )
        assert read_back(audience) == (
            "Patients whose last visit was more than 180 days ago, who have no appointment booked and who have"
            " opened messages at least 2 times in the last 90 days, but not those whose care plan status is active."
        )

    def test_groups_and_segments(self):
        segment = UUID(int=5)
        rule = Group(
            node="any", rules=[Group(node="all", rules=[LAPSED, NOT_BOOKED]), InSegment(segment_id=segment)]
        )
        assert rule_sentence(rule, {segment: "VIPs"}) == (
            "either (whose last visit was more than 180 days ago and who have no appointment booked)"
            " or in the segment “VIPs”"
        )

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            (Did(what="missed", at_most=0, days=1), "who have not missed an appointment in the last day"),
            (Did(what="clicked", at_least=1, at_most=3), "who have clicked links 1 to 3 times"),
            (Did(what="booked", at_least=None, at_most=2), "who have booked appointments at most twice"),
            (InList(contacts=[UUID(int=1)]), "on a list of 1 person"),
            (Condition(field="contact.postcode", op="in", value=["BS1", "BS8"]), "whose postcode is “BS1” or “BS8”"),
            (Condition(field="contact.age", op="between", value=[18, 30]), "whose age is from 18 to 30"),
            (Condition(field="contact.registered", op="before", value="2026-02-01"), "whose registration is before 1 February 2026"),
            (Condition(field="contact.birthday", op="within_next_days", value=0), "whose birthday is today"),
            (Condition(field="contact.app_user", op="is", value=False), "who do not use the patient app"),
            (Group(node="none", rules=[LAPSED]), "to whom none of this applies: whose last visit was more than 180 days ago"),
        ],
    )  # fmt: skip
    def test_a_rule(self, rule, words):
        assert rule_sentence(rule) == words

    def test_nobody(self):
        assert read_back(Audience()).startswith("Nobody yet")

    def test_every_field_and_operator_reads(self):
        for field in FIELDS.values():
            for op in field.operators:
                value = {"between": [1, 2], "in": ["a"], "not_in": ["a"]}.get(op, 3)
                text = rule_sentence(Condition(field=field.name, op=op, value=value))
                assert text.startswith(("whose ", "who "))
                assert "None" not in text
