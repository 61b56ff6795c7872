"""The audit is sealed in commit order, verifies, pages, and leaves the building whole."""

import asyncio
import csv
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from services.access.service import operator
from services.audit import queries
from services.audit import service as audit
from services.audit.append import record
from services.audit.contracts import EVERYTHING, Asked
from services.audit.search import filters_of
from services.audit.tags import AuditTag
from services.audit.verifier import verify_file
from services.bootstrap import App
from services.kit.actor import Actor, system
from services.kit.db import owner
from services.kit.errors import Forbidden, Invalid
from services.kit.ids import new_id
from tests.factories.practice import make_practice, run


async def write(app: App, practice: UUID, *reasons: str, contact_id: UUID | None = None) -> None:
    async with app.uow(system(practice, "test")) as u:
        for reason in reasons:
            await record(u, AuditTag.CAMPAIGN_EDITED, reason=reason, contact_id=contact_id, words="é “x”")


async def seal(app: App, practice: UUID) -> int:
    async with app.uow(system(practice, "sealer")) as u:
        return await audit.seal_once(u)


async def export(app: App, practice: UUID, fmt: str, path: Path, asked: Asked = EVERYTHING) -> Path:
    parts = await audit.exported(app, operator(practice), fmt, asked)
    path.write_bytes(b"".join([part async for part in parts]))
    return path


def forge(database_url: str, sql: str) -> None:
    """What only somebody with the server in their hands can do."""
    engine = create_engine(owner(database_url))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(sql))
    engine.dispose()


@pytest.mark.covers("GOV-4")
async def test_batches_are_numbered_once_and_chained(app: App, practice: UUID, database_url: str):
    other = make_practice(database_url, app.clock.now())
    await write(app, practice, "a", "b")
    await write(app, practice, "c")
    await write(app, other, "theirs")
    assert await seal(app, practice) == 2
    assert await seal(app, practice) == 0
    await write(app, practice, "d")
    sealed = await asyncio.gather(*(seal(app, practice) for _ in range(4)))
    assert sum(sealed) == 1
    async with app.uow(system(practice, "test")) as u:
        result = await audit.verify(u)
        numbers = await u.execute("SELECT seal_no FROM cm.audit_batch ORDER BY batch_id")
        assert list(numbers.scalars()) == [1, 2, 3]
    assert (result.ok, result.rows, result.batches, result.unsealed) == (True, 4, 3, 0)


@pytest.mark.covers("GOV-4")
@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ("UPDATE cm.audit SET reason = 'x' WHERE reason = 'b'", "was altered"),
        ("DELETE FROM cm.audit WHERE reason = 'b'", "2 rows and holds 1"),
        ("UPDATE cm.audit SET seq = 5 WHERE reason = 'a'", "exchanged or put in another order"),
        ("DELETE FROM cm.audit_batch WHERE seal_no = 2", "Batch 2 is missing"),
        ("UPDATE cm.audit_batch SET seal = sha256('') WHERE seal_no = 2", "does not follow"),
        ("DELETE FROM cm.audit_batch WHERE seal_no = 3", "belongs to no batch"),
    ],
)
async def test_the_database_names_the_first_wrong_row(
    app: App, practice: UUID, database_url: str, deed: str, sentence: str
):
    await write(app, practice, "a", "b")
    await write(app, practice, "c")
    await write(app, practice, "d")
    await seal(app, practice)
    forge(database_url, deed)
    async with app.uow(system(practice, "test")) as u:
        result = await audit.verify(u)
    assert not result.ok
    assert sentence in str(result.first_problem)


@pytest.mark.covers("GOV-4")
@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
async def test_an_export_verifies_without_us_and_is_audited(
    app: App, practice: UUID, tmp_path: Path, fmt: str
):
    await write(app, practice, "=1+1", "two\nlines", "\u2028, 'x'", contact_id=new_id())
    await write(app, practice, *(f"row {n}" for n in range(300)))
    first = verify_file(await export(app, practice, fmt, tmp_path / "first"))
    assert (first.first_problem, first.rows, first.batches) == (None, 303, 2)
    again = await export(app, practice, fmt, tmp_path / "again")
    second = verify_file(again)  # holds the row about the first export
    assert (second.rows, second.batches) == (304, 3)
    assert b"audit.exported" in again.read_bytes()
    async with app.uow(system(practice, "test")) as u:
        await audit.seal_once(u)
        assert (await audit.verify(u)).ok
    if fmt == "csv":
        with again.open(newline="") as file:
            cells = [value for line in csv.reader(file) for value in line]
        assert "'=1+1" in cells
        assert not any(value.startswith(("=", "+", "-", "@")) for value in cells)


@pytest.mark.covers("GOV-4")
@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
async def test_a_part_is_exported_with_its_proof(app: App, practice: UUID, tmp_path: Path, fmt: str, clock):
    contact, other, campaign = new_id(), new_id(), new_id()
    await write(app, practice, "before")
    clock.advance(minutes=1)
    begun = clock.now()
    await write(app, practice, "a", "b", contact_id=contact)
    await write(app, practice, "c")
    async with app.uow(system(practice, "engine")) as u:
        await record(u, AuditTag.STATE_CHANGED, campaign_id=campaign, contact_id=other)
        await record(u, AuditTag.CAMPAIGN_EDITED, contact_id=contact, reason="d")
    clock.advance(minutes=1)
    await write(app, practice, "after")
    for asked, rows, left_out in (
        (Asked(contact_id=contact), 3, 2),
        (Asked(campaign_id=campaign), 1, 1),
        (Asked(tag="campaign.edited", since=begun, until=clock.now()), 4, 1),
        (Asked(actor="engine", tag="campaign."), 2, 0),
        (Asked(contact_id=new_id()), 0, 0),
    ):
        path = await export(app, practice, fmt, tmp_path / "part", asked)
        result = verify_file(path)
        assert (result.first_problem, result.rows, result.left_out) == (None, rows, left_out), asked
        assert str(contact).encode() not in path.read_bytes()
        assert b"after" not in path.read_bytes()
    async with app.uow(operator(practice)) as u:
        (taken, *_) = (await audit.page(u, Asked(tag="audit.exported", contact_id=contact))).rows
    assert set(taken.detail["filter"]) == {"pseudonym"}


A_BUSY_MONTH = """
INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, leaf)
SELECT :practice, CAST(:now AS timestamptz) - n * interval '1 second', uuidv7(), uuidv7(), n,
  CASE WHEN n % 500 = 0 THEN 'campaign.edited' ELSE 'step.requested' END,
  CASE WHEN n % 500 = 0 THEN 'person:' || n ELSE 'engine' END, uuidv7(), uuidv7(), uuidv7(), ''
FROM generate_series(1, 20000) n
"""


@pytest.mark.covers("GOV-4")
async def test_every_search_has_an_index(app: App, practice: UUID, database_url: str):
    """Among the many lines that dispatch writes, what people did is not looked for one by one."""
    run(database_url, A_BUSY_MONTH, {"practice": practice, "now": app.clock.now()})
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE cm.audit")
    engine.dispose()
    wanted = {
        "audit_actor": Asked(actor="person:x"),
        "audit_tag": Asked(tag="campaign."),
        "audit_campaign": Asked(campaign_id=new_id()),
        "audit_pseudonym": Asked(contact_id=new_id()),
    }
    async with app.uow(operator(practice)) as u:
        for name, asked in wanted.items():
            clauses, values = filters_of(asked)
            sql = queries.PAGE.format(filters="".join(f" AND {c}" for c in clauses), limit=41)
            plan = "\n".join((await u.execute("EXPLAIN " + sql, practice=practice, **values)).scalars())
            columns = {"audit_tag": "tag", "audit_actor": "actor", "audit_campaign": "campaign_id"}.get(
                name, "pseudonym"
            )
            assert f"_{columns}_at_idx" in plan, plan


@pytest.mark.covers("GOV-4")
async def test_an_altered_row_is_named_in_the_export_too(
    app: App, practice: UUID, database_url: str, tmp_path: Path
):
    await write(app, practice, "a", "b")
    await seal(app, practice)
    forge(database_url, "UPDATE cm.audit SET actor = 'somebody' WHERE reason = 'b'")
    result = verify_file(await export(app, practice, "jsonl", tmp_path / "x"))
    assert "was altered" in str(result.first_problem)
    assert result.line == 4


async def test_an_export_nobody_reads_to_the_end_is_still_audited(app: App, practice: UUID):
    await write(app, practice, "a")
    parts = await audit.exported(app, operator(practice))
    assert await anext(parts)
    await parts.aclose()
    async with app.uow(operator(practice)) as u:
        page = await audit.page(u, Asked(tag="audit.exported"))
    assert page.rows[0].actor_name == "Server operator"


@pytest.mark.covers("GOV-4")
async def test_the_page_filters_turns_and_notes_its_reader_once(app: App, practice: UUID, clock):
    contact, campaign = new_id(), new_id()
    await write(app, practice, *"abcde")
    clock.advance(minutes=1)
    await write(app, practice, "about them", contact_id=contact)
    async with app.uow(system(practice, "engine")) as u:
        await record(u, AuditTag.STATE_CHANGED, campaign_id=campaign)
    reader = operator(practice)
    async with app.uow(reader) as u:
        first = await audit.page(u, Asked(tag="campaign.edited"), limit=4)
        second = await audit.page(u, Asked(tag="campaign.edited"), limit=4, before=first.next)
    assert [r.reason for r in (*first.rows, *second.rows)] == ["about them", "e", "d", "c", "b", "a"]
    assert second.next is None
    async with app.uow(reader) as u:
        assert [r.contact_id for r in (await audit.page(u, Asked(contact_id=contact))).rows][-1] == contact
        (changed,) = (await audit.page(u, Asked(campaign_id=campaign))).rows
        assert (changed.actor_name, changed.seal_no) == ("The engine", None)
        assert len((await audit.page(u, Asked(actor="engine"))).rows) == 1
        assert len((await audit.page(u, Asked(tag="campaign.", until=clock.now()))).rows) == 5
        assert len((await audit.page(u, Asked(tag="campaign.", since=clock.now()))).rows) == 2
    async with app.uow(reader) as u:
        await audit.page(u, Asked(actor="engine"))
        reads = await audit.page(u, Asked(tag="audit.read"), limit=500)
    assert sum(r.detail["filters"].get("actor") == "engine" for r in reads.rows) == 1
    assert str(contact) not in str([r.detail for r in reads.rows])
    with pytest.raises(Invalid):
        async with app.uow(reader) as u:
            await audit.page(u, before="yesterday")


@pytest.mark.covers("GOV-1")
async def test_reading_and_exporting_need_the_compliance_permission(app: App, practice: UUID):
    analyst = Actor(practice, "person:x", frozenset({"read"}))
    with pytest.raises(Forbidden, match="audit"):
        async with app.uow(analyst) as u:
            await audit.page(u)
    with pytest.raises(Forbidden, match="audit"):
        await audit.exported(app, analyst)
