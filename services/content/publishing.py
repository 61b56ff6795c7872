"""Words on their way to the Hub, which keeps them by reference."""

from collections.abc import Mapping
from uuid import UUID

from services.contracts.events import ContentPublished
from services.contracts.journey import Channel, ChannelContent, Variant


def published(practice_id: UUID, ref: str, variant: Variant) -> ContentPublished:
    """The words behind a reference, in all their languages."""

    def plain(words: Mapping[Channel, ChannelContent]) -> dict[Channel, dict[str, str]]:
        return {channel: content.model_dump() for channel, content in words.items()}

    return ContentPublished(
        content_ref=ref,
        practice_id=practice_id,
        content=plain(variant.content),
        translations={locale: plain(words) for locale, words in variant.translations.items()},
    )
