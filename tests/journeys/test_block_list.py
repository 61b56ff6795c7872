"""Where nobody may be written to: by address, domain and identity, here and everywhere (SUP-6)."""

import asyncio
from uuid import UUID

import pytest

from services.access.service import ROLES
from services.contracts.journey import Caps, Wait, WaitFor
from services.engine.claim import may_run
from services.kit.actor import Actor, system
from services.kit.errors import Forbidden, Invalid, NotFound
from services.suppression.block_list import blocks, find_blocks, imports_so_far
from services.suppression.block_reading import Destination
from services.suppression.blocks import block, block_everywhere, import_blocks, unblock
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, make_practice, run
from tests.factories.world import World

pytestmark = pytest.mark.covers("SUP-6")
SENT = "SELECT status FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact ORDER BY requested_at"
WHY = "SELECT reason, inputs FROM cm.refusal WHERE practice_id = :practice AND contact_id = :contact ORDER BY at"
STATE = "SELECT state, exit_reason FROM cm.enrolment WHERE practice_id = :practice AND contact_id = :contact"
IDENTITY = "25f7e41ebbf138de"


def weekly(*channels: str):
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 7), next="again")
    first, second = (message(name, None, channels=list(channels)) for name in ("hello", "again"))
    return journey(
        first.model_copy(update={"next": "pause"}), pause, second.model_copy(update={"next": "end"}),
        caps=Caps(max_touches=99),
    )  # fmt: skip


@pytest.fixture
async def ada(world: World, database_url: str) -> UUID:
    return make_contact(
        database_url, world.practice_id, world.clock.now(), consent=("email", "sms", "in_app"),
        email="Ada.Byron@Mail.Example", phone="+447700900123", identity_hash=IDENTITY,
    )  # fmt: skip


async def put(world: World, text: str, **more) -> bool:
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        return await block(u, text, ground="asked", **more)


@pytest.mark.parametrize(
    ("entry", "channels", "refused"),
    [
        (" <ada.byron@MAIL.example> ", ["email"], True),
        ("ada.byron@mail.example", ["sms"], False),
        ("07700 900123", ["sms"], True),
        ("@Mail.Example", ["email"], True),
        ("mail.example", ["in_app"], False),
        ("other.example", ["email"], False),
        (IDENTITY.upper(), ["in_app"], True),
    ],
)
async def test_an_entry_closes_what_it_names_from_the_next_step_on(
    world: World, ada: UUID, entry: str, channels: list[str], refused: bool
):
    await launch(world.app, world.practice_id, weekly(*channels))
    await world.run()
    await world.app.relay.run_once(world.practice_id)
    assert await put(world, entry)
    assert not await put(world, entry)
    await world.advance(days=7)
    (state,) = await world.rows(STATE, contact=ada)
    sent = [r.status for r in await world.rows(SENT, contact=ada)]
    if not refused:
        assert (state.state, sent) == ("completed", ["requested", "requested"])
        return
    assert sent == ["cancel_requested"], "what the Hub still held was called back"
    if entry == IDENTITY.upper():  # the whole person
        assert tuple(state) == ("exited", "GLOBAL_LIST")
    else:
        assert [r.reason for r in await world.rows(WHY, contact=ada)] == ["GLOBAL_LIST"]


async def test_another_way_stays_open_and_the_list_of_the_platform_holds_for_every_practice(
    world: World, ada: UUID, database_url: str
):
    operator = Actor(world.practice_id, "cli", frozenset({"suppress", "compliance"}))
    async with world.app.uow(operator) as u:
        entry = [Destination("domain", "mail.example")]
        assert (await block_everywhere(u, entry, ground="legal"), await block_everywhere(u, entry, ground="legal")) == (1, 0)  # fmt: skip
    await launch(world.app, world.practice_id, weekly("email", "sms"))
    await world.run()
    sent = await world.rows(
        "SELECT channels FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact",
        contact=ada,
    )
    assert [r.channels for r in sent] == [["sms"]]
    theirs = make_practice(database_url, world.clock.now(), name="Another")
    async with world.app.uow(staff(theirs, "suppress")) as u:
        (found,) = await find_blocks(u, "bob@mail.example")
        assert (found.kind, found.everywhere, found.ground) == ("domain", True, "legal")
        assert (await blocks(u))[0] == [], "one practice's page shows its own list"
    async with world.app.uow(staff(theirs)) as u:
        with pytest.raises(NotFound):
            await unblock(u, found.entry_id, why="we want to")


async def test_nothing_readable_is_stored_and_the_page_shows_it_masked(world: World, ada: UUID):
    for entry in ("ada.byron@mail.example", "+44 7700 900123", "nobody@else.example", "else.example"):
        await put(world, entry)
    rows = await world.rows(
        "SELECT CAST(b.* AS text) AS whole FROM cm.blocked_destination b WHERE practice_id = :practice"
    )
    audit = await world.rows(
        "SELECT CAST(a.* AS text) AS whole FROM cm.audit a WHERE practice_id = :practice"
    )
    for word in ("ada.byron", "byron", "mail.example", "else", "7700900123"):
        assert not [r.whole for r in (*rows, *audit) if word in r.whole]
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        shown, more, count = await blocks(u)
        assert (more, count) == (None, 4)
        assert {r.shown for r in shown if r.shown.startswith(("a•", "••"))} == {
            "a•••@m•••.example",
            "•••• 123",
        }
        assert sum(r.shown.startswith("not one of your people · ") for r in shown) == 2
        both = await find_blocks(u, "Nobody@Else.Example")
        assert {(r.kind, r.shown) for r in both} == {
            ("address", "n•••@e•••.example"), ("domain", "anyone at e•••.example"),
        }  # fmt: skip
        with pytest.raises(Invalid):
            await find_blocks(u, "what?")


async def test_who_may_and_that_removing_needs_a_reason(world: World, ada: UUID):
    fiona = Actor(world.practice_id, "person:f", ROLES["front_desk"])
    async with world.app.uow(fiona) as u:
        await block(u, "ada.byron@mail.example", ground="asked")
        (entry,), _, _ = await blocks(u)
        with pytest.raises(Forbidden):
            await unblock(u, entry.entry_id, why="she changed her mind")
    async with world.app.uow(staff(world.practice_id, "read")) as u:
        for refused in (block(u, "x@y.example", ground="asked"), blocks(u), find_blocks(u, "x@y.example")):
            with pytest.raises(Forbidden):
                await refused
    async with world.app.uow(staff(world.practice_id)) as u:
        with pytest.raises(Invalid):
            await unblock(u, entry.entry_id, why="  ")
        await unblock(u, entry.entry_id, why="she changed her mind")
        with pytest.raises(NotFound):
            await unblock(u, entry.entry_id, why="again")
    await launch(world.app, world.practice_id, weekly("email"))
    assert (await world.run()).requested == 1
    tags = "SELECT tag, reason FROM cm.audit WHERE practice_id = :practice AND tag LIKE 'block.%' ORDER BY at, seq"
    assert [tuple(r) for r in await world.rows(tags)] == [
        ("block.added", "asked"), ("block.removed", "she changed her mind"),
    ]  # fmt: skip


async def test_a_file_is_taken_in_and_its_bad_rows_are_kept(world: World, ada: UUID, database_url: str):
    mine = "Name;E-Mail;Domain\nAda;ADA.byron@mail.example;\nBob;bob@;\n;;spam.example\n;ada.byron@mail.example;\n"
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        done = await import_blocks(u, mine.encode("utf-8-sig"), ground="asked")
        assert (done.rows, done.added, done.known) == (4, 2, 0)
        again = await import_blocks(u, b"ada.byron@mail.example\nbob@else.example\n", ground="asked")
        assert (again.rows, again.added, again.known) == (2, 1, 1)
        with pytest.raises(Invalid):
            await import_blocks(u, b"email\n", ground="asked")
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        kept = {i.import_id: i for i in await imports_so_far(u)}
    (wrong,) = kept[done.import_id].problems
    assert (wrong.row_number, "bob" in wrong.problem) == (3, False)
    await launch(world.app, world.practice_id, weekly("email"))
    await world.run()
    assert [r.reason for r in await world.rows(WHY, contact=ada)] == ["GLOBAL_LIST"]


async def test_adding_waits_for_the_batch_in_flight_and_takes_it_back(world: World, ada: UUID):
    """House rule 5: what the entry could not stop has committed before, and is called back."""
    launched = await launch(world.app, world.practice_id, weekly("email"))
    async with world.app.uow(system(world.practice_id, "engine")) as batch:
        assert await may_run(batch, launched.campaign_id)
        adding = asyncio.create_task(put(world, "ada.byron@mail.example"))
        done, _ = await asyncio.wait([adding], timeout=0.3)
        assert not done, "a batch that has begun is waited for"
    assert await asyncio.wait_for(adding, 10)
    assert (await world.run()).requested == 0


@pytest.mark.covers("HUB-4")
@pytest.mark.parametrize(("what", "ground"), [("bounced", "hard_bounce"), ("complained", "complaint")])
async def test_what_came_back_or_was_reported_goes_on_the_list_by_rule(
    world: World, ada: UUID, database_url: str, what: str, ground: str
):
    await launch(world.app, world.practice_id, weekly("email"))
    await world.run()
    (sent,) = await world.rows(
        "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
    )
    data = {
        "dispatch_id": sent.dispatch_id,
        "campaign_id": sent.campaign_id,
        "contact_id": ada,
        "channel": "email",
    }
    await world.event(f"hub.message.{what}", data | {"permanent": False})
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        assert len(await find_blocks(u, "ada.byron@mail.example")) == (what == "complained")
    await world.event(f"hub.message.{what}", data | {"permanent": True})
    async with world.app.uow(staff(world.practice_id, "suppress")) as u:
        (entry,) = await find_blocks(u, "ada.byron@mail.example")
    assert (entry.ground, entry.added_by) == (ground, "By rule")
    # Somebody else with the same address is protected too.
    twin = make_contact(database_url, world.practice_id, world.clock.now(), email="ada.byron@mail.example")
    await launch(world.app, world.practice_id, weekly("email"))
    await world.run()
    assert [r.reason for r in await world.rows(WHY, contact=twin)] == ["GLOBAL_LIST"]


async def test_a_new_address_and_a_new_consent_open_the_channel_the_old_address_stays_closed(
    world: World, ada: UUID, database_url: str
):
    await launch(world.app, world.practice_id, weekly("email"))
    await world.run()
    (sent,) = await world.rows(
        "SELECT dispatch_id, campaign_id FROM cm.dispatch WHERE practice_id = :practice"
    )
    data = {
        "dispatch_id": sent.dispatch_id,
        "campaign_id": sent.campaign_id,
        "contact_id": ada,
        "channel": "email",
    }
    await world.event("hub.message.bounced", data | {"permanent": True})
    world.clock.advance(hours=1)
    await world.event("consent.granted", {"contact_id": ada, "channel": "email"})
    await launch(world.app, world.practice_id, weekly("email"))
    await world.run()
    assert [r.reason for r in await world.rows(WHY, contact=ada)] == ["GLOBAL_LIST"]
    run(
        database_url,
        "UPDATE canonical.contact SET email = 'ada@new.example' WHERE contact_id = :c",
        {"c": ada},
    )
    await launch(world.app, world.practice_id, weekly("email"))
    assert (await world.run()).requested == 1
