"""Endpoints of a practice: add, change, rotate the secret, test, see and retry deliveries (EVT-6).

Everything here needs `administer`; every change is audited, without addresses' secrets.
"""

import base64
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.envelope import envelope
from services.kit.errors import Conflict, Invalid, NotFound, StaleWrite
from services.kit.ids import new_id, new_token
from services.kit.uow import Unit
from services.kit.webhooks import PREFIX
from services.webhooks import queries
from services.webhooks.contracts import (
    EVENT_TYPES,
    TEST_TYPE,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointState,
    EndpointWithSecret,
)
from services.webhooks.rules import OLD_SECRET, unknown_types, url_problem

MOST_ENDPOINTS = 20
PAGE = 50
__all__ = [
    "EVENT_TYPES", "add", "change", "deliveries", "endpoint", "endpoints", "remove", "retry", "rotate",
    "send_test",
]  # fmt: skip


async def endpoints(u: Unit) -> list[Endpoint]:
    """Every endpoint of the practice, oldest first."""
    return await _endpoints(u, None)


async def endpoint(u: Unit, endpoint_id: UUID) -> Endpoint:
    """Raises NotFound."""
    found = await _endpoints(u, endpoint_id)
    if not found:
        raise NotFound("There is no such webhook endpoint.")
    return found[0]


async def add(
    u: Unit, *, label: str, url: str, event_types: Sequence[str], private: bool
) -> EndpointWithSecret:
    """Subscribe an address to event types, from this moment. `private` allows private addresses.

    The secret is in the answer and nowhere else. Raises Invalid with a problem a field.
    """
    u.actor.require("administer")
    label, url, types = _valid(label, url, event_types, private=private)
    if len(await _endpoints(u, None)) >= MOST_ENDPOINTS:
        raise Conflict(f"A practice has {MOST_ENDPOINTS} webhook endpoints at most. Remove one first.")
    endpoint_id, secret = new_id(), _new_secret()
    await u.execute(
        queries.ADD, practice=u.practice_id, endpoint=endpoint_id, label=label, url=url, types=types,
        secret=_seal(u, endpoint_id, secret), by=u.actor.ref, now=u.now,
    )  # fmt: skip
    await _changed(u, endpoint_id, "added", label=label, event_types=types)
    return EndpointWithSecret(await endpoint(u, endpoint_id), secret)


async def change(
    u: Unit,
    endpoint_id: UUID,
    *,
    private: bool,
    label: str | None = None,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    on: bool | None = None,
) -> Endpoint:
    """Change what is given. Switched off, nothing new is kept for it and what waits stays; switched
    on, it goes on from there. Raises NotFound, Invalid, StaleWrite."""
    u.actor.require("administer")
    old = await endpoint(u, endpoint_id)
    name, address, types = _valid(
        old.label if label is None else label,
        old.url if url is None else url,
        old.event_types if event_types is None else event_types,
        private=private,
    )
    state: EndpointState = old.state if on is None else "on" if on else "off"
    moved = await u.execute(
        queries.CHANGE, practice=u.practice_id, endpoint=endpoint_id, label=name, url=address, types=types,
        state=state, was=old.state, fresh=state == "on" and (old.state != "on" or address != old.url),
    )  # fmt: skip
    if moved.rowcount == 0:
        raise StaleWrite("Somebody else changed this endpoint a moment ago. Look again.")
    await _changed(u, endpoint_id, "changed", label=name, event_types=types, state=state)
    return await endpoint(u, endpoint_id)


async def rotate(u: Unit, endpoint_id: UUID) -> EndpointWithSecret:
    """A new secret, shown once. For a day requests are signed with the old one too. A secret from
    before the last rotation ends at once. Raises NotFound."""
    u.actor.require("administer")
    secret = _new_secret()
    done = await u.execute(
        queries.ROTATE, practice=u.practice_id, endpoint=endpoint_id, secret=_seal(u, endpoint_id, secret),
        until=u.now + OLD_SECRET,
    )  # fmt: skip
    if done.rowcount == 0:
        raise NotFound("There is no such webhook endpoint.")
    await _changed(u, endpoint_id, "secret rotated")
    return EndpointWithSecret(await endpoint(u, endpoint_id), secret)


async def remove(u: Unit, endpoint_id: UUID) -> None:
    """Forget an endpoint and what was sent to it. Raises NotFound."""
    u.actor.require("administer")
    where = {"practice": u.practice_id, "endpoint": endpoint_id}
    if (await u.execute(queries.REMOVE, **where)).rowcount == 0:
        raise NotFound("There is no such webhook endpoint.")
    await u.execute(queries.FORGET, **where)
    await _changed(u, endpoint_id, "removed")


async def send_test(u: Unit, endpoint_id: UUID) -> UUID:
    """Queue one `webhook.test` event like any other; returns its id. Raises NotFound, Conflict."""
    u.actor.require("administer")
    await _require_on(u, endpoint_id)
    event_id = new_id()
    event = envelope(
        id=event_id, source="cm", type=TEST_TYPE, time=u.now, practice_id=u.practice_id,
        data={"message": "This is a test. Nothing happened."},
    )  # fmt: skip
    await u.execute(
        queries.QUEUE_ONE, practice=u.practice_id, endpoint=endpoint_id, event=event_id, type=TEST_TYPE,
        body=event.wire(), now=u.now,
    )  # fmt: skip
    return event_id


async def deliveries(
    u: Unit,
    endpoint_id: UUID,
    *,
    status: DeliveryStatus | None = None,
    before: UUID | None = None,
    limit: int = PAGE,
) -> list[Delivery]:
    """What was sent to an endpoint, newest event first; `before` continues after that event."""
    u.actor.require("administer")
    rows = await u.execute(
        queries.DELIVERIES, practice=u.practice_id, endpoint=endpoint_id, status=status or "", before=before,
        limit=min(limit, 200),
    )  # fmt: skip
    return [Delivery(**row) for row in rows.mappings()]


async def retry(u: Unit, endpoint_id: UUID, *, event_id: UUID | None = None) -> int:
    """Try a parked delivery again, or all of them, with the same ids and the schedule from its
    start. Returns how many. Raises NotFound, Conflict for an endpoint that is off."""
    u.actor.require("administer")
    await _require_on(u, endpoint_id)
    done = await u.execute(
        queries.RETRY, practice=u.practice_id, endpoint=endpoint_id, event=event_id, now=u.now
    )
    count: int = done.rowcount
    if count:
        await record(u, AuditTag.WEBHOOK_RETRIED, endpoint=endpoint_id, deliveries=count)
    return count


async def _endpoints(u: Unit, endpoint_id: UUID | None) -> list[Endpoint]:
    u.actor.require("administer")
    rows = await u.execute(queries.ENDPOINTS, practice=u.practice_id, endpoint=endpoint_id, now=u.now)
    return [Endpoint(**{**row, "event_types": tuple(row["event_types"])}) for row in rows.mappings()]


async def _require_on(u: Unit, endpoint_id: UUID) -> None:
    if (await endpoint(u, endpoint_id)).state != "on":
        raise Conflict("This endpoint is switched off. Switch it on first.")


async def _changed(u: Unit, endpoint_id: UUID, what: str, **detail: Any) -> None:
    await record(u, AuditTag.WEBHOOK_CHANGED, endpoint=endpoint_id, what=what, **detail)


def _valid(label: str, url: str, types: Sequence[str], *, private: bool) -> tuple[str, str, list[str]]:
    label, url, wanted = label.strip(), url.strip(), sorted(set(types))
    problems = []
    if not label or len(label) > 100:
        problems.append({"field": "label", "message": "Give it a name of at most 100 letters."})
    if problem := url_problem(url, private=private):
        problems.append({"field": "url", "message": problem})
    if unknown := unknown_types(wanted):
        problems.append({"field": "event_types", "message": f"Nobody sends {', '.join(unknown)}."})
    elif not wanted:
        problems.append({"field": "event_types", "message": "Choose at least one event type."})
    if problems:
        raise Invalid(" ".join(str(p["message"]) for p in problems), problems)
    return label, url, wanted


def _new_secret() -> str:
    return PREFIX + base64.b64encode(new_token(24).encode()).decode()


def place(endpoint_id: UUID) -> str:
    """What an endpoint's secret is sealed for."""
    return f"webhook.secret:{endpoint_id}"


def _seal(u: Unit, endpoint_id: UUID, secret: str) -> bytes:
    return u.keyring.seal(secret.encode(), place=place(endpoint_id))
