"""Signing in, sessions, step-up, roles, API keys and settings."""

from uuid import UUID

import pyotp
import pytest

from services.access import api_keys
from services.access import service as access
from services.access.contracts import DemoPerson, PracticeSettings
from services.access.errors import LockedOut, WrongCode
from services.bootstrap import App
from services.kit.actor import system
from services.kit.clock import VirtualClock
from services.kit.errors import Conflict, Forbidden, Invalid, NotSignedIn, StepUpNeeded


@pytest.fixture
async def cast(app: App, practice: UUID) -> dict[str, DemoPerson]:
    return {person.role: person for person in await access.ensure_demo_people(app, practice)}


async def tags(app: App, practice: UUID) -> list[str]:
    async with app.uow(system(practice, "test")) as u:
        rows = await u.execute("SELECT tag FROM cm.audit ORDER BY at, batch_id, seq")
        return list(rows.scalars())


async def signed(app: App, person: DemoPerson) -> str:
    return (await access.sign_in(app, person.login, person.password)).token


def code(app: App, person: DemoPerson) -> str:
    return pyotp.TOTP(person.totp_secret).at(app.clock.now())


@pytest.mark.covers("GOV-1")
async def test_demo_people_are_made_once_and_each_can_sign_in(app: App, practice: UUID, cast):
    assert await access.ensure_demo_people(app, practice) == list(cast.values())
    assert await access.demo_people(app) == list(cast.values())
    assert set(cast) == {"marketer", "approver", "front_desk", "analyst", "administrator"}
    for role, person in cast.items():
        signed_in = await access.sign_in(app, person.login.upper(), person.password)
        assert signed_in.actor.permissions == access.ROLES[role]
        assert await access.actor_of(app, signed_in.token) == signed_in.actor
    written = await tags(app, practice)
    assert written.count("access.signed_in") == 5
    assert written.count("access.person_changed") == 5


@pytest.mark.covers("GOV-1")
async def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(
    app: App, practice: UUID, cast, clock: VirtualClock
):
    maya = cast["marketer"]
    for _ in range(5):
        with pytest.raises(NotSignedIn, match="do not match"):
            await access.sign_in(app, maya.login, "wrong")
    with pytest.raises(LockedOut, match="15 minutes"):
        await access.sign_in(app, maya.login, maya.password)
    clock.advance(minutes=15)
    with pytest.raises(NotSignedIn, match="do not match"):
        await access.sign_in(app, maya.login, "wrong")
    assert await signed(app, maya)
    assert (await tags(app, practice)).count("access.sign_in_failed") == 6
    with pytest.raises(NotSignedIn, match="do not match"):
        await access.sign_in(app, "nobody", "wrong")


@pytest.mark.covers("GOV-1")
async def test_a_session_slides_ends_and_leaves_with_its_person(app: App, practice, cast, clock):
    token = await signed(app, cast["marketer"])
    for _ in range(3):
        clock.advance(hours=11)
        await access.actor_of(app, token)
    clock.advance(hours=12, seconds=1)
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, token)

    token = await signed(app, cast["marketer"])
    await access.sign_out(app, token)
    await access.sign_out(app, token)
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, token)

    signed_in = await access.sign_in(app, cast["marketer"].login, cast["marketer"].password)
    ada = await access.actor_of(app, await signed(app, cast["administrator"]))
    async with app.uow(ada) as u:
        await access.set_active(u, signed_in.actor.person_id, False)
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, signed_in.token)
    with pytest.raises(NotSignedIn, match="do not match"):
        await signed(app, cast["marketer"])


async def test_only_the_hash_of_a_session_is_stored(app: App, practice, cast):
    token = await signed(app, cast["analyst"])
    async with app.uow(system(practice, "test")) as u:
        rows = (await u.execute("SELECT * FROM cm.session")).mappings().all()
    assert len(rows) == 1
    assert token not in str(rows)
    assert token.encode() not in rows[0]["session_hash"]


@pytest.mark.covers("GOV-2")
async def test_a_one_time_code_makes_a_session_fresh_for_five_minutes_and_works_once(
    app: App, practice: UUID, cast, clock: VirtualClock
):
    ada = cast["administrator"]
    token = await signed(app, ada)
    with pytest.raises(StepUpNeeded):
        await access.require_fresh(app, token)
    with pytest.raises(WrongCode):
        await access.step_up(app, token, "000000")
    used = code(app, ada)
    await access.step_up(app, token, used)
    await access.require_fresh(app, token)
    with pytest.raises(WrongCode):
        await access.step_up(app, token, used)
    clock.advance(minutes=5)
    with pytest.raises(StepUpNeeded):
        await access.require_fresh(app, token)
    rotated = (await access.step_up(app, token, code(app, ada), rotate=True)).token
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, token)
    await access.require_fresh(app, rotated)
    assert (await tags(app, practice)).count("access.stepped_up") == 2


@pytest.mark.covers("GOV-2")
async def test_guessing_codes_locks_too(app: App, cast):
    token = await signed(app, cast["administrator"])
    for _ in range(5):
        with pytest.raises(WrongCode):
            await access.step_up(app, token, "000000")
    with pytest.raises(LockedOut):
        await access.step_up(app, token, code(app, cast["administrator"]))


@pytest.mark.covers("GOV-2")
async def test_a_new_person_sets_up_an_authenticator(app: App, practice: UUID, cast, clock):
    ada = await access.actor_of(app, await signed(app, cast["administrator"]))
    async with app.uow(ada) as u:
        await access.add_person(
            u, login="Nora", display_name="Nora New", password="correct horse", roles=["compliance"]
        )
    token = (await access.sign_in(app, "nora", "correct horse")).token
    with pytest.raises(StepUpNeeded, match="Set up"):
        await access.step_up(app, token, "123456")
    setup = await access.begin_totp(app, token)
    assert "Campaign%20Manager" in setup.uri
    with pytest.raises(WrongCode):
        await access.confirm_totp(app, token, setup.secret, "000000")
    await access.confirm_totp(app, token, setup.secret, pyotp.TOTP(setup.secret).at(clock.now()))
    with pytest.raises(StepUpNeeded):  # replacing it needs a code of the old one
        await access.begin_totp(app, token)
    clock.advance(seconds=30)
    await access.step_up(app, token, pyotp.TOTP(setup.secret).at(clock.now()))


@pytest.mark.covers("GOV-1")
async def test_accounts_are_for_those_who_may_and_the_last_administrator_stays(app: App, cast):
    maya = (await access.sign_in(app, cast["marketer"].login, cast["marketer"].password)).actor
    with pytest.raises(Forbidden, match="manage the team's accounts"):
        async with app.uow(maya) as u:
            await access.people(u)
    ada = (await access.sign_in(app, cast["administrator"].login, cast["administrator"].password)).actor
    async with app.uow(ada) as u:
        assert len(await access.people(u)) == 5
    with pytest.raises(Conflict, match="nobody to administer"):
        async with app.uow(ada) as u:
            await access.change_roles(u, ada.person_id, ["analyst"])
    with pytest.raises(Conflict, match="taken"):
        async with app.uow(ada) as u:
            await access.add_person(
                u, login="maya", display_name="M", password="long enough", roles=["analyst"]
            )
    with pytest.raises(Invalid) as caught:
        async with app.uow(ada) as u:
            await access.add_person(u, login="!", display_name="", password="short", roles=["king"])
    assert [p["field"] for p in caught.value.problems] == ["login", "display_name", "password", "roles"]


@pytest.mark.covers("GOV-1")
async def test_changed_roles_count_at_the_next_use_and_a_changed_password_ends_sessions(app: App, cast):
    token = await signed(app, cast["marketer"])
    maya = await access.actor_of(app, token)
    ada = await access.actor_of(app, await signed(app, cast["administrator"]))
    async with app.uow(ada) as u:
        await access.change_roles(u, maya.person_id, ["analyst"])
    assert (await access.actor_of(app, token)).permissions == {"read"}
    with pytest.raises(Invalid, match="old password"):
        async with app.uow(maya) as u:
            await access.change_password(u, old="wrong", new="a longer one")
    async with app.uow(maya) as u:
        await access.change_password(u, old=cast["marketer"].password, new="a longer one")
    with pytest.raises(NotSignedIn):
        await access.actor_of(app, token)
    assert (await access.sign_in(app, cast["marketer"].login, "a longer one")).token


@pytest.mark.covers("GOV-1")
async def test_an_api_key_has_its_scopes_is_shown_once_and_can_be_revoked(app: App, practice: UUID, cast):
    ada = await access.actor_of(app, await signed(app, cast["administrator"]))
    async with app.uow(ada) as u:
        made = await access.create_api_key(u, label="Reporting", scopes=["read"])
    actor = await access.actor_of_key(app, made.key)
    assert (actor.permissions, actor.ref) == ({"read"}, f"api:{made.api_key_id}")
    async with app.uow(ada) as u:
        (row,) = await access.api_keys(u)
        stored = (await u.execute("SELECT * FROM cm.api_key")).mappings().all()
    assert row.last_used_at is not None
    assert made.key not in str(stored)
    for scopes in (["approve"], ["people"], []):
        with pytest.raises(Invalid):
            async with app.uow(ada) as u:
                await access.create_api_key(u, label="No", scopes=scopes)
    async with app.uow(ada) as u:
        await access.revoke_api_key(u, made.api_key_id)
    with pytest.raises(NotSignedIn):
        await access.actor_of_key(app, made.key)
    assert (await tags(app, practice)).count("access.api_key_changed") == 2


@pytest.mark.covers("GOV-1")
async def test_a_key_does_no_more_than_its_maker_may_at_that_moment(
    app: App, practice: UUID, cast, monkeypatch: pytest.MonkeyPatch
):
    token = await signed(app, cast["administrator"])
    ada = await access.actor_of(app, token)
    with pytest.raises(Forbidden, match="create and edit campaigns"):
        async with app.uow(ada) as u:
            await access.create_api_key(u, label="Writer", scopes=["read", "author"])
    with monkeypatch.context() as broken:  # the key that should not have been made still does no more
        broken.setattr(api_keys, "may_not_give", lambda *_, **__: [])
        async with app.uow(ada) as u:
            key = (await access.create_api_key(u, label="Writer", scopes=["read", "author"])).key
    assert (await access.actor_of_key(app, key)).permissions == {"read"}
    for roles, left in ((["administrator", "marketer"], {"read", "author"}), (["people_only"], set())):
        async with app.uow(access.operator(practice)) as u:
            if roles == ["people_only"]:
                await access.add_person(
                    u, login="bea", display_name="B", password="four grey seals", roles=["administrator"]
                )
                roles = [await access.add_role(u, label="P", description="", permissions=["people"])]
            await access.change_roles(u, ada.person_id, roles)
        assert (await access.actor_of_key(app, key)).permissions == left


@pytest.mark.covers("GOV-2")
async def test_settings_keep_the_platforms_emergency_stacks_and_guard_the_sensitive_ones(
    app: App, practice: UUID, cast
):
    ada = await access.actor_of(app, await signed(app, cast["administrator"]))
    async with app.uow(ada) as u:
        before = await access.practice_settings(u)
        assert before.concierge_hold_hours == 72
        await access.save_settings(u, before.model_copy(update={"concierge_hold_hours": 24}))
    new = PracticeSettings(concierge_hold_hours=24, emergency_stacks=(" Weekend ",), cold_threshold_days=3)
    with pytest.raises(StepUpNeeded):
        async with app.uow(ada) as u:
            await access.save_settings(u, new)
    async with app.uow(ada) as u:
        await access.save_settings(u, new, stepped_up=True)
        now = await access.practice_settings(u)
        detail = await u.execute(
            "SELECT detail FROM cm.audit WHERE tag = 'settings.changed' ORDER BY at, audit_id LIMIT 1"
        )
        assert '"concierge_hold_hours":{"from":72,"to":24}' in detail.scalar_one()
    assert "weekend" in now.emergency_stacks
    assert "emergency" in now.emergency_stacks
    assert now.cold_threshold_days is None  # read-only (D20)
    maya = await access.actor_of(app, await signed(app, cast["marketer"]))
    with pytest.raises(Forbidden):
        async with app.uow(maya) as u:
            await access.save_settings(u, before)


async def test_two_practices_have_their_own_demo_people(app: App, practice: UUID, database_url: str, cast):
    from tests.factories.practice import make_practice

    other = make_practice(database_url, app.clock.now(), name="Other")
    strangers = await access.ensure_demo_people(app, other)
    assert {p.login for p in strangers}.isdisjoint(p.login for p in cast.values())
    signed_in = await access.sign_in(app, strangers[0].login, strangers[0].password)
    assert signed_in.actor.practice_id == other
