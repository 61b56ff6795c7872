"""What crosses every route: what may be sent, answers given once, tags of what is read, limits.

A route of the API is a `Route`; a router is made with `route_class=Route`. The rules are in
docs/operate/api.md.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

from cm_app.api.conditions import bare, etag_of_body
from services.bootstrap import App
from services.kit.actor import Actor
from services.kit.answers import Answer, claim, keep
from services.kit.errors import AppError, Invalid
from services.kit.live import notify
from services.kit.rates import Standing
from services.kit.uow import Unit

KILOBYTE = 1_024
LIMIT = 1_024 * KILOBYTE
"""Bytes of a body, unless its route says otherwise."""
JSON = ("application/json",)
KEY = re.compile(r"[\x21-\x7e]{1,200}")
CARRIED = ("location", "content-type", "etag")
"""Headers that are part of an answer given again."""
Handler = Callable[[Request], Awaitable[Response]]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class TooLarge(AppError):
    code = "too_large"
    status = 413


class WrongKind(AppError):
    """The body's content type is not one this route reads."""

    code = "unsupported_media_type"
    status = 415


class Replayed(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Accepts:
    """A body that the handler reads itself: its content types and its most bytes."""

    kinds: tuple[str, ...] = JSON
    most: int = LIMIT


def accepts(*kinds: str, most: int = LIMIT) -> Callable[[Endpoint], Endpoint]:
    """Say what body a handler takes that reads the request itself."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.accepts = Accepts(kinds, most)  # type: ignore[attr-defined]
        return endpoint

    return mark


def any_query(endpoint: Endpoint) -> Endpoint:
    """Mark a handler whose query somebody else writes, such as a sign-in provider."""
    endpoint.any_query = True  # type: ignore[attr-defined]
    return endpoint


@dataclass
class Call:
    """One request on its way: its Idempotency-Key, the transaction it holds open, its standing."""

    request: Request
    key: str | None = None
    app: App | None = None
    unit: Unit | None = None
    standing: list[Standing] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def held(self, app: App, actor: Actor, topics: tuple[str, ...]) -> Unit:
        """The one transaction of a request with a key; it commits with the answer. Raises Replayed."""
        self.topics += topics
        if self.unit is None:
            assert self.key is not None
            fingerprint = await self._fingerprint()
            self.app, self.unit = app, await self._stack.enter_async_context(app.uow(actor))
            seen = await claim(self.unit, self.key, fingerprint)
            if seen is not None:
                raise Replayed(seen)
        return self.unit

    async def keep(self, response: Response) -> None:
        """Commit the act and its answer together, then tell open pages."""
        if self.unit is None or self.app is None or self.key is None:
            return
        headers = {name: value for name, value in response.headers.items() if name in CARRIED}
        await keep(self.unit, self.key, Answer(response.status_code, bytes(response.body), headers))
        practice_id = self.unit.practice_id
        await self._stack.aclose()
        for topic in dict.fromkeys(self.topics):
            await notify(self.app.bus, practice_id, topic)

    async def _fingerprint(self) -> bytes:
        """What makes two requests the same: method, address, query and body."""
        url = self.request.url
        asked = hashlib.sha256(f"{self.request.method}\n{url.path}\n{url.query}\n".encode())
        if self.request.headers.get("content-type", "").startswith("multipart/form-data"):
            await _digest_form(asked, self.request)
        else:
            asked.update(await self.request.body())
        return asked.digest()


class Route(APIRoute):
    """A route with the rules of the whole API around its handler."""

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        handle = super().get_route_handler()
        known = frozenset(parameters(self.dependant))
        any_query = getattr(self.endpoint, "any_query", False)
        body = self.body_field
        takes: Accepts | None = getattr(self.endpoint, "accepts", None)
        if takes is None and body is not None and not isinstance(body.field_info, Form):
            takes = Accepts()

        async def answer(given: Request) -> Response:
            request = Request(given.scope, limited(given, takes.most if takes else LIMIT))
            call = Call(request, _key(request))
            request.state.call = call
            if not any_query:
                check_query(request, known)
            if takes is not None:
                check_kind(request, takes.kinds)
            try:
                async with call:
                    response = await handle(request)
                    await call.keep(response)
            except Replayed as seen:
                response = _again(seen.answer)
            return finished(request, response)

        return answer


def finished(request: Request, response: Response) -> Response:
    """The answer with its tag, or 304 when the caller has it already, and how the caller stands."""
    if request.method == "GET" and response.status_code == 200 and hasattr(response, "body"):
        response.headers.setdefault("Cache-Control", "private, no-cache")
        if "no-store" not in response.headers["Cache-Control"]:
            tag = response.headers.setdefault("ETag", etag_of_body(bytes(response.body)))
            wanted = {bare(one) for one in request.headers.get("if-none-match", "").split(",")}
            if bare(tag) in wanted or "*" in wanted:
                kept = {"ETag": tag, "Cache-Control": response.headers["Cache-Control"]}
                response = Response(status_code=304, headers=kept)
    response.headers.update(rate_headers(request))
    return response


def rate_headers(request: Request) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy` of the caller, when they were counted."""
    call: Call | None = getattr(request.state, "call", None)
    if call is None or not call.standing:
        return {}
    return {
        "RateLimit-Policy": ", ".join(one.policy.words for one in call.standing),
        "RateLimit": ", ".join(one.words for one in call.standing),
    }


def limited(request: Request, most: int) -> Receive:
    """`receive` that refuses a body of more than `most` bytes, whatever its length claims."""
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413, _too_large(most).message)  # the one kind FastAPI lets through here
        return message

    claimed = request.headers.get("content-length", "")
    if claimed.isdecimal() and int(claimed) > most:
        raise _too_large(most)
    return receive


def check_query(request: Request, known: frozenset[str]) -> None:
    """Refuse what no one here understands: a misspelt filter would answer with everything."""
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        may = (
            f"This address understands: {', '.join(sorted(known))}." if known else "This address takes none."
        )
        raise Invalid(
            f"Unknown query parameters. {may}",
            [{"parameter": name, "message": "Not known here."} for name in unknown],
        )


def check_kind(request: Request, kinds: tuple[str, ...]) -> None:
    """Refuse a body of another content type than `kinds`; no body has none."""
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind and kinds != JSON:
        return  # a body that the handler reads itself: senders of events may leave it unsaid
    if kind not in kinds:
        raise WrongKind(f"Send the body as {' or '.join(kinds)}, and say so in Content-Type.")


def parameters(dependant: Dependant) -> Iterator[str]:
    """Every query parameter a route understands, those of its dependencies included."""
    for one in dependant.query_params:
        annotation = one.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from (given.alias or name for name, given in annotation.model_fields.items())
        else:
            yield one.alias
    for inner in dependant.dependencies:
        yield from parameters(inner)


async def _digest_form(asked: "hashlib._Hash", request: Request) -> None:
    """A form by its fields: the line between its parts is another one each time it is sent."""
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            await value.seek(0)
            content = await value.read()
            asked.update(f"{name}\n{value.filename}\n{len(content)}\n".encode() + content)
        else:
            asked.update(f"{name}\n\n{len(value)}\n{value}".encode())


def _too_large(most: int) -> TooLarge:
    size = f"{most // (KILOBYTE * KILOBYTE)} MB" if most >= KILOBYTE * KILOBYTE else f"{most // KILOBYTE} kB"
    return TooLarge(f"This address takes {size} at most. Send less at a time.")


def _key(request: Request) -> str | None:
    """The Idempotency-Key of a POST. Raises Invalid for one that is no key."""
    given = request.headers.get("idempotency-key")
    if given is None or request.method != "POST":
        return None
    if not KEY.fullmatch(given):
        raise Invalid(
            "An Idempotency-Key is 1 to 200 visible characters of ASCII, such as a UUID.",
            [{"header": "Idempotency-Key", "message": "Not a key."}],
        )
    return given


def _again(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {**answer.headers, "Idempotency-Replayed": "true"})
