"""Which words somebody reads: exactly their language, else their language elsewhere, else everybody's (CNT-7)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.campaigns.rules import content_hash
from services.content.previews import words_for
from services.content.rules import content_ref
from services.contracts.journey import ChannelContent, Journey, Variant
from services.contracts.languages import NAMES, chosen, direction, name_of
from services.kit.spoken import spoken_moment
from tests.factories.journeys import journey

pytestmark = pytest.mark.covers("CNT-7")


@pytest.mark.parametrize(
    ("locale", "available", "language"),
    [
        ("cy-GB", {"cy-GB", "cy"}, "cy-GB"), ("cy-GB", {"cy", "pl"}, "cy"), ("pl", {"pl-PL"}, "pl-PL"),
        ("pl_pl", {"pl-PL"}, "pl-PL"), ("PL", {"pl"}, "pl"), ("en-GB", {"cy", "pl"}, ""), ("", {"cy"}, ""),
        ("pt-BR", {"pt-AO", "pt-PT"}, "pt-AO"), ("p", {"pl"}, ""), ("zh-Hant-TW", {"zh-TW"}, "zh-TW"), ("pl-PL", set(), ""),
    ],
)  # fmt: skip
def test_exact_then_language_then_everybodys(locale: str, available: set[str], language: str):
    assert chosen(locale, available) == language


def test_empty_words_in_a_language_are_no_words():
    base, welsh = ChannelContent(body="Hello"), ChannelContent(body="Helo")
    variant = Variant(
        content={"sms": base}, translations={"cy": {"sms": welsh}, "pl": {"sms": ChannelContent(body=" ")}}
    )
    assert words_for(variant, "sms", "cy-GB") == ("cy", welsh)
    assert words_for(variant, "sms", "pl-PL") == ("", base)
    assert words_for(variant, "email", "cy-GB") == ("", None)


def test_what_has_one_language_keeps_its_reference_and_its_hash():
    """Journeys written before there were languages stay approved: nothing about them changed."""
    old = journey()
    value = old.model_dump(mode="json")
    for step in value["steps"]:
        for variant in step.get("variants", ()):
            del variant["translations"]
    assert content_hash(Journey.model_validate(value)) == content_hash(old)
    words = {"email": ChannelContent(body="x")}
    assert content_ref(words, {}) == content_ref(words)
    assert content_ref(words, {"cy": words}) != content_ref(words)


def test_dates_are_said_in_the_language():
    at, zone = datetime(2026, 6, 9, 9, 30, tzinfo=UTC), ZoneInfo("Europe/London")
    assert spoken_moment(at, zone) == {"date": "Tuesday 9 June", "time": "10:30"}
    assert spoken_moment(at, zone, "pl-PL") == {"date": "wtorek 9 czerwca", "time": "10:30"}
    assert spoken_moment(at, zone, "cy")["date"] == "Dydd Mawrth 9 Mehefin"
    assert spoken_moment(at, zone, "xx-QQ")["date"] == "Tuesday 9 June"


def test_every_offered_language_has_a_name_a_date_and_a_direction():
    at, zone = datetime(2026, 6, 9, 9, 30, tzinfo=UTC), ZoneInfo("Europe/London")
    for locale, name in NAMES.items():
        assert name_of(locale) == name
        assert spoken_moment(at, zone, locale)["date"]
        assert direction(locale) in ("ltr", "rtl")
    assert (name_of("cy-GB"), name_of("xx")) == ("Welsh", "xx")
