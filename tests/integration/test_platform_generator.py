"""The generated practice is realistic, repeatable and made once."""

from uuid import UUID

import pytest
from phonenumbers import is_possible_number, parse
from sqlalchemy import text

from services.bootstrap import App, bootstrap
from services.kit.actor import system
from services.neighbours.platform.generator import generate, practice_id_for
from tests.conftest import START

TABLES = ("contact", "consent", "consent_history", "appointment", "opportunity", "proposal", "engagement")


@pytest.fixture
async def platform(app: App, database_url: str, servers):
    wired = bootstrap(
        config=app.settings, clock=app.clock, database_url=database_url,
        redis_url=servers.redis_url, role="cm_platform",
    )  # fmt: skip
    yield wired
    await wired.close()


async def _one(platform: App, practice: UUID, sql: str):
    async with platform.uow(system(practice, "test")) as u:
        return (await u.execute(sql)).one()


async def test_five_hundred_people_look_like_a_practice(platform: App):
    seen: list[tuple[str, int, int]] = []
    practice = await generate(
        platform.uow, contacts=500, seed=7, now=START, progress=lambda *step: seen.append(step)
    )
    assert practice == practice_id_for(7)
    assert practice.version == 7
    assert seen[-1][1:] == (500, 500)
    people = await _one(
        platform, practice,
        "SELECT count(*) n, avg((kind = 'patient')::int) patients, avg((kind = 'lead')::int) leads,"
        " count(DISTINCT household_id) households, count(*) FILTER (WHERE kind = 'patient' AND app_user) app,"
        " count(*) FILTER (WHERE date_of_birth > DATE '2026-06-01') unborn,"
        " count(*) FILTER (WHERE registered_at > :now) later FROM canonical.contact".replace(
            ":now", f"'{START.isoformat()}'"
        ),
    )  # fmt: skip
    assert people.n == 500
    assert 0.6 < people.patients < 0.84
    assert 0.14 < people.leads < 0.36
    assert people.households > 50
    assert people.app > 50
    assert (people.unborn, people.later) == (0, 0)


async def test_visits_and_consents_are_plausible(platform: App):
    practice = await generate(platform.uow, contacts=500, seed=7, now=START)
    visits = await _one(
        platform, practice,
        "SELECT avg((status = 'no_show')::int) no_show, count(*) FILTER (WHERE status = 'booked') booked,"
        f" bool_and((status = 'booked') = (starts_at > '{START.isoformat()}')) consistent,"
        " bool_and(booked_at < starts_at) booked_before, "
        " bool_and(extract(isodow FROM starts_at AT TIME ZONE 'Europe/London') < 6) weekdays"
        " FROM canonical.appointment",
    )  # fmt: skip
    assert 0.005 < visits.no_show < 0.09
    assert visits.booked > 30
    assert visits.consistent
    assert visits.weekdays
    assert visits.booked_before
    consents = await _one(
        platform, practice,
        "SELECT avg((state = 'revoked')::int) FILTER (WHERE purpose = 'marketing') revoked,"
        " count(DISTINCT channel) channels, (SELECT count(*) FROM canonical.consent c WHERE NOT EXISTS"
        " (SELECT 1 FROM canonical.consent_history h WHERE h.contact_id = c.contact_id AND"
        " h.channel = c.channel AND h.purpose = c.purpose AND h.state = c.state)) unproven"
        " FROM canonical.consent",
    )  # fmt: skip
    assert 0.02 < consents.revoked < 0.15
    assert consents.channels == 4
    assert consents.unproven == 0


async def test_the_same_seed_makes_the_same_rows_and_only_once(platform: App):
    practice = await generate(platform.uow, contacts=300, seed=3, now=START)
    before = await _fingerprint(platform, practice)
    await generate(platform.uow, contacts=300, seed=3, now=START)
    assert await _fingerprint(platform, practice) == before
    async with platform.uow(system(practice, "test")) as u:
        for table in (*TABLES, "loyalty", "care_plan"):
            await u.session.execute(text(f"DELETE FROM canonical.{table}"))
    await generate(platform.uow, contacts=300, seed=3, now=START)
    assert await _fingerprint(platform, practice) == before
    other = await generate(platform.uow, contacts=300, seed=4, now=START)
    assert await _fingerprint(platform, other) != before


async def test_addresses_are_fictional(platform: App):
    practice = await generate(platform.uow, contacts=200, seed=5, now=START)
    async with platform.uow(system(practice, "test")) as u:
        found = (await u.execute("SELECT DISTINCT phone, email FROM canonical.contact")).all()
    phones = {row.phone for row in found if row.phone}
    assert all(phone.startswith(("+447700900", "+441174960")) for phone in phones)
    assert all(is_possible_number(parse(phone)) for phone in phones)
    assert all(row.email.rpartition("@")[2].startswith("example.") for row in found if row.email)


async def _fingerprint(platform: App, practice: UUID) -> list[str]:
    async with platform.uow(system(practice, "test")) as u:
        return [
            (
                await u.execute(
                    f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM canonical.{table} t"
                )
            ).scalar_one()
            for table in TABLES
        ]
