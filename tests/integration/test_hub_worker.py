"""The Hub as it runs: loops that wake each other and outlive errors; the process from start to stop."""

import asyncio
import os
import signal
import socket
import sys

import httpx
import orjson
import pytest

from services.kit.bus import STREAM
from services.neighbours.hub.wiring import Loops
from tests.factories.hub import Recorder, hub_world
from tests.factories.practice import make_contact


async def next_reports(redis, n: int) -> list[str]:
    """The first `n` statuses on the bus, waited for."""
    seen: list[str] = []
    last = "0"
    while len(seen) < n:
        answer = await redis.xread({STREAM + "hub": last}, block=20_000)
        assert answer, f"waited too long after {seen}"
        entries = answer[0][1]
        seen += [orjson.loads(fields[b"event"])["type"].removeprefix("hub.message.") for _, fields in entries]
        last = entries[-1][0]
    return seen


@pytest.mark.covers("HUB-1", "OPS-2")
async def test_loops_carry_a_request_to_its_reports_and_survive_an_error(
    app, practice, database_url, servers, clock, monkeypatch
):
    out = Recorder()
    contact = make_contact(database_url, practice, clock.now())
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), out)
    async with hub_world(app, practice, database_url, servers.redis_url, adapters=adapters) as world:
        loops = Loops(world.hub, "loops")
        calls, real = 0, loops.sender.run_once

        async def once_broken(practice_id):
            nonlocal calls
            calls += 1
            if calls == 1:
                raise RuntimeError("a bug of one round")
            return await real(practice_id)

        monkeypatch.setattr(
            type(loops.sender), "run_once", lambda self, practice_id: once_broken(practice_id)
        )
        running = asyncio.create_task(loops.run())
        await app.bus.publish("campaigns", [world.words(), world.request(contact)])
        assert await next_reports(app.bus.redis, 3) == ["accepted", "sent", "delivered"]
        loops.stop.set()
        await running
    assert len(out.taken) == 1
    assert calls > 1


@pytest.mark.covers("OPS-2")
async def test_the_process_starts_answers_and_stops_when_told(
    app, practice, database_url, servers, config, tmp_path
):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    contact = make_contact(database_url, practice, app.clock.now())
    environment = {
        **os.environ,
        "CM_DATABASE_URL": database_url,
        "CM_REDIS_URL": servers.redis_url,
        "CM_SECRET_KEY": config.secret_key.get_secret_value(),
        "CM_HOME": str(tmp_path),
        "CM_HUB_PORT": str(port),
        "CM_QA": "true",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cm_app.workers", "hub", env=environment, stderr=asyncio.subprocess.PIPE
    )
    async with hub_world(app, practice, database_url, servers.redis_url) as world, asyncio.timeout(60):
        while b"hub ready" not in (line := await process.stderr.readline()):
            assert line, "the process ended before it was ready"
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/u/guess")).status_code == 404
        await app.bus.publish("campaigns", [world.words(), world.request(contact)])
        assert await next_reports(app.bus.redis, 1) == ["accepted"]
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    assert process.returncode == 0, rest.decode()
    assert b"hub stopped" in rest
