"""D2 in what is written: the sixteenth invariant hears contact data wherever it lies, and never repeats it."""

from uuid import UUID

import orjson
import pytest
from structlog.testing import capture_logs

from services.engine.ticks import TICKS, run_tick
from services.invariants import contact_data
from services.invariants.contact_data import ALLOWED, TEXT_IN_BYTES, newest, next_part, tables
from services.invariants.service import check
from services.kit.actor import system
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, run
from tests.factories.world import World

pytestmark = pytest.mark.covers("GOV-5")
RECORD = "0192b5a4-0000-7000-8000-00000000000a"
# One of each way into our tables: (table and column, statement, value, what it is).
LEAKS = [
    ("campaign.name", "UPDATE cm.campaign SET name = 'For ' || :v", "ada@example.com", "e-mail address"),
    ("segment.description", "INSERT INTO cm.segment (practice_id, segment_id, name, rule, description, created_by, created_at, updated_at)"
     " SELECT practice_id, uuidv7(), 'x', '', :v, uuidv7(), created_at, created_at FROM cm.practice",
     "+44 7700 900123", "phone number"),
    ("refusal.inputs", "UPDATE cm.refusal SET inputs = jsonb_build_object('who', CAST(:v AS text))", "Zuleika Dobson", "name of a contact"),
    ("campaign.tags", "UPDATE cm.campaign SET tags = ARRAY['a', :v]", "020 7946 0958", "phone number"),
    ("inbound_event.event_id", "UPDATE cm.inbound_event SET event_id = :v", "z.dobson@example.co.uk", "e-mail address"),
    ("outbox.data", "UPDATE cm.outbox SET data = json_build_object('n', CAST(:v AS text))", "Zuleika Dobson", "name of a contact"),
]  # fmt: skip


@pytest.fixture
async def zuleika(world: World, database_url: str) -> UUID:
    """Somebody in a journey, whose events are kept; and one who is refused."""
    now = world.clock.now()
    contact = make_contact(
        database_url, world.practice_id, now, first_name="Zuleika", last_name="Dobson", phone="+447700900123"
    )
    make_contact(database_url, world.practice_id, now, consent=())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    extra = {"email": "z.dobson@example.co.uk", "patient_name": "Zuleika Dobson"}
    await world.event("appointment.booked", {"appointment_id": RECORD, "patient_id": contact, **extra})
    return contact


async def found(world: World) -> list[dict]:
    async with world.app.uow(system(world.practice_id, "test")) as u:
        return await newest(u)


async def test_what_a_neighbour_adds_to_an_event_is_not_kept(world: World, zuleika: UUID):
    (data,) = await world.rows("SELECT data FROM cm.inbound_event WHERE practice_id = :practice")
    assert str(zuleika) in orjson.dumps(data.data).decode()
    assert "Dobson" not in orjson.dumps(data.data).decode()
    assert await found(world) == []


async def test_every_leak_is_heard_and_none_is_repeated(world: World, zuleika: UUID, database_url: str):
    for place, sql, value, kind in LEAKS:
        run(database_url, sql, {"v": value})
        table, _, column = place.partition(".")
        leaks = [
            one for one in await found(world) if (one["table"], one["column"]) == (f"cm.{table}", column)
        ]
        assert {one["kind"] for one in leaks} == {kind}, place
        assert all(one["row"] for one in leaks)
    async with world.app.uow(system(world.practice_id, "test")) as u:
        (violation,) = [one for one in await check(u) if one.name == contact_data.NAME]
    told = orjson.dumps([dict(row) for row in violation.sample]).decode() + violation.sentence
    for _, _, value, _ in LEAKS:
        assert value not in told


async def test_part_after_part_everything_is_read(world: World, zuleika: UUID, database_url: str):
    """With a small budget the leak is heard in one of the parts; and the rounds are counted."""
    for _ in range(40):
        make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    run(database_url, "UPDATE cm.segment_size SET size = size", {})
    run(
        database_url,
        "UPDATE cm.transition SET detail = 'call +44 7700 900123' WHERE enrolment_id = (SELECT min(enrolment_id::text)::uuid FROM cm.transition)",
        {},
    )
    heard, runs, rounds = [], 0, 0
    while not rounds:
        async with world.app.uow(system(world.practice_id, "test")) as u:
            heard += await next_part(u, budget=25)
        rounds = await world.one("SELECT rounds FROM cm.leak_scan WHERE practice_id = :practice")
        runs += 1
        assert runs < 500
    assert runs > 5
    assert {(one["table"], one["column"], one["kind"]) for one in heard} == {
        ("cm.transition", "detail", "phone number")
    }
    total = 0
    async with world.app.uow(system(world.practice_id, "test")) as u:
        for table in await tables(u):
            total += (await u.execute(f"SELECT count(*) FROM cm.{table.name}")).scalar_one()
    assert runs >= total // 25


async def test_the_hourly_tick_hears_it(world: World, zuleika: UUID, database_url: str):
    (tick,) = [tick for tick in TICKS if tick.name == "invariants"]
    run(database_url, "UPDATE cm.campaign SET objective = :v", {"v": "ada@example.com"})
    with capture_logs() as logs:
        assert await run_tick(world.app, tick) == 1
    (line,) = [line for line in logs if line.get("invariant") == contact_data.NAME]
    assert line["sample"][0]["column"] == "objective"
    assert "ada@" not in str(line)


async def test_ids_hashes_and_moments_are_no_phone_numbers(world: World, zuleika: UUID, database_url: str):
    harmless = [
        "0190-0123456789abcdef0123456789abcdef", "2026-06-01T10:00:00.123456+00:00", str(new_id()),
        "01904567-0123-7890-8123-012345678901", "12345678", "3.0123456789", "user@", "a @ b.c",
    ]  # fmt: skip
    for value in harmless:
        run(database_url, "UPDATE cm.campaign SET objective = :v", {"v": value})
        assert await found(world) == [], value


async def test_all_text_is_read_but_for_what_is_named_with_its_reason(world: World, database_url: str):
    run(
        database_url,
        "CREATE TABLE cm.later (practice_id uuid, id uuid, words text, PRIMARY KEY (practice_id, id))",
        {},
    )
    run(database_url, "GRANT SELECT ON cm.later TO cm_app", {})
    run(
        database_url,
        "INSERT INTO cm.later VALUES (:p, uuidv7(), 'ada@example.com')",
        {"p": world.practice_id},
    )
    assert [(one["table"], one["column"]) for one in await found(world)] == [("cm.later", "words")]
    async with world.app.uow(system(world.practice_id, "test")) as u:
        read = {f"{table.name}.{column}" for table in await tables(u) for column in table.columns}
        rows = await u.execute(
            "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'cm' AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND a.attnum > 0 AND format_type(a.atttypid, NULL) IN ('text', 'json', 'jsonb', 'text[]')"
        )
        every = set(rows.scalars())
    assert every - read == set(ALLOWED), "a text column is read, or is allowed with its reason"
    assert set(TEXT_IN_BYTES) <= read
