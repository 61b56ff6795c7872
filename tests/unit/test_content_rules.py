"""Words as text: leftovers, lengths, references, and safe rendering."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.content.previews import preview
from services.content.rules import content_ref, placeholders, sms_parts
from services.contracts.journey import ChannelContent
from services.contracts.merge_fields import NAMES, sample_context
from services.kit.rendering import MAX_TEMPLATE, RenderProblem, render, variables


@pytest.mark.covers("CNT-3")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello {{ contact.first_name", ["{{"]),
        ("Hello contact.first_name }}", ["}}"]),
        ("todo: write this", ["todo"]),
        ("Price TBD", ["TBD"]),
        ("Dear [placeholder],", ["[placeholder]"]),
        ("Dear <VALUE>,", ["<VALUE>"]),
        ("Dear [FIRST NAME],", ["[FIRST NAME]"]),
        ("Only £XXX", ["XXX"]),
        ("Lorem ipsum dolor", ["Lorem ipsum"]),
    ],
)
def test_each_of_the_eight_patterns_is_found(text: str, found: list[str]):
    assert placeholders(text) == found


@pytest.mark.covers("CNT-3")
@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ contact.first_name }}, {% if next_appointment %}see you {{ next_appointment.date }}{% endif %}",
        "<P>Hello</P><TABLE><TR><TD>Hi</TD></TR></TABLE><!-- [NOTE] --><!DOCTYPE html>",
        "[Book online](https://harbourdental.example) or [BOOK](https://harbourdental.example)",
        "Room 20, MMXX, xx", "We are to do our best", "a < B and C > d",
    ],
)  # fmt: skip
def test_finished_words_are_not_leftovers(text: str):
    assert placeholders(text) == []


@pytest.mark.covers("CNT-4")
@pytest.mark.parametrize(
    ("text", "parts", "unicode"),
    [
        ("", 1, False), ("a" * 160, 1, False), ("a" * 161, 2, False), ("a" * 306, 2, False), ("a" * 307, 3, False),
        ("€" * 80, 1, False), ("€" * 81, 2, False), ("ł" * 70, 1, True), ("ł" * 71, 2, True), ("😀" * 35, 1, True),
        ("😀" * 36, 2, True),
    ],
)  # fmt: skip
def test_text_messages_are_cut_as_networks_cut_them(text: str, parts: int, unicode: bool):
    assert (sms_parts(text).parts, sms_parts(text).unicode) == (parts, unicode)


def test_a_reference_names_the_words_and_nothing_else():
    a, b = ChannelContent(subject="Hi", body="x"), ChannelContent(body="y")
    assert content_ref({"email": a, "sms": b}) == content_ref({"sms": b, "email": a})
    assert content_ref({"email": a}) != content_ref({"email": b})


@pytest.mark.covers("CNT-2")
class TestRendering:
    def test_values_are_filled_in_and_escaped_in_html(self):
        context = {"contact": {"first_name": "<b>Ada</b>"}}
        assert render("Hi {{ contact.first_name }}", context, html=True) == "Hi &lt;b&gt;Ada&lt;/b&gt;"
        assert render("Hi {{ contact.first_name|upper }}", context, html=False) == "Hi <B>ADA</B>"

    def test_variables_are_named_dotted(self):
        text = (
            "{{ contact.first_name|default('x') }}{% if next_appointment %}{{ unsubscribe_url }}{% endif %}"
        )
        assert variables(text) == {"contact.first_name", "next_appointment", "unsubscribe_url"}

    def test_a_missing_value_is_a_problem_not_a_blank(self):
        with pytest.raises(RenderProblem, match="does not have"):
            render("{{ contact.nickname }}", sample_context(), html=False)
        with pytest.raises(RenderProblem, match="does not have"):
            render("{{ next_appointment.date }}", sample_context(with_appointment=False), html=False)
        assert render("{{ contact.nickname|default('you') }}", sample_context(), html=False) == "you"

    @pytest.mark.parametrize(
        "attack",
        [
            "{{ ''.__class__.__mro__ }}", "{{ contact.__class__ }}", "{% for x in contact %}x{% endfor %}",
            "{{ range(10**9) }}", "{{ 'a' * 10**9 }}", "{% set x = 1 %}", "{% include 'x' %}", "{% import 'x' as y %}",
            "{{ contact['first_name'] }}", "{{ contact.first_name.upper() }}", "{{ lipsum() }}", "{{ cycler }}{{ x() }}",
            "{% macro m() %}{% endmacro %}", "{{ contact|attr('items') }}", "{{ contact.first_name|replace('', 'x') }}",
            "{{ 'a' ~ 'b' }}", "{% raw %}{{ x }}{% endraw %}{{ [1] }}", "{{ (contact|upper).x }}", "{{ 1 if x else y() }}",
            "{% filter upper %}x{% endfilter %}", "{{ x is sameas(y) }}", "{% block b %}{% endblock %}",
            "{{ contact._private }}", "{% extends 'x' %}", "{{ self }}{{ self.x() }}",
        ],
    )  # fmt: skip
    def test_a_template_is_data_not_code(self, attack: str):
        with pytest.raises(RenderProblem):
            render(attack, sample_context(), html=False)

    def test_python_attributes_are_out_of_reach(self):
        for text in ("{{ contact.items }}", "{{ contact.first_name.upper }}", "{{ contact.keys }}"):
            with pytest.raises(RenderProblem):
                render(text, sample_context(), html=False)

    @pytest.mark.parametrize("value", [object(), ["a"], b"x", {"a": {1}}, "x" * 30_000])
    def test_only_plain_values_go_in(self, value: Any):
        with pytest.raises(RenderProblem):
            render("{{ x }}", {"x": value}, html=False)

    def test_size_is_limited(self):
        with pytest.raises(RenderProblem, match="longer than"):
            render("x" * (MAX_TEMPLATE + 1), {}, html=False)
        with pytest.raises(RenderProblem, match="longer than"):
            render("{{ x }}" * 100, {"x": "y" * 5_000}, html=False)
        with pytest.raises(RenderProblem, match="nested"):
            render("{% if x %}" * 3_000 + "{% endif %}" * 3_000, {"x": 1}, html=False)

    @given(st.text(max_size=60))
    def test_any_text_renders_or_is_a_problem(self, text: str):
        shown = preview("email", ChannelContent(subject="Hello", body=text))
        assert shown.problem or shown.subject == "Hello"

    def test_every_listed_field_renders_from_a_sample(self):
        for name in NAMES:
            assert render(f"{{{{ {name} }}}}", sample_context(), html=False)


@pytest.mark.covers("CNT-4")
def test_a_preview_shows_the_problem_instead_of_failing():
    good = preview("sms", ChannelContent(body="Hi {{ contact.first_name }}"))
    assert (good.body, good.sms_parts, good.problem) == ("Hi Amelia", 1, "")
    bad = preview("sms", ChannelContent(body="Hi {{ contact.nick }}"))
    assert bad.problem
    assert bad.body == ""
