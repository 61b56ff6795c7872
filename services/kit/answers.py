"""Answers kept, so that a request sent twice is done once (`Idempotency-Key`, SRF-3).

The key is claimed in the transaction of the act and the answer written beside it: either both are
there or neither. A twin that comes meanwhile waits for that transaction, then finds the answer. Keys
belong to whoever sent them, so nobody reads another's answer. What is kept is sealed (D28): an answer
may carry a secret that is shown once.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from services.kit.errors import Invalid
from services.kit.uow import Unit

KEPT_FOR = timedelta(hours=24)

CLAIM = """
INSERT INTO cm.api_answer (practice_id, key_hash, request_hash, made_at)
VALUES (:practice, :key, :request, :now)
ON CONFLICT (practice_id, key_hash) DO UPDATE
SET request_hash = EXCLUDED.request_hash, status = NULL, answer = NULL, made_at = EXCLUDED.made_at
WHERE cm.api_answer.made_at <= :old
RETURNING 1
"""
SEEN = """
SELECT request_hash, status, answer FROM cm.api_answer
WHERE practice_id = :practice AND key_hash = :key
"""
KEEP = """
UPDATE cm.api_answer SET status = :status, answer = :answer
WHERE practice_id = :practice AND key_hash = :key
"""


class KeyReused(Invalid):
    """The key came before, with another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


async def claim(u: Unit, key: str, request: bytes) -> Answer | None:
    """Take `key` for the request with this hash; the kept answer if it was answered before.

    Waits while a twin is at it. Raises KeyReused when the key stood for another request.
    """
    hashed = _hashed(u, key)
    taken = await u.execute(
        CLAIM, practice=u.practice_id, key=hashed, request=request, now=u.now, old=u.now - KEPT_FOR
    )
    if taken.first() is not None:
        return None
    seen = (await u.execute(SEEN, practice=u.practice_id, key=hashed)).one()
    if bytes(seen.request_hash) != request:
        raise KeyReused("This Idempotency-Key stood for another request. Take a new key for each act.")
    kept = orjson.loads(u.keyring.open(bytes(seen.answer), place=_place(hashed)))
    return Answer(seen.status, kept["body"].encode(), kept["headers"])


async def keep(u: Unit, key: str, answer: Answer) -> None:
    """Write the answer beside the act, to be given again for a day."""
    hashed = _hashed(u, key)
    plain = orjson.dumps({"body": answer.body.decode(), "headers": answer.headers})
    sealed = u.keyring.seal(plain, place=_place(hashed))
    await u.execute(KEEP, practice=u.practice_id, key=hashed, status=answer.status, answer=sealed)


async def forget_old(u: Unit) -> int:
    """Delete answers older than a day; returns how many."""
    gone = await u.execute(
        "DELETE FROM cm.api_answer WHERE practice_id = :practice AND made_at <= :old",
        practice=u.practice_id,
        old=u.now - KEPT_FOR,
    )
    return int(gone.rowcount)


def _hashed(u: Unit, key: str) -> bytes:
    return hashlib.sha256(f"{u.actor.ref}\n{key}".encode()).digest()


def _place(hashed: bytes) -> str:
    return f"cm.api_answer/{hashed.hex()}"
