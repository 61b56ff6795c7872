"""A practice makes its own roles, and nobody makes themselves more than they are."""

from uuid import UUID

import pytest

from services.access import service as access
from services.access.contracts import DemoPerson
from services.bootstrap import App
from services.kit.actor import Actor, system
from services.kit.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories.practice import make_practice

pytestmark = pytest.mark.covers("GOV-1")
READS = {"label": "Reader", "description": "Only looks.", "permissions": ["read"]}


@pytest.fixture
async def tokens(app: App, cast: dict[str, DemoPerson]) -> dict[str, str]:
    return {
        role: (await access.sign_in(app, person.login, person.password)).token
        for role, person in cast.items()
        if role in ("administrator", "analyst")
    }


async def ada(app: App, tokens: dict[str, str]) -> Actor:
    return await access.actor_of(app, tokens["administrator"])


async def test_a_practices_own_role_counts_from_the_next_request(app: App, practice: UUID, tokens):
    administrator = await ada(app, tokens)
    anil = await access.actor_of(app, tokens["analyst"])
    assert anil.permissions == {"read"}
    assert anil.person_id is not None
    async with app.uow(administrator) as u:
        key = await access.add_role(u, label="Night desk", description="", permissions=["read", "suppress"])
        await access.change_roles(u, anil.person_id, [key])
    assert (await access.actor_of(app, tokens["analyst"])).permissions == {"read", "suppress"}
    assert (await access.me(app, tokens["analyst"])).role_labels == ("Night desk",)

    async with app.uow(administrator) as u:
        await access.change_role(u, key, label="Day desk", description="x", permissions=["author"])
    assert (await access.actor_of(app, tokens["analyst"])).permissions == {"author"}

    async with app.uow(administrator) as u:
        await access.retire_role(u, key)
        shown = {role.key: role for role in await access.roles(u)}
        with pytest.raises(Invalid, match="no role"):
            await access.add_person(u, login="x1", display_name="X", password="long enough", roles=[key])
    assert (shown[key].retired, shown[key].people, shown["analyst"].people) == (True, 1, 0)
    assert (await access.actor_of(app, tokens["analyst"])).permissions == frozenset()
    async with app.uow(administrator) as u:
        await access.retire_role(u, key, retired=False)
        rows = await u.execute("SELECT detail FROM cm.audit WHERE tag = 'access.role_changed'")
        assert len(rows.all()) == 4
    assert (await access.actor_of(app, tokens["analyst"])).permissions == {"author"}


async def test_built_in_roles_can_be_changed_and_another_practice_keeps_its_own(
    app: App, practice: UUID, database_url: str, tokens
):
    async with app.uow(await ada(app, tokens)) as u:
        await access.change_role(u, "analyst", **{**READS, "permissions": ["read", "author"]})
    assert (await access.actor_of(app, tokens["analyst"])).permissions == {"read", "author"}
    other = make_practice(database_url, app.clock.now(), name="Elsewhere")
    async with app.uow(access.operator(other)) as u:
        theirs = {role.key: role for role in await access.roles(u)}
        assert theirs["analyst"].permissions == {"read"}
        with pytest.raises(NotFound):
            await access.retire_role(u, "reader_000000")


async def test_nobody_gives_themselves_more_or_others_what_they_lack(app: App, practice: UUID, tokens):
    administrator = await ada(app, tokens)
    me = administrator.person_id
    assert me is not None
    with pytest.raises(Forbidden, match="yourself"):
        async with app.uow(administrator) as u:
            await access.change_roles(u, me, ["administrator", "approver"])
    with pytest.raises(Forbidden, match="yourself"):
        async with app.uow(administrator) as u:
            await access.change_role(
                u, "administrator", label="A", description="", permissions=["people", "administer", "approve"]
            )
    async with app.uow(administrator) as u:
        desk = await access.add_role(u, label="Desk lead", description="", permissions=["people", "read"])
        lead = await access.add_person(
            u, login="lead", display_name="L", password="long enough", roles=[desk]
        )
    lesser = Actor(practice, f"person:{lead}", frozenset({"people", "read"}), person_id=lead)
    for refused in (
        lambda u: access.add_role(u, label="Boss", description="", permissions=["administer"]),
        lambda u: access.change_role(u, "analyst", **{**READS, "permissions": ["approve"]}),
        lambda u: access.add_person(
            u, login="l2", display_name="X", password="long enough", roles=["approver"]
        ),
        lambda u: access.change_roles(u, lead, [desk, "marketer"]),
        lambda u: access.reset_password(u, me, "a new password"),
        lambda u: access.set_active(u, me, False),
    ):
        with pytest.raises(Forbidden):
            async with app.uow(lesser) as u:
                await refused(u)
    async with app.uow(lesser) as u:  # what they hold, they may give
        await access.add_person(u, login="l3", display_name="X", password="long enough", roles=["analyst"])


async def test_somebody_can_always_administer(app: App, practice: UUID, tokens):
    administrator = await ada(app, tokens)
    for left in (
        lambda u: access.retire_role(u, "administrator"),
        lambda u: access.change_role(u, "administrator", **READS),
        lambda u: access.change_roles(u, administrator.person_id, ["analyst"]),
        lambda u: access.set_active(u, administrator.person_id, False),
    ):
        with pytest.raises(Conflict, match="nobody to administer"):
            async with app.uow(administrator) as u:
                await left(u)
    async with app.uow(administrator) as u:
        for label, permissions in (("", ["read"]), ("x" * 41, ["read"]), ("Ok", []), ("Ok", ["fly"])):
            with pytest.raises(Invalid):
                await access.add_role(u, label=label, description="", permissions=permissions)
        with pytest.raises(Conflict, match="already"):
            await access.add_role(u, label="ANALYST", description="", permissions=["read"])
    for reader in (system(practice, "engine"), await access.actor_of(app, tokens["analyst"])):
        with pytest.raises(Forbidden):
            async with app.uow(reader) as u:
                await access.roles(u)
