"""The door for neighbours' events over HTTP (D4): the same envelopes as on the bus, signed.

Signatures follow Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`); the
secret is one a practice. A request whose id was accepted before is answered with 409: it is either
recorded and played back, or the sender missed our answer, and then all is well. What is accepted goes on the stream of its source, and from there
everything is as if the bus had brought it.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ValidationError

from cm_app.api.routing import Route, accepts
from cm_app.api.security import Caller, Running, caller
from services.access.service import webhook_secret
from services.bootstrap import App
from services.contracts.envelope import Envelope
from services.contracts.events import OWN_SOURCES, contract_for, source_of
from services.kit.bus import Bus
from services.kit.clock import SystemClock
from services.kit.errors import Conflict, Invalid, NotSignedIn
from services.kit.webhooks import TOLERANCE, verify

router = APIRouter(prefix="/api/v1/events", tags=["Events"], route_class=Route)
LIMIT = 1_000_000
UNSIGNED = "The signature does not fit. Sign the exact body with this practice's secret, and check the clock."


class AlreadyTaken(Conflict):
    code = "already_taken"


class Accepted(BaseModel):
    """How many events are on the bus now, and which of them nobody here knows (they are kept)."""

    accepted: int
    unknown: list[str]


@router.post("", status_code=202)
@accepts("application/json", "application/cloudevents+json", "application/cloudevents-batch+json", most=LIMIT)
async def ingress(request: Request, app: Running) -> Accepted:
    """Hand events in, signed: one CloudEvents envelope or a list of them, all of one practice.

    The signature follows Standard Webhooks; `webhook-id` is new for each request.
    """
    body = await request.body()
    practice_id, message_id = _signed_by(app, body, dict(request.headers))
    given = json.loads(body)
    events = [_envelope(n, item, practice_id) for n, item in enumerate(_as_list(given))]
    async with _once(app.bus, practice_id, message_id):
        await publish(app, events)
    unknown = sorted({event.type for event in events if contract_for(event.type) is None})
    return Accepted(accepted=len(events), unknown=unknown)


@router.get("/secret")
async def secret(who: Annotated[Caller, Depends(caller("administer"))]) -> dict[str, str]:
    """Read the secret neighbours sign with. Needs a one-time code of the last five minutes."""
    await who.require_fresh()
    return {"secret": webhook_secret(who.app.keyring, who.actor.practice_id)}


async def publish(app: App, events: list[Envelope]) -> None:
    """Put events on their streams, each stream in the order given."""
    streams: dict[str, list[Envelope]] = {}
    for event in events:
        streams.setdefault(source_of(event.type), []).append(event)
    for source, found in streams.items():
        await app.bus.publish(source, found)


def check(event: Envelope, where: str = "") -> None:
    """Refuse at the door what intake would put among the dead letters. Raises Invalid."""
    if source_of(event.type) in OWN_SOURCES:
        raise Invalid(f"{event.type} is an event of Campaign Manager itself; nobody else sends it.")
    contract = contract_for(event.type)
    if contract is None:
        return
    try:
        data = contract.model_validate(event.data)
    except ValidationError as error:
        raise Invalid(
            f"The data of {event.type} does not fit its schema.", _problems(error, f"{where}data.")
        ) from error
    if getattr(data, "practice_id", event.practiceid) != event.practiceid:
        raise Invalid(
            "The event and its data name different practices.",
            [{"field": f"{where}data.practice_id", "message": "Not the practice of the envelope."}],
        )


def _signed_by(app: App, body: bytes, headers: dict[str, str]) -> tuple[UUID, str]:
    """The practice whose secret signed this body, and the request's id. Nothing else of an
    unsigned body is looked at. Its age is real time: QA mode's clock is not the sender's."""
    try:
        given = json.loads(body)
        first = given[0] if isinstance(given, list) else given
        practice_id = UUID(str(first["practiceid"]))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise NotSignedIn(UNSIGNED) from error
    secret = webhook_secret(app.keyring, practice_id)
    return practice_id, verify(secret, headers, body, now=SystemClock().now())


@asynccontextmanager
async def _once(bus: Bus, practice_id: UUID, message_id: str) -> AsyncIterator[None]:
    """Let each request id through once, for as long as its signature stays valid. One whose
    publishing failed may come again. Raises AlreadyTaken."""
    key = f"cm:webhook:{practice_id}:{hashlib.sha256(message_id.encode()).hexdigest()}"
    if not await bus.redis.set(key, b"1", nx=True, ex=2 * TOLERANCE):
        raise AlreadyTaken("A request with this webhook-id was accepted before. Give each its own id.")
    try:
        yield
    except BaseException:
        await bus.redis.delete(key)
        raise


def _as_list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _envelope(n: int, item: Any, practice_id: UUID) -> Envelope:
    where = f"{n}."
    try:
        event = Envelope.model_validate(item)
    except ValidationError as error:
        raise Invalid("This is not a CloudEvents envelope as we read it.", _problems(error, where)) from error
    if event.practiceid != practice_id:
        raise Invalid(
            "One request carries the events of one practice.",
            [{"field": f"{where}practiceid", "message": "Another practice than the first event's."}],
        )
    check(event, where)
    return event


def _problems(error: ValidationError, where: str) -> list[dict[str, Any]]:
    return [
        {"field": where + ".".join(str(part) for part in found["loc"]), "message": found["msg"]}
        for found in error.errors(include_input=False, include_url=False, include_context=False)
    ]
