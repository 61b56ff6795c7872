"""Looking people up: found by what staff type, opened with an audit row, kept from everyone else."""

from uuid import UUID

import pytest

from services.audience.people import open_person, search_people
from services.bootstrap import App
from services.campaigns.shell import shell
from services.insights.daily import daily, standing
from services.kit.actor import Actor, Permission, system
from services.kit.errors import Forbidden, NotFound
from services.kit.ids import new_id
from tests.factories.practice import make_contact, make_practice


def person(practice: UUID, *permissions: Permission) -> Actor:
    who = new_id()
    return Actor(practice, f"person:{who}", frozenset(permissions), person_id=who)


@pytest.mark.covers("SRF-1", "GOV-1")
async def test_people_are_found_by_name_email_or_phone(app: App, practice: UUID, database_url: str):
    now = app.clock.now()
    make_contact(
        database_url, practice, now, first_name="Amelia", last_name="O'Neill", email="amo@example.com"
    )
    make_contact(
        database_url,
        practice,
        now,
        first_name="Tom",
        last_name="Per_cent",
        kind="lead",
        phone="+447700900123",
    )
    async with app.uow(person(practice, "suppress")) as u:

        async def names(text: str, **more: str) -> list[str]:
            return [found.first_name for found in await search_people(u, text, **more)]

        assert await names("amelia o'n") == ["Amelia"]
        assert await names("AMO@") == ["Amelia"]
        assert await names("07700 900123") == ["Tom"]
        assert await names("%") == []
        assert await names("r_c") == ["Tom"]
        assert await names("", kind="lead") == ["Tom"]
    async with app.uow(system(practice, "engine")) as u:
        with pytest.raises(Forbidden):
            await search_people(u, "amelia")


@pytest.mark.covers("GOV-4")
async def test_opening_a_person_is_audited_once(app: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, app.clock.now(), consent=("email",))
    reader = person(practice, "read")
    async with app.uow(reader) as u:
        opened = await open_person(u, contact)
        await open_person(u, contact, again=True)
        assert [(c.channel, c.state) for c in opened.consents] == [("email", "granted")]
    async with app.uow(reader) as u:
        rows = await u.execute("SELECT count(*) FROM cm.audit WHERE tag = 'privacy.personal_data_read'")
        assert rows.scalar_one() == 1


@pytest.mark.covers("GOV-3")
async def test_another_practice_cannot_open_them(app: App, practice: UUID, database_url: str):
    contact = make_contact(database_url, practice, app.clock.now())
    elsewhere = make_practice(database_url, app.clock.now(), name="Elsewhere")
    async with app.uow(person(elsewhere, "read", "suppress")) as u:
        assert await search_people(u, "") == []
        with pytest.raises(NotFound):
            await open_person(u, contact)


@pytest.mark.covers("LIF-7", "INS-3")
async def test_the_frame_and_the_dashboard_of_an_empty_practice(app: App, practice: UUID):
    async with app.uow(person(practice, "read", "manage")) as u:
        facts = await shell(u)
        assert (facts.kill_switch, facts.approvals_waiting) == (None, 0)
        days = await daily(u, days=30)
        assert (len(days), days[-1].day, days[-1].sent) == (30, u.now.date(), 0)
        stand = await standing(u)
        assert (stand.live, stand.held, stand.bookings) == (0, 0, 0)
        await u.execute(
            "UPDATE cm.practice SET kill_switch_at = :now, kill_switch_reason = 'Wrong price'"
            " WHERE practice_id = :practice",
            now=u.now,
            practice=practice,
        )
        stop = (await shell(u)).kill_switch
        assert stop is not None
        assert (stop.reason, stop.platform_wide) == ("Wrong price", False)
