"""Erasing a person destroys what led from them to the audit; the audit stays, and stays whole (D27)."""

from pathlib import Path
from uuid import UUID

import pytest

from services.access.service import operator
from services.audit import service as audit
from services.audit.contracts import EVERYTHING, Asked
from services.audit.verifier import verify_file
from services.invariants.service import check
from services.kit.actor import system
from services.suppression.service import stop_marketing
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, run
from tests.factories.world import World

TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cm' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""
THE_BAR = {"subject", "suppression", "care_plan_standing", "outbox"}
"""Where an erased contact's own reference may still stand: what keeps them out, and what is on its way out."""
PSEUDONYM = "SELECT pseudonym FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact"


async def where(world: World, what: UUID) -> set[str]:
    """Tables with a row that holds this id, in whatever column or JSON."""
    found = set()
    for (table,) in await world.rows(TABLES + " -- " + str(world.practice_id)):
        sql = f"SELECT count(*) FROM cm.{table} x WHERE CAST(x AS text) LIKE '%' || :what || '%'"
        if await world.one(sql, what=str(what)):
            found.add(table)
    return found


async def exported(world: World, path: Path, asked: Asked = EVERYTHING) -> Path:
    parts = await audit.exported(world.app, operator(world.practice_id), "jsonl", asked)
    path.write_bytes(b"".join([part async for part in parts]))
    return path


@pytest.fixture
def people(world: World, database_url: str) -> tuple[UUID, UUID, UUID]:
    """The one to be erased, a double of theirs, and somebody else."""
    now = world.clock.now()
    one, double, other = (make_contact(database_url, world.practice_id, now) for _ in range(3))
    return one, double, other


@pytest.mark.covers("GOV-5", "GOV-4")
async def test_what_is_left_leads_nowhere_and_verifies(
    world: World, database_url: str, people: tuple[UUID, UUID, UUID], tmp_path: Path
):
    contact, double, other = people
    practice = world.practice_id
    async with world.app.uow(staff(practice, "suppress")) as u:
        await stop_marketing(u, double, note="Rang to complain")
    await launch(world.app, practice, journey(message("hello", "end")))
    await world.run()
    run(
        database_url,
        "UPDATE canonical.contact SET merged_into = :a WHERE contact_id = :b",
        {"a": contact, "b": double},
    )
    await world.event("contact.merged", {"contact_id": contact, "merged_id": double})
    await world.event(
        "appointment.attended",
        {"patient_id": contact, "appointment_id": other, "at": world.clock.now().isoformat()},
    )
    known = [await world.one(PSEUDONYM, contact=who) for who in (contact, double)]
    before = verify_file(await exported(world, tmp_path / "before"))
    async with world.app.uow(operator(practice)) as u:
        story = (await audit.page(u, Asked(contact_id=contact))).rows
    assert {"step.requested", "event.consumed"} <= {row.tag for row in story}
    assert await where(world, contact) - THE_BAR

    await world.event("contact.erased", {"contact_id": contact})
    assert await where(world, contact) <= THE_BAR
    assert await where(world, double) <= THE_BAR
    bar = "SELECT reason FROM cm.suppression WHERE practice_id = :practice AND contact_id = ANY (:who)"
    assert [row.reason for row in await world.rows(bar, who=[contact, double])] == ["CONTACT_ERASED"]
    for pseudonym in known:  # it leads to a stand-in at most
        assert await where(world, pseudonym) <= {"audit", "enrolment", "outbox"}
    assert [await world.one(PSEUDONYM, contact=who) for who in (contact, double)] == [None, None]

    # The book: whole, as long as it was and longer, and silent about them.
    after = await exported(world, tmp_path / "after")
    result = verify_file(after)
    assert result.ok
    assert result.rows > before.rows
    assert str(contact) not in after.read_text()
    assert str(known[0]) in after.read_text()
    async with world.app.uow(operator(practice)) as u:
        assert (await audit.verify(u)).ok
        assert (await audit.page(u, Asked(contact_id=contact))).rows == []
    assert verify_file(await exported(world, tmp_path / "theirs", Asked(contact_id=contact))).rows == 0
    async with world.app.uow(system(practice, "test")) as u:
        assert [v.name for v in await check(u)] == []

    # Late news, and the same wish again, bring nothing back.
    rows = await world.one(
        "SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'privacy.erased'"
    )
    assert rows == 1
    await world.event(
        "appointment.booked",
        {"patient_id": contact, "appointment_id": other, "starts_at": world.clock.now().isoformat()},
    )
    await world.event("contact.erased", {"contact_id": contact})
    assert await world.one(PSEUDONYM, contact=contact) is None
    async with world.app.uow(operator(practice)) as u:
        assert (await audit.page(u, Asked(contact_id=contact))).rows == []
        assert [r.tag for r in (await audit.page(u, Asked(tag="privacy.erased"))).rows] == ["privacy.erased"]
        assert (await audit.page(u, Asked(contact_id=other))).rows  # nobody else lost anything
