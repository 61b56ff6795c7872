"""QA mode: the clock, events and worlds, for tests only."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from cm_app.api.factory import api
from services.access import service as access
from services.bootstrap import App
from services.kit import qa
from services.kit.clock import SystemClock
from services.kit.errors import AppError
from services.kit.ids import new_id
from services.kit.settings import Settings
from tests.factories.api import ORIGIN


async def test_qa_mode_moves_the_clock_injects_events_and_loads_a_world(app: App, practice: UUID, client):
    client.headers["authorization"] = f"Bearer {qa.key(app.keyring)}"
    world = (await client.post("/api/qa/worlds/small")).json()
    assert world["practice_id"] == str(practice)
    assert [person["login"] for person in world["people"]][:2] == ["maya", "alex"]
    assert (await client.get("/api/qa/people")).json() == world["people"]
    assert (await client.post("/api/qa/worlds/none")).status_code == 404
    for _ in range(2):
        assert (await client.post("/api/qa/worlds/approval")).status_code == 200
    session = await ada(app)
    assert len((await client.get("/api/v1/approvals", headers=session)).json()["rows"]) == 1

    before = (await client.get("/api/qa/clock")).json()["now"]
    moved = (await client.post("/api/qa/clock", json={"seconds": 86_400 * 200})).json()["now"]
    assert (datetime.fromisoformat(moved) - datetime.fromisoformat(before)).days == 200
    assert (await client.post("/api/qa/clock", json={"seconds": -1})).status_code == 422
    page = await client.get("/api/v1/audit", params={"tag": "qa.clock_moved"}, headers=session)
    (row,) = page.json()["rows"]  # the session lives on
    assert row["detail"] == {"seconds": 86_400 * 200}

    body = {
        "type": "appointment.booked",
        "data": {"appointment_id": str(new_id()), "patient_id": str(new_id())},
    }
    assert (await client.post("/api/qa/events", json=body)).status_code == 202
    assert (await client.post("/api/qa/events", json={"type": "appointment.booked"})).status_code == 422


async def ada(app: App) -> dict[str, str]:
    """A fresh session of the administrator, as a header that replaces the key."""
    person = next(p for p in await access.demo_people(app) if p.role == "administrator")
    token = (await access.sign_in(app, person.login, person.password)).token
    return {"cookie": f"cm_session={token}", "authorization": ""}


async def test_every_process_takes_over_the_shared_clock(app: App):
    one, two = SystemClock(), SystemClock()
    await qa.move_forward(app.bus, 3_600)
    await qa.move_forward(app.bus, 60)
    async with qa.following(app.bus, one, on=True), qa.following(app.bus, two, on=False):
        ahead = one.now() - two.now()
    assert 3_650 < ahead.total_seconds() < 3_670
    assert abs((two.now() - datetime.now(UTC)).total_seconds()) < 5
    with pytest.raises(ValueError, match="forward"):
        await qa.move_forward(app.bus, -1)


async def test_qa_mode_is_absent_unless_asked_for_and_refused_in_production(app: App, home: Path):
    from dataclasses import replace

    off = replace(app, settings=app.settings.model_copy(update={"qa": False}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api(off)), base_url=ORIGIN) as client:
        absent = await client.get("/api/qa/clock")
        assert (absent.status_code, absent.json()["code"]) == (404, "not_found")
    production = Settings(home=home, environment="production", qa=True, _env_file=None)
    with pytest.raises(AppError, match="production"):
        api(replace(app, settings=production))
