"""Lists in pages of one shape: `rows`, and `next`, the cursor of the page after.

A cursor is ours alone: it is signed for one list of one practice, so anything else is refused before
it gets near a query.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from cm_app.api.security import Caller
from services.kit.errors import AppError

T = TypeVar("T")
MOST = 200
SIGNED = 16


class BadCursor(AppError):
    code = "bad_cursor"
    status = 400


class Page(BaseModel, Generic[T]):
    """`next` is the `cursor` of the page after; null on the last."""

    rows: list[T]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page: `cursor` from the page before (none: the first), `limit` rows."""

    cursor: str | None
    limit: int


def _paging(
    cursor: Annotated[str | None, Query(max_length=1000, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Rows a page.")] = 50,
) -> Paging:
    return Paging(cursor, limit)


Pages = Annotated[Paging, Depends(_paging)]


def give(who: Caller, name: str, place: str | None) -> str | None:
    """A cursor of list `name` that stands for `place`, as the service names it."""
    if place is None:
        return None
    body = orjson.dumps([name, place])
    return base64.urlsafe_b64encode(_sign(who, body) + body).decode().rstrip("=")


def take(who: Caller, name: str, cursor: str | None) -> str | None:
    """The place a cursor stands for. Raises BadCursor for one that is not of this list."""
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        raw = b""
    signed, body = raw[:SIGNED], raw[SIGNED:]
    if hmac.compare_digest(signed, _sign(who, body)):
        of, place = orjson.loads(body)
        if of == name:
            return str(place)
    raise BadCursor("This cursor is not of this list. Take `next` of the page before, or start without one.")


def of_list(who: Caller, name: str, rows: Sequence[T], paging: Paging, key: Callable[[T], object]) -> Page[T]:
    """One page of a list that is read whole because it is short; `key` tells its rows apart. When the row
    a cursor stands for has gone, its place in the list counts."""
    place, _, after = (take(who, name, paging.cursor) or "0 ").partition(" ")
    start = next((n + 1 for n, row in enumerate(rows) if str(key(row)) == after), int(place))
    part = list(rows[start : start + paging.limit])
    end = start + len(part)
    last = f"{end} {key(part[-1])}" if part and end < len(rows) else None
    return Page(rows=part, next=give(who, name, last))


def _sign(who: Caller, body: bytes) -> bytes:
    digest = who.app.keyring.sign(f"cursor/{who.actor.practice_id}", body)
    return bytes.fromhex(digest)[:SIGNED]
