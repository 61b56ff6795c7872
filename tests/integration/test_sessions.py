"""Sessions: how long they live, where they are, and what ends them."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher

from services.access import passwords
from services.access import service as access
from services.access.contracts import DemoPerson
from services.access.rules import device_of
from services.bootstrap import App
from services.kit.actor import system
from services.kit.clock import VirtualClock
from services.kit.errors import Invalid, NotSignedIn

pytestmark = pytest.mark.covers("GOV-1")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def test_a_session_ends_after_seven_days_however_much_it_is_used(
    app: App, cast: dict[str, DemoPerson], clock: VirtualClock
):
    maya = cast["marketer"]
    token = (await access.sign_in(app, maya.login, maya.password)).token
    begun = clock.now()
    while clock.now() - begun < timedelta(days=7) - timedelta(hours=11):
        clock.advance(hours=11)
        await access.actor_of(app, token)
    clock.advance(hours=11)  # used less than twelve hours ago, and over all the same
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, token)


async def test_people_see_their_sessions_and_end_the_others(
    app: App, client: httpx.AsyncClient, cast: dict[str, DemoPerson]
):
    maya = cast["marketer"]
    lost = (await access.sign_in(app, maya.login, maya.password, user_agent=FIREFOX)).token
    alex = (await access.sign_in(app, cast["approver"].login, cast["approver"].password)).token
    form = {"login": maya.login, "password": maya.password}
    answer = await client.post("/api/session", json=form, headers={"user-agent": "curl/8"})
    here = answer.cookies["cm_session"]
    rows = await access.own_sessions(app, here)
    assert {(row.device, row.this_one) for row in rows} == {
        ("Firefox on Windows", False),
        ("Another program", True),
    }
    assert await access.sign_out_elsewhere(app, here) == 1
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, lost)
    assert await access.actor_of(app, here)
    assert await access.actor_of(app, alex)
    assert device_of("Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Safari/605") == "Safari on iPad"

    async with app.uow(await access.actor_of(app, here)) as u:
        await access.change_password(u, old=maya.password, new="four grey harbour seals")
    with pytest.raises(NotSignedIn):
        await access.own_sessions(app, here)


async def test_a_weak_hash_is_made_again_at_sign_in(
    app: App,
    practice: UUID,
    cast: dict[str, DemoPerson],
    quick_passwords: PasswordHasher,
    monkeypatch: pytest.MonkeyPatch,
):
    maya = cast["marketer"]
    monkeypatch.setattr(passwords, "_HASHER", quick_passwords)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(maya.password)
    async with app.uow(system(practice, "test")) as u:
        await u.execute(
            "UPDATE cm.person SET password_hash = :weak WHERE login = :who", weak=weak, who=maya.login
        )
    with pytest.raises(NotSignedIn):
        await access.sign_in(app, maya.login, "wrong")
    await access.sign_in(app, maya.login, maya.password)
    async with app.uow(system(practice, "test")) as u:
        kept = await u.execute("SELECT password_hash FROM cm.person WHERE login = :who", who=maya.login)
        stored = kept.scalar_one()
    assert stored != weak
    assert "m=65536" in stored
    await access.sign_in(app, maya.login, maya.password)


async def test_a_password_that_is_easy_to_guess_is_turned_down(app: App, practice: UUID, cast):
    for easy in ("password123", "1234567890", "qwertyuiop", "norawilson"):
        with pytest.raises(Invalid, match="easy to guess"):
            async with app.uow(access.operator(practice)) as u:
                await access.add_person(
                    u, login="norawilson", display_name="Nora", password=easy, roles=["analyst"]
                )
