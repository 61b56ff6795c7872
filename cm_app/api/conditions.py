"""Tags of what was read, and changes that hold only for what was read (ETag, If-Match).

A tag is strong: it stands for one representation, byte for byte of its meaning. A change of an
editable object (PUT, PATCH) must say which representation it was made from, or `*` for any; a deletion
or an act may.
"""

import hashlib
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header
from pydantic import TypeAdapter

from services.kit.errors import AppError, Conflict
from services.kit.locks import lock_row
from services.kit.uow import Unit


class Stale(Conflict):
    """What the caller read is not what is there now; nothing was changed."""

    code = "stale"
    status = 412


class TagMissing(AppError):
    code = "if_match_missing"
    status = 428


CHANGED = "Somebody changed this since you read it; nothing was overwritten. Read it again, then repeat."


def etag_of(value: Any) -> str:
    """The tag of an object as the API gives it."""
    return etag_of_body(TypeAdapter(type(value)).dump_json(value))


def etag_of_body(body: bytes) -> str:
    """The tag of a rendered answer: JSON by its meaning, anything else by its bytes."""
    with suppress(orjson.JSONDecodeError):  # a file: its bytes are what it is
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def bare(tag: str) -> str:
    """A tag without quotes and without the mark that a compressing proxy puts before it."""
    return tag.strip().removeprefix("W/").strip('"')


@dataclass(frozen=True, slots=True)
class Condition:
    """What `If-Match` asked for; no tags: anything."""

    tags: frozenset[str] = frozenset()

    @property
    def is_any(self) -> bool:
        return not self.tags

    def check(self, tag: str) -> None:
        """Raise Stale unless the object still has a tag the caller named."""
        if self.tags and bare(tag) not in self.tags:
            raise Stale(CHANGED)

    async def still(self, u: Unit, table: str, key: str, value: Any, read: Awaitable[Any]) -> None:
        """Hold the row against other writers, then compare its tag. `read` gives what GET gives."""
        if self.is_any:
            if hasattr(read, "close"):
                read.close()
            return
        await lock_row(u, table, key, value)
        self.check(etag_of(await read))


def _condition(if_match: str | None) -> Condition:
    tags = frozenset(bare(one) for one in (if_match or "").split(",") if one.strip())
    return Condition() if "*" in tags else Condition(tags)


def may_match(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="ETag of what you read; without it: as it is.")
    ] = None,
) -> Condition:
    return _condition(if_match)


def must_match(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="ETag of what you read, or `*` for any. Needed.")
    ] = None,
) -> Condition:
    if if_match is None or not if_match.strip():
        raise TagMissing("Send If-Match with the ETag of what you read, or `*` to change it as it is.")
    return _condition(if_match)


MayMatch = Annotated[Condition, Depends(may_match)]
MustMatch = Annotated[Condition, Depends(must_match)]
