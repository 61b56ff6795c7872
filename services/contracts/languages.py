"""Languages of words: which of them a person reads, and what the languages are called (CNT-7).

One list and one rule for the editor, the previews and the Hub, so that what is shown is what goes.
"""

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", max_length=6)]
"""A language, or a language as it is written somewhere: `cy`, `pl`, `en-GB`."""

MOST = 12
"""Further languages of one message."""
NAMES: dict[str, str] = {
    "ar": "Arabic", "bn": "Bengali", "zh": "Chinese", "cs": "Czech", "nl": "Dutch", "en-GB": "English (UK)",
    "en-US": "English (US)", "fr": "French", "gd": "Gaelic (Scottish)", "de": "German", "el": "Greek",
    "gu": "Gujarati", "hi": "Hindi", "hu": "Hungarian", "ga": "Irish", "it": "Italian", "lt": "Lithuanian",
    "pl": "Polish", "pt": "Portuguese", "pa": "Punjabi", "ro": "Romanian", "sk": "Slovak", "so": "Somali",
    "es": "Spanish", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "cy": "Welsh",
}  # fmt: skip
"""The languages the editor offers, by what people call them in English."""
FROM_THE_RIGHT = frozenset({"ar", "fa", "he", "ur"})


def name_of(locale: str) -> str:
    """“Welsh” for `cy` and `cy-GB`; the code itself for a language nobody listed."""
    return NAMES.get(locale) or NAMES.get(locale.split("-")[0], locale)


def normal(locale: str) -> str:
    """`pl_pl` and `PL-pl` as `pl-PL`; whatever else a neighbour may hold comes back cut to its parts."""
    language, _, region = locale.strip().replace("_", "-").partition("-")
    region = region.split("-")[-1]
    return language.lower() + (f"-{region.upper()}" if len(region) == 2 else "")


def chosen(locale: str, available: Collection[str]) -> str:
    """Which of `available` someone with this locale reads: exactly theirs, else their language, else
    "" for the words everybody else gets."""
    wanted = normal(locale)
    language = wanted.split("-")[0]
    if wanted in available:
        return wanted
    if language in available:
        return language
    return next((one for one in sorted(available) if one.split("-")[0] == language), "")


def direction(locale: str) -> str:
    """`rtl` for languages that are written from right to left."""
    return "rtl" if locale.split("-")[0] in FROM_THE_RIGHT else "ltr"
