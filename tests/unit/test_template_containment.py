"""A template is data: nothing it says runs code, reads Python's inside, or takes work without end."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from services.content.previews import preview
from services.content.rules import placeholders
from services.content.service import checked_variables
from services.contracts.journey import ChannelContent
from services.kit.errors import Invalid
from services.kit.rendering import MAX_TEMPLATE, RenderProblem, render
from tests.factories import hostile_templates as hostile

pytestmark = pytest.mark.covers("CNT-2")
NO_EXPLAINING = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)  # it would count lines too


def ours(template: str, context: Mapping[str, Any]) -> str:
    return render(template, context, html=False)


def test_every_known_escape_is_refused_when_it_is_saved():
    for template in hostile.CORPUS:
        assert hostile.conviction(ours, template) == "", template
        with pytest.raises(Invalid):
            checked_variables("sms", ChannelContent(body=template))


@given(hostile.hostile())
@settings(phases=NO_EXPLAINING, max_examples=150)
def test_made_up_escapes_are_contained(template: str):
    assert hostile.conviction(ours, template) == ""


@given(hostile.soup())
@settings(phases=NO_EXPLAINING, max_examples=150)
def test_any_mix_of_the_language_is_contained(template: str):
    assert hostile.conviction(ours, template) == ""


@given(hostile.harmless())
def test_what_is_allowed_says_what_it_should(pair: tuple[str, str]):
    template, said = pair
    assert render(template, hostile.CONTEXT, html=False) == said


def test_the_judge_convicts_a_permissive_renderer():
    convicted = [t for t in hostile.CORPUS if hostile.conviction(hostile.permissive, t)]
    assert len(convicted) > len(hostile.CORPUS) / 2
    verdicts = {hostile.conviction(hostile.permissive, t) for t in convicted}
    assert {"work without end", "output without end"} < verdicts

    @given(hostile.hostile())
    @settings(phases=(Phase.generate,), max_examples=150, database=None)
    def same_property(template: str) -> None:
        assert hostile.conviction(hostile.permissive, template) == ""

    with pytest.raises((AssertionError, ExceptionGroup)):
        same_property()


FULL = MAX_TEMPLATE
HUGE: dict[str, str] = {
    "openings": "{{" * (FULL // 2), "conditions": "{% if contact %}" * (FULL // 16), "comments": "<!--" * (FULL // 4),
    "styles": "<style" * (FULL // 6), "tags": "{{contact}}" * (FULL // 11), "filters": "{{contact" + "|title" * (FULL // 7) + "}}",
    "brackets": "{{" + "(" * (FULL - 4) + "}}", "digits": "{{" + "9" * (FULL - 4) + "}}", "dots": "{{a" + ".a" * (FULL // 2 - 4) + "}}",
    "nested": "{% if contact %}" * 900 + "x" + "{% endif %}" * 900, "elses": "{% if a %}" + "{% elif a %}" * 8_000 + "{% endif %}",
    "quotes": "{{'" * (FULL // 3), "caps": "[A" * (FULL // 2), "angles": "<A" * (FULL // 2), "too long": "x" * (FULL + 1),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HUGE))
def test_huge_templates_cost_little(name: str):
    """Processor time, so a busy machine changes nothing; each took from seconds to minutes when a
    pattern looked at the rest of the text again from every opening."""
    begun = time.process_time()
    placeholders(HUGE[name])
    assert preview("sms", ChannelContent(body=HUGE[name])).problem or name in (
        "comments",
        "styles",
        "caps",
        "angles",
    )
    assert time.process_time() - begun < 4


def test_a_message_stops_growing_at_its_limit():
    """The values of the whole message would make 20 million characters."""
    held: list[int] = []
    context = {"contact": Counted({"first_name": "x" * 5_000}, held.append)}
    with pytest.raises(RenderProblem, match="longer than"):
        render("{{ contact.first_name }}" * 1_300, context, html=False)
    assert len(held) < 100


class Counted(dict[str, str]):
    """Notes each time a value is taken out."""

    def __init__(self, values: dict[str, str], note: Callable[[int], None]) -> None:
        super().__init__(values)
        self.note = note

    def __getitem__(self, key: str) -> str:
        self.note(1)
        return super().__getitem__(key)
