"""Outbound webhooks over HTTP: endpoints, their secrets, and what was sent (EVT-6)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from cm_app.api import paging
from cm_app.api.conditions import MayMatch, MustMatch
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
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

router = APIRouter(prefix="/api/v1/webhooks", tags=["Webhooks"], route_class=Route)
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


class TestQueued(BaseModel):
    """The id is the `webhook-id` of the request."""

    event_id: UUID


class Retried(BaseModel):
    """How many deliveries will be tried again."""

    deliveries: int


@router.get("/event-types")
async def event_types(who: Administrator, pages: Pages) -> Page[str]:
    """List what an endpoint can subscribe to. The schema of each is at /api/v1/schemas/{type}."""
    return paging.of_list(who, "event-types", EVENT_TYPES, pages, str)


@router.get("")
async def every(who: Administrator, pages: Pages) -> Page[Endpoint]:
    """List webhook endpoints."""
    async with who.unit() as u:
        found = await webhooks.endpoints(u)
    return paging.of_list(who, "endpoints", found, pages, lambda row: row.endpoint_id)


@router.post("", status_code=201)
async def add(who: Administrator, new: NewEndpoint) -> EndpointWithSecret:
    """Add a webhook endpoint. The answer carries the secret, once. Events are sent from this moment on."""
    async with who.unit(TOPIC) as u:
        return await webhooks.add(u, **new.model_dump(), private=who.app.settings.webhooks_reach_private)


@router.get("/{endpoint_id}")
async def one(endpoint_id: UUID, who: Administrator) -> Endpoint:
    """Read a webhook endpoint."""
    async with who.unit() as u:
        return await webhooks.endpoint(u, endpoint_id)


@router.patch("/{endpoint_id}")
async def change(
    endpoint_id: UUID, who: Administrator, changes: EndpointChanges, if_match: MustMatch
) -> Endpoint:
    """Change a webhook endpoint, or switch it on or off."""
    private = who.app.settings.webhooks_reach_private
    async with who.unit(TOPIC) as u:
        now = webhooks.endpoint(u, endpoint_id)
        await if_match.still(u, "cm.webhook_endpoint", "endpoint_id", endpoint_id, now)
        return await webhooks.change(u, endpoint_id, **changes.model_dump(), private=private)


@router.delete("/{endpoint_id}", status_code=204)
async def remove(endpoint_id: UUID, who: Administrator, if_match: MayMatch) -> None:
    """Remove a webhook endpoint. Its log of deliveries goes with it."""
    async with who.unit(TOPIC) as u:
        now = webhooks.endpoint(u, endpoint_id)
        await if_match.still(u, "cm.webhook_endpoint", "endpoint_id", endpoint_id, now)
        await webhooks.remove(u, endpoint_id)


@router.post("/{endpoint_id}/secret")
async def rotate(endpoint_id: UUID, who: Administrator) -> EndpointWithSecret:
    """Rotate the secret: a new one, shown once; the old one signs beside it for a day."""
    async with who.unit(TOPIC) as u:
        return await webhooks.rotate(u, endpoint_id)


@router.post("/{endpoint_id}/test", status_code=202)
async def send_test(endpoint_id: UUID, who: Administrator) -> TestQueued:
    """Send a test event. Its id is the webhook-id of the request."""
    async with who.unit(TOPIC) as u:
        return TestQueued(event_id=await webhooks.send_test(u, endpoint_id))


@router.get("/{endpoint_id}/deliveries")
async def deliveries(
    endpoint_id: UUID,
    who: Administrator,
    status: DeliveryStatus | None = None,
    *,
    pages: Pages,
) -> Page[Delivery]:
    """List what was sent to an endpoint, the newest event first."""
    name = f"deliveries/{endpoint_id}"
    place = paging.take(who, name, pages.cursor)
    before = UUID(place) if place else None
    async with who.unit() as u:
        await webhooks.endpoint(u, endpoint_id)
        found = await webhooks.deliveries(u, endpoint_id, status=status, before=before, limit=pages.limit)
    last = str(found[-1].event_id) if len(found) == pages.limit else None
    return Page(rows=found, next=paging.give(who, name, last))


@router.post("/{endpoint_id}/retry", status_code=202)
async def retry(endpoint_id: UUID, who: Administrator, event_id: UUID | None = None) -> Retried:
    """Try a parked delivery again, or all of them."""
    async with who.unit(TOPIC) as u:
        return Retried(deliveries=await webhooks.retry(u, endpoint_id, event_id=event_id))
