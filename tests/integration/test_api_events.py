"""The API takes signed events, and says what is wrong with the others (EVT-6)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook

from services.access import service as access
from services.bootstrap import App
from services.contracts.envelope import Envelope
from services.kit.bus import Consumer
from services.kit.errors import AppError
from services.kit.ids import new_id
from tests.factories.api import sign_in, step_up


def signed(app: App, practice: UUID, body: str, *, age: int = 0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age)
    secret = access.webhook_secret(app.keyring, practice)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body),
    }


def booked(app: App, practice: UUID, **changes: object) -> Envelope:
    data = {"appointment_id": str(new_id()), "patient_id": str(new_id()), "practice_id": str(practice)}
    values = {
        "id": str(new_id()),
        "source": "appointments",
        "type": "appointment.booked",
        "time": app.clock.now(),
        "practiceid": practice,
        "data": data,
    }
    return Envelope.model_validate(values | changes)


@pytest.mark.covers("EVT-6")
async def test_signed_events_reach_the_bus_and_unsigned_ones_do_not(app: App, practice: UUID, client):
    event = booked(app, practice)
    odd = booked(app, practice, type="weather.changed", data={})
    body = f"[{event.wire().decode()},{odd.wire().decode()}]"
    for headers in ({}, signed(app, new_id(), body), signed(app, practice, body + " ")):
        refused = await client.post("/api/v1/events", content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")
    answer = await client.post("/api/v1/events", content=body, headers=signed(app, practice, body))
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "unknown": ["weather.changed"]})
    consumer = Consumer(app.bus, "probe", "one", ["appointments", "other"])
    await consumer.prepare()
    received = await consumer.read(block_ms=0)
    assert [Envelope.model_validate_json(entry.raw) for entry in received] == [event, odd]


@pytest.mark.covers("EVT-6")
async def test_a_recorded_request_is_not_taken_again(app: App, practice: UUID, client, monkeypatch):
    body = booked(app, practice).wire().decode()
    for age in (301, -301):
        headers = signed(app, practice, body, age=age)
        assert (await client.post("/api/v1/events", content=body, headers=headers)).status_code == 401

    async def broken(*_: object) -> None:
        raise AppError("The bus is away.")

    headers = signed(app, practice, body)
    with monkeypatch.context() as away:
        away.setattr("cm_app.api.events.publish", broken)
        assert (await client.post("/api/v1/events", content=body, headers=headers)).status_code == 400
    codes = [
        (await client.post("/api/v1/events", content=body, headers=headers)).status_code for _ in range(2)
    ]
    assert codes == [202, 409]
    assert await app.bus.redis.xlen("cm:events:appointments") == 1


@pytest.mark.covers("EVT-6")
async def test_a_wrong_event_is_refused_with_the_place_that_is_wrong(app: App, practice: UUID, client):
    other = {**booked(app, practice).data, "practice_id": str(new_id())}
    for event, field in (
        (booked(app, practice, data={}), "#/0/data/appointment_id"),
        (booked(app, practice, data=other), "#/0/data/practice_id"),
    ):
        body = event.wire().decode()
        answer = await client.post("/api/v1/events", content=body, headers=signed(app, practice, body))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, field)
    body = booked(app, practice, type="campaign.activated").wire().decode()
    own = await client.post("/api/v1/events", content=body, headers=signed(app, practice, body))
    assert "Campaign Manager itself" in own.json()["detail"]
    mixed = f"[{booked(app, practice).wire().decode()},{booked(app, new_id()).wire().decode()}]"
    answer = await client.post("/api/v1/events", content=mixed, headers=signed(app, practice, mixed))
    assert answer.json()["errors"][0]["pointer"] == "#/1/practiceid"
    assert (await client.post("/api/v1/events", content=b" " * 1_000_001)).status_code == 413


async def test_the_signing_secret_is_for_administrators_with_a_fresh_code(
    app: App, practice: UUID, client, cast
):
    await sign_in(client, cast["administrator"])
    assert (await client.get("/api/v1/events/secret")).json()["code"] == "step_up_needed"
    await step_up(client, app, cast["administrator"])
    secret = (await client.get("/api/v1/events/secret")).json()["secret"]
    assert secret == access.webhook_secret(app.keyring, practice)
