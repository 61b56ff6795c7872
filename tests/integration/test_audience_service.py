"""Counting, previews, saved segments and snapshots on a real database."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.audience import segments, service
from services.audience.errors import RuleInvalid, SegmentInUse
from services.bootstrap import App
from services.contracts.journey import Journey
from services.contracts.segment import Audience, Condition, InList, InSegment
from services.kit.actor import Actor, system
from services.kit.errors import Conflict, Forbidden, NotFound
from services.kit.ids import new_id
from tests.factories.practice import make_contact, run
from tests.factories.snapshots import frozen

AUTHOR = frozenset({"author", "read", "compliance"})
BRISTOL = Condition(field="contact.postcode", op="starts_with", value="bs")


def author(practice: UUID) -> Actor:
    return Actor(practice, "person:author", AUTHOR, person_id=new_id())


@pytest.fixture
def people(app: App, practice: UUID, database_url: str) -> list[UUID]:
    """Three of Bristol (one deceased), one of Bath."""
    now = app.clock.now()
    postcodes = [("BS1 5TY", False), ("bs8 1aa", False), ("BS2 0AA", True), ("BA1 1AA", False)]
    return [
        make_contact(database_url, practice, now, postcode=postcode, deceased=deceased)
        for postcode, deceased in postcodes
    ]


@pytest.mark.covers("AUD-4")
async def test_preview_counts_samples_and_asks_the_gates_once(app: App, practice: UUID, people: list[UUID]):
    asked = []

    async def gates(source: str, params: dict) -> tuple[int, list[tuple[str, str, int]]]:
        found = await u.execute(source, practice=practice, **params)
        asked.append({row.contact_id for row in found})
        return 1, [("NO_CONSENT", "They have not agreed.", 1)]

    journey = Journey(audience=Audience(include=[BRISTOL]))
    async with app.uow(author(practice)) as u:
        seen = await service.preview(u, journey, breakdown=gates)
        assert (seen.count, seen.reachable) == (2, 1)
        assert [(x.reason, x.count) for x in seen.excluded] == [("NO_CONSENT", 1)]
        assert {person.name for person in seen.sample} == {"Ada B."}
        assert seen.sentence == "Leads and patients whose postcode starts with “bs”."
        assert asked == [set(people[:2])]
        assert await service.contains(u, journey.audience, people[0])
        assert not await service.contains(u, journey.audience, people[3])
        empty = await service.preview(u, Journey(), breakdown=gates)
        assert (empty.count, empty.sample) == (0, [])
        with pytest.raises(RuleInvalid, match="no field called"):
            await service.count(u, Audience(include=[Condition(field="clinical.notes", op="is_set")]))


@pytest.mark.covers("AUD-3")
async def test_membership_is_of_the_moment_never_a_copy(
    app: App, practice: UUID, people: list[UUID], database_url: str
):
    async with app.uow(author(practice)) as u:
        before = await service.count(u, Audience(include=[BRISTOL]))
    run(
        database_url,
        "UPDATE canonical.contact SET postcode = 'BS9 9ZZ' WHERE contact_id = :c",
        {"c": people[3]},
    )
    async with app.uow(author(practice)) as u:
        assert await service.count(u, Audience(include=[BRISTOL])) == before + 1


async def test_days_are_the_practices_own(app: App, practice: UUID, database_url: str):
    """00:30 on 1 June in London is 23:30 on 31 May in UTC."""
    midnight_thirty = app.clock.now().replace(hour=0, minute=30) - timedelta(hours=1)
    make_contact(database_url, practice, app.clock.now(), registered_at=midnight_thirty)
    today = Audience(include=[Condition(field="contact.registered", op="within_last_days", value=0)])
    async with app.uow(author(practice)) as u:
        assert await service.count(u, today) == 1


@pytest.mark.covers("AUD-1", "AUD-4")
async def test_the_life_of_a_segment(app: App, practice: UUID, people: list[UUID], database_url: str):
    async with app.uow(author(practice)) as u:
        bristol = await segments.create(u, name="Bristol", audience=Audience(include=[BRISTOL]))
        inner = Audience(include=[InSegment(segment_id=bristol)])
        built_on = await segments.create(u, name="Ours", audience=inner)
        assert await service.measure(u) == {bristol: 2, built_on: 2}
        (row,) = [r for r in await segments.page(u) if r.segment_id == built_on]
        assert row.sentence == "Leads and patients in the segment “Bristol”."
        assert row.size == 2
        with pytest.raises(Conflict, match="already a segment"):
            await segments.create(u, name="bristol", audience=inner)
        with pytest.raises(RuleInvalid, match="built on itself"):
            await segments.update(u, bristol, name="Bristol", audience=inner)
        with pytest.raises(RuleInvalid, match="does not exist"):
            await segments.create(u, name="Lost", audience=Audience(include=[InSegment(segment_id=new_id())]))
        with pytest.raises(SegmentInUse, match="“Ours”"):
            await segments.archive(u, bristol)
        only_first = Audience(include=[InList(contacts=people[:1])])
        await segments.update(u, bristol, name="Bristol and Bath", audience=only_first)
        assert await service.count(u, inner) == 1
        await segments.archive(u, built_on)
        await segments.archive(u, bristol)
        assert await segments.page(u) == []
        assert await service.count(u, inner) == 1, "campaigns that use an archived segment go on"
    app.clock.advance(days=1)
    run(database_url, "UPDATE cm.segment SET archived_at = NULL WHERE segment_id = :s", {"s": bristol})
    async with app.uow(author(practice)) as u:
        await service.measure(u, bristol)
        assert [point.size for point in await segments.history(u, bristol)] == [2, 1]
    async with app.uow(Actor(practice, "person:reader", frozenset({"read"}))) as u:
        with pytest.raises(Forbidden):
            await segments.create(u, name="No", audience=only_first)


@pytest.mark.covers("AUD-5")
async def test_a_snapshot_is_sealed_and_opens_only_here(
    app: App, practice: UUID, people: list[UUID], database_url: str
):
    execution, campaign = new_id(), new_id()
    run(database_url, "INSERT INTO cm.execution (practice_id, execution_id, campaign_id, version_id, number, started_at)"
        " VALUES (:p, :e, :c, :c, 1, :now)", {"p": practice, "e": execution, "c": campaign, "now": app.clock.now()})  # fmt: skip
    async with app.uow(system(practice, "engine")) as u:
        taken = await service.snapshot(u, execution, Audience(include=[BRISTOL]))
        with pytest.raises(NotFound):
            await service.snapshot(u, new_id(), Audience(include=[BRISTOL]))
    assert taken.size == 2
    async with app.uow(author(practice)) as u:
        sealed = bytes((await u.execute("SELECT members FROM cm.audience_snapshot")).scalar_one())
        assert not any(person.bytes in sealed for person in people)
        assert [s.size for s in await service.snapshots(u, campaign)] == [2]
        assert await frozen(u, taken.snapshot_id) == sorted(people[:2])
        tags = (await u.execute("SELECT tag FROM cm.audit ORDER BY at, seq")).scalars().all()
        assert "execution.audience_snapshot" in tags


async def test_open_choices_come_from_the_data(app: App, practice: UUID, people: list[UUID]):
    async with app.uow(author(practice)) as u:
        assert await service.choices(u, "contact.locale") == [("en-GB", "en-GB")]
        assert ("won", "Won") in await service.choices(u, "pipeline.outcome")
        with pytest.raises(RuleInvalid):
            await service.choices(u, "contact.age")


async def test_the_planner_is_told_for_one_question_only(app: App, practice: UUID, people: list[UUID]):
    shown = "SELECT name, setting FROM pg_settings"
    async with app.uow(author(practice)) as u:
        before = (await u.execute(shown)).all()
        async with service.over_everyone(u):
            told = dict(set((await u.execute(shown)).all()) - set(before))
        assert {"work_mem": "131072", "min_parallel_index_scan_size": "8"}.items() <= told.items()
        await service.count(u, Audience(include=[BRISTOL]))
        assert (await u.execute(shown)).all() == before
