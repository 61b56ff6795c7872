"""The API as a client meets it, and the demonstration people who use it."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from cm_app.api.factory import api
from services.access import service as access
from services.access.contracts import DemoPerson
from services.bootstrap import App
from tests.factories.api import ORIGIN


@pytest.fixture
def made(app: App) -> FastAPI:
    return api(app)


@pytest.fixture
async def client(made: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def cast(app: App, practice: UUID) -> dict[str, DemoPerson]:
    return {person.role: person for person in await access.ensure_demo_people(app, practice)}
