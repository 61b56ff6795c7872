"""The catalogue and the reading of conditions."""

import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.audience.checks import circle, rule_problems
from services.audience.compile import audience_where, rule_where
from services.audience.errors import RuleInvalid
from services.audience.fields import BEHAVIOURS, FIELDS, GROUPS, WORDS, catalogue
from services.audience.reading import read
from services.contracts.segment import Audience, Condition, Did, Group, InList, InSegment

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)
EVERYONE = InList(contacts=[A])


def where(rule, **more):
    return rule_where(rule, NOW, **more).sql


@pytest.mark.covers("AUD-6")
class TestProhibitedData:
    def test_no_field_names_clinical_or_quality_data(self):
        words = re.compile(r"clinic|diagnos|quality|medical|note|monitor|allerg|prescri", re.I)
        for field in FIELDS.values():
            assert not words.search(f"{field.name} {field.label} {field.sql}"), field.name

    def test_the_catalogue_reaches_only_marketing_tables(self):
        allowed = {"appointment", "opportunity", "proposal", "engagement", "loyalty", "care_plan", "consent"}
        tables = {f.records.table for f in FIELDS.values() if f.records} | {b[0] for b in BEHAVIOURS.values()}
        assert tables == {f"canonical.{name}" for name in allowed}

    def test_what_was_done_at_a_visit_cannot_be_asked(self):
        assert not any(
            "treatment" in f.sql for f in FIELDS.values() if f.records and "appointment" in f.records.table
        )

    @pytest.mark.parametrize(
        "name", ["clinical.notes", "ai_quality.score", "contact.nhs_number", "c.email); --"]
    )
    def test_a_rule_that_names_it_is_refused(self, name):
        with pytest.raises(RuleInvalid, match="no field called"):
            where(Condition(field=name, op="is", value="x"))


@pytest.mark.covers("AUD-2")
class TestCatalogue:
    def test_every_field_is_complete(self):
        for info in catalogue():
            assert info.label
            assert info.group in GROUPS
            assert info.operators
            assert all(op in WORDS for op, _ in info.operators)

    def test_values_are_checked_with_a_sentence(self):
        wrong = [
            ("contact.age", "gt", "thirty", "Give a number for age."),
            ("contact.age", "gt", True, "Give a number for age."),
            ("contact.age", "between", [1], "Give two values for age: from and to."),
            ("contact.age", "contains", "1", "“contains” cannot be asked of age."),
            ("contact.kind", "is", "robot", "“robot” is not one of the choices for kind of contact."),
            ("contact.postcode", "is", "  ", "Give a value for postcode."),
            ("contact.postcode", "in", [], "Choose a value for postcode."),
            ("contact.app_user", "is", "yes", "Say yes or no for uses the patient app."),
            ("appointment.last_attended", "before", "soon", "Give a date for last visit, such as 2026-06-01."),
            ("appointment.last_attended", "within_last_days", -1, "Give a number of days for last visit, from 0 to 36500."),
            ("pipeline.value", "gt", float("nan"), "Give a number for opportunity value."),
        ]  # fmt: skip
        for field, op, value, sentence in wrong:
            condition = Condition(field=field, op=op, value=value)
            assert list(rule_problems(condition)) == [sentence]
            with pytest.raises(RuleInvalid):
                where(condition)

    def test_all_problems_are_found_not_only_the_first(self):
        bad = Condition(field="nope", op="is", value=1)
        group = Group(
            node="all", rules=[bad, Group(node="any"), Did(what="opened", at_least=None), InList(contacts=[])]
        )
        assert len(list(rule_problems(group))) == 4

    @pytest.mark.parametrize(
        ("today", "value", "born", "holds"),
        [
            (date(2026, 6, 1), 30, date(1996, 6, 1), True),
            (date(2026, 6, 1), 30, date(1996, 6, 2), False),
            (date(2028, 2, 29), 27, date(2001, 2, 28), True),
            (date(2027, 2, 28), 27, date(2000, 2, 29), False),
            (date(2027, 3, 1), 27, date(2000, 2, 29), True),
        ],
    )
    def test_age_counts_birthdays(self, today, value, born, holds):
        bounds = read(Condition(field="contact.age", op="gte", value=value), today).comparison
        assert (born < bounds.hi) is holds

    def test_a_leap_day_birthday_falls_on_the_first_of_march(self):
        condition = Condition(field="contact.birthday", op="within_next_days", value=0)
        assert read(condition, date(2027, 3, 1)).comparison.keys == (229, 301)
        assert read(condition, date(2028, 3, 1)).comparison.keys == (301,)


@pytest.mark.covers("AUD-1")
class TestCompile:
    def test_values_are_bound_never_written(self):
        evil = "'; DROP TABLE canonical.contact; --"
        fragment = rule_where(
            Condition(field="contact.postcode", op="contains", value=evil), NOW, prefix="x_"
        )
        assert "DROP" not in fragment.sql
        assert set(fragment.params) == {"x_1"}

    def test_like_takes_wildcards_literally(self):
        fragment = rule_where(Condition(field="contact.postcode", op="contains", value="50%_\\"), NOW)
        assert list(fragment.params.values()) == ["%50\\%\\_\\\\%"]

    def test_empty_groups(self):
        assert where(Group(node="all")) == "true"
        assert where(Group(node="any")) == "false"
        assert where(Group(node="none")) == "true"

    def test_nobody_by_omission(self):
        assert audience_where(Audience(), NOW).sql == "false"
        assert audience_where(Audience(exclude=[EVERYONE]), NOW).sql == "false"

    def test_negation_reaches_the_leaves(self):
        made, accepted = Did(what="proposal_created"), Did(what="proposal_accepted")
        sql = where(Group(node="none", rules=[made, accepted]))
        assert sql.count("NOT EXISTS") == 2
        assert " OR " not in sql

    def test_what_is_kept_of_a_person_is_asked_of_their_one_row(self):
        either = Group(node="any", rules=[
            Condition(field="consent.email", op="is", value="granted"), Did(what="opened", at_least=2, days=30),
        ])  # fmt: skip
        came, not_booked = (
            Did(what="attended", days=365),
            Condition(field="appointment.next_booked", op="is_not_set"),
        )
        sql = where(Group(node="all", rules=[either, came, not_booked]))
        assert (sql.count("EXISTS"), sql.count("canonical.standing")) == (1, 1)
        alone = where(Group(node="all", rules=[not_booked, Group(node="none", rules=[came])]))
        assert alone.count("NOT EXISTS") == 2, "it holds for those of whom nothing is kept, too"
        more = where(Did(what="opened", at_least=6, days=30))
        assert "canonical.engagement" in more, "of six only five are kept"

    def test_conditions_of_one_group_speak_of_one_record(self):
        rules = [
            Condition(field="pipeline.outcome", op="is", value="open"),
            Condition(field="pipeline.value", op="gt", value=1000),
            Condition(field="pipeline.stage", op="is_not", value="consultation"),
        ]
        assert where(Group(node="all", rules=rules)).count("EXISTS") == 1
        apart = where(Group(node="any", rules=rules))
        assert apart.count("UNION ALL") == 1, "the two that look for a record are one pass over the table"
        assert apart.count("canonical.opportunity") == 2
        assert where(Group(node="all", rules=rules[2:])).startswith("NOT EXISTS")

    def test_a_circle_of_segments_is_refused(self):
        first = Audience(include=[InSegment(segment_id=B)])
        second = Audience(include=[Group(node="none", rules=[InSegment(segment_id=A)])])
        assert circle(A, {A: first, B: second})
        assert not circle(A, {A: first, B: Audience(include=[EVERYONE])})
        with pytest.raises(RuleInvalid, match="built on itself"):
            where(InSegment(segment_id=A), segments={A: first, B: second})

    def test_a_missing_segment_is_refused(self):
        with pytest.raises(RuleInvalid, match="does not exist"):
            where(InSegment(segment_id=A))

    def test_groups_nest_so_deep_and_no_deeper(self):
        rule = EVERYONE
        for _ in range(20):
            rule = Group(node="all", rules=[rule])
        assert where(rule)
        with pytest.raises(RuleInvalid, match="nest at most"):
            where(Group(node="all", rules=[rule]))

    def test_prefixes_keep_fragments_apart(self):
        rule = Did(what="opened", days=30)
        first, second = rule_where(rule, NOW, prefix="a_"), rule_where(rule, NOW, prefix="b_")
        assert not set(first.params) & set(second.params)
