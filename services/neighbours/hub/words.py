"""Words of messages as the Hub keeps them: sealed, opened when a batch is rendered (D28)."""

import orjson

from services.contracts.events import ContentPublished
from services.kit.uow import Unit
from services.neighbours.hub.contracts import Words


def seal_words(u: Unit, ref: str, data: ContentPublished) -> bytes:
    """For the row of `ref`: under another reference they do not open, so nobody swaps approved words."""
    words = data.model_dump(mode="json", include={"content", "translations"})
    return u.keyring.lasting.seal(orjson.dumps(words), place=_place(ref))


def open_words(u: Unit, ref: str, sealed: bytes) -> Words:
    """Raises SealBroken."""
    return Words(**orjson.loads(u.keyring.lasting.open(sealed, place=_place(ref))))


def _place(ref: str) -> str:
    return f"hub.content:{ref}"
