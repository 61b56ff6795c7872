"""Everything a message says: one wording a variant, language and channel (CNT-7, LIF-6). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services.builder.step_words import CHANNEL_WORDS
from services.content.links import links_of
from services.contracts.journey import Channel, ChannelContent, Message
from services.contracts.languages import name_of

Place = tuple[str, str, Channel]
"""(variant key, locale or "" for the words everybody gets, channel)"""


@dataclass(frozen=True, slots=True)
class Wording:
    """`variant` is empty where there is only one, `language` for the words everybody gets."""

    place: Place
    variant: str
    language: str
    content: ChannelContent

    @property
    def channel(self) -> Channel:
        return self.place[2]

    @property
    def name(self) -> str:
        """“Email in German, variant B”."""
        language = f" in {self.language}" if self.language else ""
        variant = f", variant {self.place[0].upper()}" if self.variant else ""
        return f"{CHANNEL_WORDS[self.channel]}{language}{variant}"


def wordings(step: Message, *, used: bool = True) -> list[Wording]:
    """In the order of variants, languages and channels. `used`: only on channels the step goes by;
    else also what was written for others."""
    found: list[Wording] = []
    for variant in step.variants:
        label = f"{variant.label or variant.key.upper()} ({variant.percent:g} %)"
        for locale, said in (("", variant.content), *variant.translations.items()):
            for channel in step.channels if used else dict.fromkeys((*step.channels, *said)):
                if channel in said:
                    language = name_of(locale) if locale else ""
                    place = (variant.key, locale, channel)
                    found.append(
                        Wording(place, label if len(step.variants) > 1 else "", language, said[channel])
                    )
    return found


def link_lines(words: ChannelContent) -> list[str]:
    """Where each link of a body leads, a line each: “Book now” → https://…"""
    return [f"“{link.words}” → {link.url}" for link in links_of(words.body)]
