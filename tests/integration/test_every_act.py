"""Every member of the audit's closed vocabulary has an act that writes it, and its row says who, about whom, when
and why (000 §8)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from cm_app.api.factory import api
from services.access import service as access
from services.audit.tags import AuditTag
from services.bootstrap import bootstrap
from services.engine.service import Engine
from services.imports import service as imports
from services.imports.client import PlatformClient
from services.intake.consumer import Intake
from services.invariants.service import check
from services.kit.actor import system
from services.kit.clock import VirtualClock
from services.kit.ids import new_id
from services.kit.settings import Settings
from services.neighbours.platform.api import create_api
from services.privacy import service as privacy
from tests.factories.acts import TABLE, Row, Stage
from tests.factories.api import ORIGIN
from tests.factories.hub import Recorder, hub_world
from tests.factories.journeys import person
from tests.factories.practice import make_practice
from tests.factories.world import World

NOT_WRITTEN = {AuditTag.AIDEN_SUGGESTED, AuditTag.AIDEN_DECIDED}
"""Reserved: what would write them does not exist (tests/lint/test_writers.py looks for writers)."""
WRITTEN = """
SELECT a.actor, a.at, a.campaign_id, a.pseudonym, a.reason, a.detail FROM cm.audit a
WHERE a.practice_id = :practice AND a.tag = :tag AND a.audit_id <> ALL (:known)
"""
IDS = "SELECT audit_id FROM cm.audit WHERE practice_id = :practice AND tag = :tag"
EVERYONE = "SELECT contact_id, pseudonym FROM cm.subject WHERE practice_id = :practice"


@pytest.fixture
async def stage(
    config: Settings, servers, database_url: str, clock: VirtualClock, tmp_path: Path, monkeypatch
) -> AsyncIterator[Stage]:
    """A practice with its neighbours, in a home of its own: its keys rotate."""
    assert config.secret_key
    (tmp_path / "secret.key").write_text(config.secret_key.get_secret_value())
    ours = Settings(home=tmp_path, qa=True, api_per_stranger=10**6, _env_file=None)
    where: dict[str, Any] = {
        "clock": clock, "database_url": database_url, "redis_url": servers.redis_url,
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        app = bootstrap(config=ours, **where)
        stack.push_async_callback(app.close)
        await app.bus.redis.flushall()
        platform = bootstrap(config=ours, role="cm_platform", **where)
        stack.push_async_callback(platform.close)

        @asynccontextmanager
        async def reached(_config, keyring, practice_id) -> AsyncIterator[PlatformClient]:
            transport = httpx.ASGITransport(create_api(platform.uow))
            client = PlatformClient("http://platform", keyring, practice_id, transport=transport)
            yield client
            await client.close()

        for module in (privacy, imports):
            monkeypatch.setattr(module, "platform_client", reached)
        practice = make_practice(database_url, clock.now())
        intake = Intake(app.uow, app.bus, "test")
        await intake.prepare()
        outside = httpx.AsyncClient(transport=httpx.ASGITransport(api(app)), base_url=ORIGIN)
        yield Stage(
            world=World(app, clock, practice, Engine(app.uow), intake),
            url=database_url,
            hub=await stack.enter_async_context(
                hub_world(app, practice, database_url, servers.redis_url, adapters={"email": Recorder()})
            ),
            client=await stack.enter_async_context(outside),
            cast={p.role: p for p in await access.ensure_demo_people(app, practice)},
            author=person(practice),
            approver=person(practice),
        )


@pytest.mark.covers("GOV-4")
@pytest.mark.timeout(180)
async def test_every_act_leaves_its_row(stage: Stage):
    assert TABLE.keys() | NOT_WRITTEN == set(AuditTag), "an act without an entry, or an entry without an act"
    other = make_practice(stage.url, stage.world.clock.now(), name="Another")
    stranger = await book_of(stage, other)
    problems = [
        f"{tag.value}: {problem}"
        for tag in AuditTag
        if tag in TABLE and (problem := await driven(stage, tag))
    ]
    assert problems == []
    left_to_us = await book_of(stage, other)
    assert left_to_us <= stranger | {"keys.retired", "privacy.retention_applied"}, (
        "in another practice's book"
    )
    async with stage.world.app.uow(system(stage.practice, "test")) as u:
        assert [one.name for one in await check(u)] == []


@pytest.mark.covers("GOV-4")
def test_a_row_that_says_something_else_is_named():
    who, campaign, contact, pseudonym = (new_id() for _ in range(4))
    row = {
        "actor": "engine", "campaign_id": campaign, "pseudonym": pseudonym, "reason": "NO_CONSENT", "detail": "{}",
    }  # fmt: skip
    right = Row(actor="engine", campaign=campaign, contact=contact, reason="NO_CONSENT")

    def said(**more: Any) -> list[str]:
        return differences(SimpleNamespace(**{**row, **more}), right, {contact: pseudonym, who: new_id()})

    assert said() == []
    assert said(actor="intake") == ["actor is intake, not engine"]
    assert said(reason="") == ["reason is , not NO_CONSENT"]
    assert said(pseudonym=None) == ["does not say about whom"]
    assert said(pseudonym=new_id()) == ["is about somebody else"]
    assert said(campaign_id=None) == [f"campaign is None, not {campaign}"]


async def driven(stage: Stage, tag: AuditTag) -> str:
    """Do the act; what is wrong with the row it should have written, empty when nothing is."""
    stage.world.clock.advance(seconds=1)
    known, begun = (
        [row.audit_id for row in await stage.world.rows(IDS, tag=tag.value)],
        stage.world.clock.now(),
    )
    wanted = await TABLE[tag](stage)
    rows = await stage.world.rows(WRITTEN, tag=tag.value, known=known)
    if not rows:
        return "no row"
    people = {row.contact_id: row.pseudonym for row in await stage.world.rows(EVERYONE)}
    wrong = min((differences(row, wanted, people) for row in rows), key=len)  # the row that comes nearest
    if not begun <= rows[0].at <= stage.world.clock.now():
        return f"at {rows[0].at}, not when it was done"
    return ", ".join(wrong)


def differences(row: Any, wanted: Row, people: Mapping[UUID, UUID | None]) -> list[str]:
    detail = orjson.loads(row.detail)
    said = {
        "actor": (row.actor, wanted.actor),
        "campaign": (row.campaign_id, wanted.campaign),
        "reason": (row.reason, wanted.reason),
        **{name: (detail.get(name), value) for name, value in wanted.detail.items()},
    }
    found = [f"{name} is {is_}, not {should}" for name, (is_, should) in said.items() if is_ != should]
    if (row.pseudonym is None) != (wanted.contact is None):
        found.append("says about whom" if wanted.contact is None else "does not say about whom")
    elif wanted.contact is not None and people[wanted.contact] not in (row.pseudonym, None):
        found.append("is about somebody else")
    return found


async def book_of(stage: Stage, practice: UUID) -> set[str]:
    async with stage.world.app.uow(system(practice, "test")) as u:
        return set((await u.execute("SELECT tag FROM cm.audit")).scalars())
