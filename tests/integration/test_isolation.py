"""Two practices in one database, and an attacker in one of them (GOV-3)."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from cm_app.api.factory import ROUTERS
from services.access import queries
from services.access import service as access
from services.access.sessions import new_session
from services.audience import segments
from services.audience import service as audience
from services.audience.errors import RuleInvalid
from services.bootstrap import App
from services.campaigns import service as campaigns
from services.contracts.segment import Audience
from services.followups import service as followups
from services.followups.contracts import NewFollowup
from services.kit import live
from services.kit.actor import PERMISSIONS, Actor, system
from services.kit.db import owner
from services.kit.errors import AppError, NotFound
from services.kit.ids import new_id
from tests.factories.practice import make_contact, make_practice, run

pytestmark = pytest.mark.covers("GOV-3")
SHARED = {"platform_control", "platform_block", "tick"}
"""Tables of the platform itself; every other one belongs to practices."""

UNGUARDED = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'practice_id' AND NOT a.attisdropped
WHERE n.nspname IN ('cm', 'canonical') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
    SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND 'cm_app'::regrole = ANY (p.polroles)))
ORDER BY 1
"""
"""Tables with rows of practices that row-level security does not hold apart, for their owner too."""
REACHABLE = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('cm', 'canonical') AND c.relispartition
  AND has_table_privilege('cm_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE') ORDER BY 1
"""
"""Partitions that could be read past the policy of the table they belong to."""


@dataclass
class Two:
    app: App
    ours: Actor
    theirs: Actor
    contact: UUID
    campaign: UUID
    segment: UUID
    followup: UUID


@pytest.fixture
async def two(app: App, practice: UUID, database_url: str) -> Two:
    """The attacker's practice (`ours`), and another with one of everything."""
    other = make_practice(database_url, app.clock.now(), name="Elsewhere")
    everything = frozenset(PERMISSIONS)
    ours, theirs = (Actor(p, f"person:{new_id()}", everything, person_id=new_id()) for p in (practice, other))
    contact = make_contact(database_url, other, app.clock.now())
    async with app.uow(theirs) as u:
        campaign = (await campaigns.create(u, name="Theirs")).campaign_id
        segment = await segments.create(u, name="Theirs", audience=Audience(kinds=["patient"]))
        planned = await followups.plan(u, NewFollowup(
            contact_id=contact, due_at=u.now.replace(hour=23), why="Theirs", channels=["email"],
            content={"email": {"subject": "Hello", "body": "Hello."}},
        ))  # fmt: skip
    return Two(app, ours, theirs, contact, campaign, segment, planned.followup.followup_id)


async def rows_of(app: App, actor: Actor, table: str) -> list[str]:
    async with app.uow(actor) as u:
        found = await u.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
        return [str(row) for row in found.scalars()]


def tables(database_url: str) -> list[str]:
    """Every table of practices that the application may read."""
    return _asked(database_url, """
      SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'practice_id'
      WHERE n.nspname IN ('cm', 'canonical') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
        AND has_table_privilege('cm_app', c.oid, 'SELECT') ORDER BY 1""")  # fmt: skip


def _asked(database_url: str, sql: str) -> list[str]:
    engine = create_engine(owner(database_url))
    with engine.begin() as connection:
        found = [str(row) for row in connection.execute(text(sql)).scalars()]
    engine.dispose()
    return found


async def breaches(two: Two, database_url: str) -> list[str]:
    """What the application's own role could reach of another practice by plain SQL."""
    found = _asked(database_url, UNGUARDED) + _asked(database_url, REACHABLE)
    async with two.app.uow(two.ours) as u:
        for table in tables(database_url):
            seen = await u.execute(
                f"SELECT count(*) FROM {table} WHERE practice_id = :p", p=two.theirs.practice_id
            )
            found += [f"{table} read"] * (seen.scalar_one() > 0)
        for table in ("cm.campaign", "cm.segment", "cm.followup"):
            changed = await u.execute(
                f"UPDATE {table} SET created_at = created_at WHERE practice_id = :p", p=two.theirs.practice_id
            )
            found += [f"{table} written"] * (changed.rowcount > 0)
    return found


async def test_row_level_security_is_forced_on_every_table_of_practices(two: Two, database_url: str):
    assert len(tables(database_url)) > 40
    assert await breaches(two, database_url) == []
    names = _asked(database_url, "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                   " WHERE nspname = 'cm' AND relkind IN ('r', 'p') AND NOT relispartition AND NOT EXISTS (SELECT FROM"
                   " pg_attribute WHERE attrelid = c.oid AND attname = 'practice_id')")  # fmt: skip
    assert set(names) == SHARED
    # The same look must see a policy that is gone, one that is not forced, and one that lets all through.
    for broken in (
        "DROP POLICY tenant ON cm.segment",
        "ALTER TABLE cm.segment NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE cm.segment DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY wide ON cm.segment TO cm_app USING (true)",
    ):
        run(database_url, broken, {})
        assert any("segment" in one for one in await breaches(two, database_url)), broken
        for whole in (
            "DROP POLICY IF EXISTS wide ON cm.segment",
            "ALTER TABLE cm.segment ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE cm.segment FORCE ROW LEVEL SECURITY",
            "DROP POLICY IF EXISTS tenant ON cm.segment",
            "CREATE POLICY tenant ON cm.segment TO cm_app USING (practice_id = current_setting('cm.practice_id')::uuid)",
        ):
            run(database_url, whole, {})
    assert await breaches(two, database_url) == []


async def test_the_applications_role_sees_nothing_without_a_practice_and_plants_nothing_in_another(
    two: Two, database_url: str
):
    """Without a practice every table that holds a row refuses to be read; of an empty one there is nothing."""
    held = {name for name in tables(database_url) if _asked(database_url, f"SELECT 1 FROM {name} LIMIT 1")}
    assert held >= {"cm.campaign", "cm.segment", "cm.followup", "cm.audit", "cm.outbox", "canonical.contact"}
    async with two.app.uow.engine.connect() as connection:
        for table in sorted(held):
            with pytest.raises(DBAPIError):
                await connection.execute(text(f"SELECT count(*) FROM {table}"))
            await connection.rollback()
        for forbidden in ("SET ROLE postgres", "ALTER TABLE cm.segment DISABLE ROW LEVEL SECURITY",
                          "SET session_replication_role = replica"):  # fmt: skip
            with pytest.raises(ProgrammingError):
                await connection.execute(text(forbidden))
            await connection.rollback()
    for planted in (
        "INSERT INTO cm.holiday (practice_id, day) VALUES (:p, '2026-12-25')",
        "INSERT INTO cm.outbox (practice_id, outbox_id, type, occurred_at, data) VALUES (:p, uuidv7(), 'x', :now, '{}')",
    ):
        async with two.app.uow(two.ours) as u:
            with pytest.raises(ProgrammingError):
                await u.execute(
                    planted, p=two.theirs.practice_id, **({"now": u.now} if ":now" in planted else {})
                )
            await u.session.rollback()


@pytest.fixture
async def attacker(two: Two, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Somebody of the first practice who may do everything there, signed in at the API."""
    async with two.app.uow(system(two.ours.practice_id, "test")) as u:
        person = new_id()
        await u.execute(
            queries.NEW_PERSON, practice=u.practice_id, person=person, login="mallory", display_name="Mallory",
            password_hash="none", totp=None, roles=list(access.ROLES), now=u.now,
        )  # fmt: skip
        token = await new_session(u, person, stepped_up=True)
    client.cookies.set("cm_session", token)
    return client


async def test_ids_of_another_practice_lead_nowhere_at_any_route(
    two: Two, attacker: httpx.AsyncClient, made: FastAPI, database_url: str
):
    """Every route is asked for the other practice's things; nothing of theirs comes back or changes."""
    before = {table: await rows_of(two.app, two.theirs, table) for table in tables(database_url)}
    ids = {"segment_id": two.segment, "followup_id": two.followup, "contact_id": two.contact}
    asked = 0
    for router in ROUTERS:
        for route in router.routes:
            for method in sorted(route.methods or ()):
                names = list(route.param_convertors)
                if not names or method in ("HEAD", "OPTIONS"):
                    continue
                path = route.path
                for name in names:
                    path = path.replace(f"{{{name}}}", str(ids.get(name, two.campaign)))
                answer = await attacker.request(method, path, json={"name": "Mine", "state": "cancelled"})
                asked += 1
                assert answer.status_code not in (200, 201, 202) or "Theirs" not in answer.text, path
                if answer.status_code < 300 and method == "GET":
                    assert str(two.theirs.practice_id) not in answer.text, path
    assert asked > 40
    after = {table: await rows_of(two.app, two.theirs, table) for table in tables(database_url)}
    assert {t for t in before if before[t] != after[t]} == set()


async def test_lists_filters_and_exports_hold_ones_own_rows_only(two: Two, attacker: httpx.AsyncClient):
    strangers = (str(two.campaign), str(two.segment), str(two.followup), str(two.contact), "Theirs")
    for path in (
        "/api/v1/campaigns", "/api/v1/segments", "/api/v1/audit", "/api/v1/audit/export",
        f"/api/v1/followups?contact_id={two.contact}", f"/api/v1/audit?campaign_id={two.campaign}",
        "/api/v1/events/unknown", "/api/v1/executions",
    ):  # fmt: skip
        answer = await attacker.get(path)
        assert answer.status_code in (200, 404, 422), f"{path}: {answer.text}"
        assert not [s for s in strangers if s in answer.text.replace(f"={s}", "")], path


async def test_services_segments_keys_and_live_channels_stay_inside(two: Two, client: httpx.AsyncClient):
    app = two.app

    for call in (
        lambda u: campaigns.get(u, two.campaign),
        lambda u: campaigns.pause(u, two.campaign, reason="x"),
        lambda u: campaigns.clone(u, two.campaign),
        lambda u: campaigns.delete(u, two.campaign),
        lambda u: segments.get(u, two.segment),
        lambda u: segments.archive(u, two.segment),
        lambda u: followups.one(u, two.followup),
    ):
        with pytest.raises(NotFound):
            async with app.uow(two.ours) as u:
                await call(u)
    by_name = Audience.model_validate({"include": [{"node": "segment", "segment_id": str(two.segment)}]})
    by_list = Audience.model_validate(
        {"kinds": ["patient"], "include": [{"node": "list", "contacts": [str(two.contact)]}]}
    )
    async with app.uow(two.ours) as u:
        with pytest.raises(RuleInvalid):
            await audience.count(u, by_name)
        assert await audience.count(u, Audience(kinds=["patient", "lead", "partner"])) == 0
        with pytest.raises(AppError):
            await followups.plan(u, NewFollowup(
                contact_id=two.contact, due_at=u.now.replace(hour=23), why="x", channels=["email"],
                content={"email": {"subject": "x", "body": "x"}},
            ))  # fmt: skip
        assert await audience.count(u, by_list) == 0

    async with app.uow(system(two.ours.practice_id, "test")) as u:
        await u.execute(
            queries.NEW_PERSON, practice=u.practice_id, person=two.ours.person_id, login="mallory",
            display_name="M", password_hash="none", totp=None, roles=["administrator"], now=u.now,
        )  # fmt: skip
    async with app.uow(two.ours) as u:
        key = (await access.create_api_key(u, label="x", scopes=["read", "author", "manage"])).key
    headers = {"authorization": f"Bearer {key}"}
    answer = await client.get(f"/api/v1/campaigns/{two.campaign}", headers=headers)
    assert answer.status_code == 404

    heard = live.watch(app.bus, two.ours.practice_id, every=0.2)
    assert await anext(heard) == "tick"  # listening
    await live.notify(app.bus, two.theirs.practice_id, "theirs")
    await live.notify(app.bus, two.ours.practice_id, "ours")
    assert await anext(heard) == "ours"
    await heard.aclose()
