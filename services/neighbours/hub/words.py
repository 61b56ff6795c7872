"""Words of messages as the Hub keeps them: sealed, opened when a batch is rendered (D28)."""

from collections.abc import Mapping, Sequence

import orjson

from services.kit.uow import Unit
from services.neighbours.hub import queries
from services.neighbours.hub.contracts import Words
from services.neighbours.hub.service import rows


async def keep_words(u: Unit, known: Mapping[str, Words]) -> None:
    """Keep the words of each reference, unless they are here already."""
    values = [{"content_ref": ref, "words": _sealed(u, ref, words).hex()} for ref, words in known.items()]
    if values:
        await u.execute(queries.ADD_CONTENT, practice=u.practice_id, now=u.now, rows=rows(values))


async def words_of(u: Unit, refs: Sequence[str]) -> dict[str, Words]:
    """The words of those references that are known. Raises SealBroken."""
    found = await u.execute(queries.CONTENT, practice=u.practice_id, refs=list(refs))
    return {
        row.content_ref: Words(
            **orjson.loads(u.keyring.lasting.open(bytes(row.words), place=_place(row.content_ref)))
        )
        for row in found
    }


def _sealed(u: Unit, ref: str, words: Words) -> bytes:
    return u.keyring.lasting.seal(orjson.dumps(words), place=_place(ref))


def _place(ref: str) -> str:
    """Under another reference they do not open: nobody swaps words that were approved."""
    return f"hub.content:{ref}"
