"""The kill switch takes effect in the middle of a large queue, and workers stop gracefully (D11)."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from redis.asyncio import Redis

from cm_app.kill_switch import switch
from services.bootstrap import App, bootstrap
from services.campaigns import lifecycle, stopping
from services.contracts.events import source_of
from services.engine import claim
from services.engine import service as engine_service
from services.engine.service import Engine
from services.invariants.service import check
from services.kit.actor import PERMISSIONS, Actor, system
from services.kit.bus import STREAM
from services.kit.clock import SystemClock
from services.kit.embedded import Servers
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.settings import Settings
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.practice import make_practice, run

PEOPLE, BATCH = 3_000, 50
CONTACTS = """
WITH people AS (
  INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, app_user, registered_at)
  SELECT :practice, uuidv7(), 'patient', 'Ada', 'Byron', 'person' || n || '@example.com', true, :now
  FROM generate_series(1, :people) n RETURNING contact_id
)
INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)
SELECT :practice, contact_id, 'email', 'marketing', 'granted', 'form', :now FROM people
"""
SENT = "SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice"


@pytest.fixture
async def live(config: Settings, servers: Servers, database_url: str) -> AsyncIterator[App]:
    app = bootstrap(
        config=config, clock=SystemClock(), database_url=database_url, redis_url=servers.redis_url
    )
    await app.bus.redis.flushall()
    yield app
    await app.close()


async def queue(app: App, database_url: str) -> tuple[UUID, Launched]:
    practice = make_practice(database_url, app.clock.now())
    bind = {"practice": practice, "now": app.clock.now(), "people": PEOPLE}
    run(database_url, CONTACTS, bind)
    made = await launch(app, practice, journey(message("hello", "end", one_per_household=False)))
    await Engine(app.uow)._enrol(practice, engine_service.Round())
    return practice, made


async def sent(app: App, practice: UUID) -> int:
    async with app.uow(system(practice, "test")) as u:
        return int((await u.execute(SENT, practice=practice)).scalar_one())


async def practice_wide(app: App, practice: UUID, made: Launched) -> None:
    actor = Actor(practice, "person:test", frozenset(PERMISSIONS), new_id())
    async with app.uow(actor) as u:
        await lifecycle.kill_switch(u, True, "Wrong price in a text")


async def platform_wide(app: App, practice: UUID, made: Launched) -> None:
    assert await switch(True, "The gateway sends everything twice", app)


async def paused(app: App, practice: UUID, made: Launched) -> None:
    actor = Actor(practice, "person:test", frozenset(PERMISSIONS), new_id())
    async with app.uow(actor) as u:
        await lifecycle.pause(u, made.campaign_id, reason="Look again")


@pytest.mark.covers("LIF-7")
@pytest.mark.parametrize("stop", [practice_wide, platform_wide, paused])
async def test_nothing_commits_after_a_stop_is_acknowledged(
    live: App,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    stop: Callable[[App, UUID, Launched], Awaitable[None]],
):
    practice, made = await queue(live, database_url)
    smaller = claim.CLAIM_ALONE.replace(f"LIMIT {claim.BATCH}", f"LIMIT {BATCH}")
    monkeypatch.setattr(claim, "CLAIM_ALONE", smaller)
    monkeypatch.setattr(engine_service, "BATCH", BATCH)
    begun, stopped = asyncio.Event(), asyncio.Event()
    engines = [Engine(live.uow, name=name, slice=1) for name in ("one", "two")]

    async def work(engine: Engine) -> None:
        idle = 0
        while idle < 3:  # goes on asking after the stop
            done = await engine.run_once(practice)
            begun.set()
            idle = idle + 1 if stopped.is_set() and not done else 0

    async def press() -> int:
        await begun.wait()
        await stop(live, practice, made)
        stopped.set()
        return await sent(live, practice)

    async with asyncio.timeout(120):
        *_, at_stop = await asyncio.gather(*(work(engine) for engine in engines), press())
    assert 0 < at_stop < PEOPLE, "it was pressed in the middle"
    assert await sent(live, practice) == at_stop
    async with live.uow(system(practice, "test")) as u:
        assert await check(u) == []


@pytest.mark.covers("LIF-7")
async def test_everybody_is_stopped_and_told_and_released_again(app: App, database_url: str):
    practices = [make_practice(database_url, app.clock.now()) for _ in range(2)]
    with pytest.raises(Invalid, match="Say why"):
        await stopping.stop_everything(app.uow, reason=" ", by="operator")
    assert await stopping.stop_everything(app.uow, reason="Twice", by="operator")
    assert not await stopping.stop_everything(app.uow, reason="Again", by="operator")
    assert await switch(False, "", app)
    assert not await stopping.release_everything(app.uow, by="operator")
    for practice in practices:
        async with app.uow(system(practice, "test")) as u:
            tags = await u.execute("SELECT tag, reason FROM cm.audit ORDER BY at, audit_id")
            assert [tuple(row) for row in tags] == [("kill_switch.on", "Twice"), ("kill_switch.off", "")]


@pytest.mark.covers("ENG-1")
async def test_a_worker_told_to_stop_finishes_its_batch_and_the_next_one_goes_on(
    live: App, servers: Servers, database_url: str, config: Settings
):
    """The real process, SIGTERM in the middle of the work, then a second one."""
    practice, _ = await queue(live, database_url)
    slow = journey(*(message(f"m{n}", f"m{n + 1}") for n in range(3)), message("m3", "end"))
    await launch(live, practice, slow)
    requested = live.bus.redis, STREAM + source_of("campaign.step.requested")
    first = await _start(servers, database_url, config)
    async with asyncio.timeout(120):
        await _news(*requested)
    assert await _told_to_stop(live, practice, first) > 0, "it was stopped in the middle"
    second = await _start(servers, database_url, config)
    seen = "$"
    async with asyncio.timeout(240):
        while await _left(live, practice):
            seen = await _news(*requested, seen, block=500)
    assert await _told_to_stop(live, practice, second) == 0


async def _news(redis: Redis, stream: str, after: str = "0", *, block: int = 120_000) -> str:
    """Wait for what the workers' relay publishes, so many milliseconds at most; where it ends."""
    answer = await redis.xread({stream: after}, block=block)
    return answer[0][1][-1][0].decode() if answer else after


async def _told_to_stop(app: App, practice: UUID, worker: asyncio.subprocess.Process) -> int:
    """SIGTERM; the books must balance. Returns what is left to do."""
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        assert await worker.wait() == 0
    async with app.uow(system(practice, "test")) as u:
        assert await check(u) == []
    return await _left(app, practice)


async def _start(servers: Servers, database_url: str, config: Settings) -> asyncio.subprocess.Process:
    assert config.secret_key is not None
    env = {
        **os.environ, "CM_DATABASE_URL": database_url, "CM_REDIS_URL": servers.redis_url,
        "CM_SECRET_KEY": config.secret_key.get_secret_value(), "CM_HOME": str(config.home), "CM_LOG_LEVEL": "error",
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "cm_app.workers", "engine", env=env)


async def _left(app: App, practice: UUID) -> int:
    async with app.uow(system(practice, "test")) as u:
        left = await u.execute(
            "SELECT (SELECT count(*) FROM cm.work WHERE due_at <= :now)"
            " + (SELECT count(*) FROM cm.execution WHERE NOT enrolled_all)",
            now=u.now,
        )
        return int(left.scalar_one())
