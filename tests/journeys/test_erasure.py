"""Erasing a person destroys what led from them to the audit; the audit stays, and stays whole (D27)."""

from pathlib import Path
from uuid import UUID

import orjson
import pytest

from services.access.service import operator
from services.audit import service as audit
from services.audit.contracts import EVERYTHING, Asked
from services.audit.verifier import verify_file
from services.campaigns import service as campaigns
from services.invariants.service import check
from services.kit.actor import system
from services.kit.errors import NotFound
from services.kit.ids import new_id
from services.proofs import service as proofs
from services.proofs.forgetting import TAKEN_OUT
from services.suppression.service import stop_marketing
from tests.factories.campaign import EVERYONE, journey, launch, message
from tests.factories.journeys import journey as ready
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, run
from tests.factories.snapshots import frozen
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


@pytest.mark.covers("GOV-5", "GOV-6")
async def test_what_is_sealed_forgets_them_too(world: World, people: tuple[UUID, UUID, UUID]):
    contact, double, other = people
    practice, uow = world.practice_id, world.app.uow
    await launch(world.app, practice, journey(message("hello", "end")))
    await world.run()
    async with uow(staff(practice)) as u:
        campaign = (
            await campaigns.create(u, name="Recall", journey=ready(audience=EVERYONE.model_dump()))
        ).campaign_id
        named = (await proofs.ask(u, campaign)).proof_id
    assert await proofs.work_once(uow, practice)
    (kept,) = await world.rows(
        "SELECT snapshot_id, size FROM cm.audience_snapshot WHERE practice_id = :practice"
    )

    async def looks() -> tuple[list[UUID], str]:
        async with uow(operator(practice)) as u:
            members = await frozen(u, kept.snapshot_id)
            try:
                files = proofs.unpacked(await proofs.bundle(u, named))
            except NotFound as error:
                return members, error.message
        return members, b"".join(files.values()).decode()

    members, files = await looks()
    assert members == sorted([contact, double, other])
    assert str(contact) in files
    await world.event("contact.erased", {"contact_id": contact})
    members, said = await looks()
    assert len(members) == kept.size == 3
    assert members == sorted(members)
    assert {double, other} < set(members)
    assert contact not in members
    assert said == TAKEN_OUT
    (row,) = await world.rows(
        "SELECT detail FROM cm.audit WHERE tag = 'privacy.erased' AND practice_id = :practice"
    )
    assert orjson.loads(row.detail).items() >= {"snapshots": 1, "proofs": 1, "unreadable": 0}.items()

    # One that is under a key that is gone keeps nobody from being forgotten; what named nobody stays.
    async with uow(staff(practice)) as u:
        second = (await proofs.ask(u, campaign)).proof_id
    assert await proofs.work_once(uow, practice)
    await world.rows(
        "UPDATE cm.audience_snapshot SET members = set_byte(members, 2, get_byte(members, 2) # 255)"
        " WHERE practice_id = :practice RETURNING 1"
    )
    await world.event("contact.erased", {"contact_id": new_id()})
    await world.event("contact.erased", {"contact_id": double})
    rows = await world.rows(
        "SELECT detail FROM cm.audit WHERE tag = 'privacy.erased' AND practice_id = :practice ORDER BY at, audit_id"
    )
    assert [orjson.loads(row.detail)["unreadable"] for row in rows][-1] == 1
    async with uow(operator(practice)) as u:
        with pytest.raises(NotFound):
            await proofs.bundle(u, second)


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
