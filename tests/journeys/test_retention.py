"""What is old goes, by the month or by the row, and the book says so and still verifies (D26)."""

from pathlib import Path

import orjson
import pytest

from services.access.contracts import PracticeSettings
from services.access.service import operator, save_settings
from services.audit import service as audit
from services.audit.append import record
from services.audit.tags import AuditTag
from services.audit.verifier import verify_file
from services.engine.ticks import TICKS, run_tick
from services.kit.actor import system
from services.privacy import retention
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, make_practice, run
from tests.factories.world import World

MONTHS = "SELECT cm.ensure_partitions(:day, 2)"
BOOK = "SELECT tag, detail FROM cm.audit WHERE practice_id = :practice AND tag = 'privacy.retention_applied' ORDER BY at"


async def later(world: World, database_url: str, **delta: float) -> None:
    world.clock.advance(**delta)
    run(database_url, MONTHS, {"day": world.clock.now().date()})


async def sealed(world: World) -> None:
    async with world.app.uow(system(world.practice_id, "sealer")) as u:
        await audit.seal_once(u)


def tables(due: retention.Due) -> set[str]:
    return {one.table for one in (*due.months, *due.rows)}


@pytest.mark.covers("GOV-7", "GOV-4")
async def test_each_kind_goes_in_its_time_and_a_practice_may_keep_longer(
    world: World, database_url: str, tmp_path: Path
):
    practice, clock = world.practice_id, world.clock
    other = make_practice(database_url, clock.now(), name="Another")
    contact = make_contact(database_url, practice, clock.now())
    await launch(world.app, practice, journey(message("hello", "end")))
    await world.run()
    await world.event("appointment.attended", {"patient_id": contact, "appointment_id": contact})
    await sealed(world)

    await later(world, database_url, days=29)
    assert tables(await retention.due(world.app)) == set()
    await later(world, database_url, days=2)
    planned = await retention.due(world.app)
    assert tables(planned) == {"inbound_event"}
    assert (
        await world.one("SELECT count(*) FROM cm.inbound_event WHERE practice_id = :practice") == 1
    )  # a dry run
    assert await retention.apply(world.app) == 1
    assert await world.one("SELECT count(*) FROM cm.inbound_event WHERE practice_id = :practice") == 0

    await later(world, database_url, days=95)
    snapshots = {m.table: m.names for m in (await retention.due(world.app)).months}
    assert snapshots == {"audience_snapshot": ("audience_snapshot_202606",)}
    assert await retention.apply(world.app) == 1

    # Analytics: this practice keeps two years, the other three; the month goes when both are over it.
    async with world.app.uow(operator(other)) as u:
        await save_settings(u, PracticeSettings(keep_analytics_years=3))
    await later(world, database_url, days=2 * 366 + 40 - 126)
    due = await retention.due(world.app)
    assert {one.table for one in due.rows} == {"metric"}
    assert "dispatch" not in {m.table for m in due.months}
    await retention.apply(world.app)
    assert await world.one("SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice") == 1
    await later(world, database_url, days=366)
    (tick,) = [t for t in TICKS if t.name == "retention"]
    assert await run_tick(world.app, tick) > 0
    assert await world.one("SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice") == 0

    # The audit: seven years, then its first month goes; what is left verifies, here and outside.
    before = await world.one("SELECT count(*) FROM cm.audit WHERE practice_id = :practice")
    await later(world, database_url, days=4 * 366)
    assert "audit" in {m.table for m in (await retention.due(world.app)).months}
    await retention.apply(world.app)
    assert await world.one("SELECT count(*) FROM cm.audit WHERE practice_id = :practice") < before
    told = [orjson.loads(row.detail) for row in await world.rows(BOOK)]
    assert told[-1]["audit_before"].startswith("audit_2026")
    assert told[0]["rows"] == {"inbound_event": 1}
    async with world.app.uow(operator(practice)) as u:
        found = await audit.verify(u)
    assert found.ok, found.first_problem
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b"".join([part async for part in await audit.exported(world.app, operator(practice))]))
    result = verify_file(path)
    assert result.ok, result.first_problem
    assert "from 20" in result.covers


@pytest.mark.covers("GOV-7")
async def test_a_month_that_vanishes_without_a_word_is_noticed(world: World, database_url: str):
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await record(u, AuditTag.CAMPAIGN_EDITED)
    await sealed(world)
    await later(world, database_url, days=40)
    run(database_url, "SELECT cm.drop_months('audit', :at)", {"at": world.clock.now()})
    async with world.app.uow(operator(world.practice_id)) as u:
        found = await audit.verify(u)
    assert "no row says that retention took them" in str(found.first_problem)


@pytest.mark.covers("GOV-7")
@pytest.mark.parametrize("name", [kept.setting for kept in retention.KEPT])
def test_nobody_keeps_less_than_the_platform_says(name: str):
    floor = PracticeSettings.model_fields[name].default
    with pytest.raises(ValueError, match=name):
        PracticeSettings(**{name: floor - 1})
    assert PracticeSettings(**{name: floor + 1})
