"""`cm bench api` small: every call of its deck is answered, and a refusal is counted. Nothing is timed."""

import time
from functools import partial
from uuid import UUID

import httpx
import orjson
import pytest

from cm_app.bench import api as bench
from cm_app.bench import api_calls
from cm_app.bench.api_calls import DECK, callers
from services.access import service as access
from services.bootstrap import App, bootstrap
from services.kit.embedded import Servers
from services.kit.settings import Settings
from tests.factories.practice import make_contact
from tests.factories.served import served


@pytest.mark.covers("SRF-3")
async def test_every_call_is_answered_and_what_is_refused_is_counted(
    app: App, config: Settings, servers: Servers, database_url: str, practice: UUID, capsys, monkeypatch
):
    monkeypatch.setattr(api_calls, "DRAFTS", 4)
    for _ in range(3):
        make_contact(database_url, practice, app.clock.now())
    (ada,) = (p for p in await access.ensure_demo_people(app, practice) if p.role == "administrator")
    asked = await callers(app, (await access.sign_in(app, ada.login, ada.password)).actor)
    wire = partial(
        bootstrap,
        config=config.model_copy(
            update={"api_per_caller": bench.PLENTY, "api_per_practice": bench.PLENTY, "api_per_stranger": 1}
        ),
        clock=app.clock, database_url=database_url, redis_url=servers.redis_url,
    )  # fmt: skip
    with served(wire) as address:
        figures = await bench.measure(address, asked, rate=50, seconds=1)
        assert (figures.errors, figures.refused) == (0, [])
        assert figures.all.calls == figures.bare.calls == 50
        assert {name: times.calls for name, times in figures.routes.items()} == DECK
        assert 0 < figures.all.p50_ms <= figures.all.p99_ms <= figures.all.worst_ms

        bench._show(figures)
        said = orjson.loads(capsys.readouterr().out.splitlines()[-1])
        assert (said["bench"], said["errors"]) == ("api", 0)

        asked.secret = "whsec_bm90IHRoZSBzZWNyZXQ="
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:

            async def call(name: str) -> httpx.Response:
                return await asked.call(client, name)

            refused = await bench._timed(time.perf_counter(), "an event in", call)
        assert refused.trouble.startswith("401"), "the checker must count refusals"
