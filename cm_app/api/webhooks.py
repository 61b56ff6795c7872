"""Outbound webhooks over HTTP: endpoints, their secrets, and what was sent (EVT-6)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from cm_app.api.security import Caller, caller
from services.contracts.envelope import Strict
from services.webhooks import service as webhooks
from services.webhooks.contracts import (
    EVENT_TYPES,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EndpointWithSecret,
)

router = APIRouter(prefix="/api/v1/webhooks", tags=["Webhooks"])
Administrator = Annotated[Caller, Depends(caller("administer"))]
TOPIC = "webhooks"


class NewEndpoint(Strict):
    label: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=2000)
    event_types: list[str] = Field(min_length=1, max_length=100)


class EndpointChanges(Strict):
    """What is left out stays as it is. `on` switches it on or off."""

    label: str | None = Field(None, min_length=1, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2000)
    event_types: list[str] | None = Field(None, min_length=1, max_length=100)
    on: bool | None = None


@router.get("/event-types")
async def event_types(_: Administrator) -> list[str]:
    """What an endpoint can subscribe to; the schema of each is at /api/v1/schemas/{type}."""
    return list(EVENT_TYPES)


@router.get("")
async def every(who: Administrator) -> list[Endpoint]:
    async with who.unit() as u:
        return await webhooks.endpoints(u)


@router.post("", status_code=201)
async def add(who: Administrator, new: NewEndpoint) -> EndpointWithSecret:
    """The answer carries the secret, once. Events are sent from this moment on."""
    async with who.unit(TOPIC) as u:
        return await webhooks.add(u, **new.model_dump(), private=who.app.settings.webhooks_reach_private)


@router.get("/{endpoint_id}")
async def one(endpoint_id: UUID, who: Administrator) -> Endpoint:
    async with who.unit() as u:
        return await webhooks.endpoint(u, endpoint_id)


@router.patch("/{endpoint_id}")
async def change(endpoint_id: UUID, who: Administrator, changes: EndpointChanges) -> Endpoint:
    private = who.app.settings.webhooks_reach_private
    async with who.unit(TOPIC) as u:
        return await webhooks.change(u, endpoint_id, **changes.model_dump(), private=private)


@router.delete("/{endpoint_id}", status_code=204)
async def remove(endpoint_id: UUID, who: Administrator) -> None:
    """Its log of deliveries goes with it."""
    async with who.unit(TOPIC) as u:
        await webhooks.remove(u, endpoint_id)


@router.post("/{endpoint_id}/secret")
async def rotate(endpoint_id: UUID, who: Administrator) -> EndpointWithSecret:
    """A new secret, shown once; the old one signs beside it for a day."""
    async with who.unit(TOPIC) as u:
        return await webhooks.rotate(u, endpoint_id)


@router.post("/{endpoint_id}/test", status_code=202)
async def send_test(endpoint_id: UUID, who: Administrator) -> dict[str, UUID]:
    """Queue a `webhook.test` event; its id is the webhook-id of the request."""
    async with who.unit(TOPIC) as u:
        return {"event_id": await webhooks.send_test(u, endpoint_id)}


@router.get("/{endpoint_id}/deliveries")
async def deliveries(
    endpoint_id: UUID,
    who: Administrator,
    status: DeliveryStatus | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Delivery]:
    """Newest event first; `before` is the last event id of the page before."""
    async with who.unit() as u:
        await webhooks.endpoint(u, endpoint_id)
        return await webhooks.deliveries(u, endpoint_id, status=status, before=before, limit=limit)


@router.post("/{endpoint_id}/retry", status_code=202)
async def retry(endpoint_id: UUID, who: Administrator, event_id: UUID | None = None) -> dict[str, int]:
    """Try a parked delivery again, or all of them."""
    async with who.unit(TOPIC) as u:
        return {"deliveries": await webhooks.retry(u, endpoint_id, event_id=event_id)}
