"""People at the API: signed in, and with a fresh code."""

import httpx
import pyotp

from services.access.contracts import DemoPerson
from services.bootstrap import App

ORIGIN = "http://127.0.0.1:3000"


async def sign_in(client: httpx.AsyncClient, person: DemoPerson) -> None:
    answer = await client.post("/api/session", json={"login": person.login, "password": person.password})
    assert answer.status_code == 200, answer.text


async def step_up(client: httpx.AsyncClient, app: App, person: DemoPerson) -> None:
    code = pyotp.TOTP(person.totp_secret).at(app.clock.now())
    assert (await client.post("/api/session/step-up", json={"code": code})).status_code == 200
