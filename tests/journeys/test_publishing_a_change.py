"""A running journey is changed and published with people inside (D8, LIF-5)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalRow, ChosenFate, Impact
from services.contracts.journey import Journey
from services.engine import carrying
from services.engine.service import Engine
from services.engine.timeline import timeline
from services.invariants.service import check
from services.kit.actor import Actor
from services.kit.errors import Conflict, Invalid
from tests.factories.journeys import changed, journey, person
from tests.factories.practice import make_contact
from tests.factories.world import World

PATIENTS = {"include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}]}
TWICE = """
SELECT enrolment_id, step_id, count(*) FROM cm.dispatch WHERE practice_id = :practice
GROUP BY 1, 2 HAVING count(*) > 1
"""


class Story:
    """One campaign with people in it, its author and its approver."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.author, self.approver = person(world.practice_id), person(world.practice_id)
        self.campaign_id = UUID(int=0)

    async def start(self, made: Journey) -> None:
        async with self.world.app.uow(self.author) as u:
            self.campaign_id = (await campaigns.create(u, name="Recall", journey=made)).campaign_id
            request = await campaigns.request_approval(u, self.campaign_id)
        await self.approve(request)
        await self.world.run()

    async def change(self, made: Journey) -> Impact:
        """Pause, edit, and look at what publishing would mean."""
        async with self.world.app.uow(self.author) as u:
            await campaigns.pause(u, self.campaign_id, reason="A better text")
            revision = (await campaigns.get(u, self.campaign_id)).draft_revision
            await campaigns.save_draft(u, self.campaign_id, made, revision=revision)
            return await campaigns.impact(u, self.campaign_id)

    async def ask(self, *fates: ChosenFate) -> ApprovalRow:
        async with self.world.app.uow(self.author) as u:
            return await campaigns.request_approval(u, self.campaign_id, fates=fates)

    async def approve(self, request: ApprovalRow, who: Actor | None = None) -> None:
        async with self.world.app.uow(who or self.approver) as u:
            await campaigns.approve(u, request.approval_id)

    async def standing(self) -> dict[tuple[int, str], int]:
        """(version, step) → people under way."""
        rows = await self.world.rows(
            "SELECT v.number, w.step_id, count(*) FROM cm.work w JOIN cm.campaign_version v"
            " ON v.practice_id = w.practice_id AND v.version_id = w.version_id"
            " WHERE w.practice_id = :practice GROUP BY 1, 2"
        )
        return {(r.number, r.step_id): r.count for r in rows}


def story(world: World, database_url: str, people: int, **how: Any) -> tuple[Story, list[UUID]]:
    now = world.app.clock.now()
    contacts = [make_contact(database_url, world.practice_id, now) for _ in range(people)]
    return Story(world), contacts


def chosen(impact: Impact, **fates: str) -> list[ChosenFate]:
    """What was proposed, but for the steps named: `finish`, `exit` or the step to go to."""
    made = []
    for group in impact.groups:
        fate = fates.get(group.step_id)
        choice, step = (group.proposed, group.to_step) if fate is None else ("move", fate)
        if fate in ("finish", "exit"):
            choice, step = fate, None  # type: ignore[assignment]
        made.append(
            ChosenFate(version_id=group.version_id, step_id=group.step_id, choice=choice, to_step=step)  # type: ignore[arg-type]
        )
    return made


async def clean(world: World) -> None:
    assert await world.rows(TWICE) == []
    assert await world.rows("SELECT 1 FROM cm.version_move WHERE practice_id = :practice") == []
    async with world.app.uow(person(world.practice_id)) as u:
        assert await check(u) == []


@pytest.mark.covers("LIF-5", "LIF-6")
async def test_people_are_moved_past_a_step_that_was_taken_out_and_nobody_is_lost(
    world: World, database_url: str
):
    told, contacts = story(world, database_url, 3)
    made = journey(audience=PATIENTS)
    await told.start(made)
    await world.event("concierge.recovery.started", {"contact_id": contacts[0]})
    assert await told.standing() == {(1, "pause"): 2}
    impact = await told.change(changed(made, pause=None))
    (group,) = impact.groups
    assert (group.step_id, group.live, group.held, group.proposed, group.to_step) == (
        "pause", 2, 1, "move", "again",
    )  # fmt: skip
    with pytest.raises(Invalid, match="a second time"):
        await told.ask(*chosen(impact, pause="hello"))
    request = await told.ask(*chosen(impact))
    (kept,) = request.impact
    assert (kept.choice, kept.to_step, kept.live, kept.held) == ("move", "again", 2, 1)
    await told.approve(request)
    # An engine that looked before the change knows of people due at the old step: it leaves them alone.
    world.clock.advance(days=4)
    await world.run()
    rows = await world.rows("SELECT contact_id, step_id FROM cm.dispatch WHERE practice_id = :practice")
    assert sorted(r.step_id for r in rows if r.contact_id != contacts[0]) == [
        "again",
        "again",
        "hello",
        "hello",
    ]
    assert [r.step_id for r in rows if r.contact_id == contacts[0]] == ["hello"], "held people stay held"
    held = await world.rows(
        "SELECT e.step_id, v.number FROM cm.enrolment e JOIN cm.campaign_version v USING (practice_id, version_id)"
        " WHERE e.practice_id = :practice AND e.state = 'held'"
    )
    assert [tuple(r) for r in held] == [("again", 2)]
    await world.event("concierge.contact.accepted", {"contact_id": contacts[0]})
    await world.run()
    async with world.app.uow(person(world.practice_id)) as u:
        items = (await timeline(u, contacts[1])).items
    moved = next(i for i in items if i.kind == "moved" and "changed" in i.sentence)
    assert dict(moved.facts)["Now at"] == "Reminder"
    tags = await world.rows(
        "SELECT tag, count(*) FROM cm.audit WHERE practice_id = :practice AND (tag LIKE 'campaign.change%'"
        " OR tag = 'enrolment.moved') GROUP BY 1"
    )
    assert {r.tag: r.count for r in tags} == {
        "campaign.change_decided": 1, "campaign.change_carried_out": 1, "enrolment.moved": 3,
    }  # fmt: skip
    await clean(world)


@pytest.mark.covers("LIF-5", "LIF-4")
async def test_each_group_finishes_moves_or_leaves_as_it_was_chosen(world: World, database_url: str):
    told, _ = story(world, database_url, 2)
    made = journey(
        audience=PATIENTS,
        steps=[
            {"id": "start", "kind": "entry", "how": "segment", "next": "pause"},
            {"id": "pause", "kind": "wait", "until": {"how": "duration", "minutes": 1440}, "next": "later"},
            {"id": "later", "kind": "wait", "until": {"how": "duration", "minutes": 1440}, "next": "done"},
            {"id": "done", "kind": "exit"},
        ],
    )
    await told.start(made)
    await world.advance(days=1.01)
    longer = changed(made, later={"until": {"how": "duration", "minutes": 2880}})
    assert await told.standing() == {(1, "later"): 2}
    impact = await told.change(longer)
    await told.approve(await told.ask(*chosen(impact, later="finish")))
    await world.run()
    assert await told.standing() == {(1, "later"): 2}, "they finish on the version they are in"
    # A wait that was made longer is so from when it began, for whoever is moved.
    before = await world.one("SELECT max(due_at) FROM cm.work WHERE practice_id = :practice")
    again = changed(longer, later={"until": {"how": "duration", "minutes": 1440 + 60}})
    impact = await told.change(again)
    assert [(g.version_number, g.step_id) for g in impact.groups] == [(1, "later")]
    await told.approve(await told.ask(*chosen(impact)))
    await world.run()
    assert await told.standing() == {(3, "later"): 2}
    after = await world.one("SELECT max(due_at) FROM cm.work WHERE practice_id = :practice")
    assert (after - before).total_seconds() == 3600
    impact = await told.change(changed(again, later=None))
    request = await told.ask(*chosen(impact, later="exit"))
    async with world.app.uow(told.author) as u:
        assert (await campaigns.request_approval(u, told.campaign_id)).approval_id != request.approval_id
    await told.approve(await told.ask(*chosen(impact, later="exit")))
    await world.run()
    rows = await world.rows("SELECT state, exit_reason FROM cm.enrolment WHERE practice_id = :practice")
    assert {tuple(r) for r in rows} == {("exited", "JOURNEY_CHANGED")}
    await clean(world)


@pytest.mark.covers("LIF-5", "ENG-2")
async def test_workers_that_race_and_one_that_dies_lose_nobody(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    told, _ = story(world, database_url, 24)
    made = journey(audience=PATIENTS)
    await told.start(made)
    for name in ("LOCK_LIVE", "LOCK_HELD"):
        smaller = getattr(carrying, name).replace(f"LIMIT {carrying.BATCH}", "LIMIT 5")
        monkeypatch.setattr(carrying, name, smaller)
    world.clock.advance(days=4)  # everybody is due at the old step the moment it goes on
    impact = await told.change(changed(made, pause=None, again=None))
    await told.approve(await told.ask(*chosen(impact)))
    async with world.app.uow(told.author) as u:
        await campaigns.pause(u, told.campaign_id, reason="Once more")
        with pytest.raises(Conflict, match="still being moved"):
            await campaigns.request_approval(u, told.campaign_id)
        await campaigns.resume(u, told.campaign_id)

    class Dies(Exception):
        pass

    died = False
    real = carrying._move

    async def move(*given: Any) -> None:
        nonlocal died
        await real(*given)
        if not died:
            died = True
            raise Dies  # after the statement, before the commit

    monkeypatch.setattr(carrying, "_move", move)
    engines = [Engine(world.app.uow, name=name) for name in ("one", "two", "three")]
    ended = await asyncio.gather(*(e.run_once(world.practice_id) for e in engines), return_exceptions=True)
    assert any(isinstance(one, Dies) for one in ended)
    await asyncio.gather(*(engine.drain(world.practice_id) for engine in engines))
    await world.run()
    sent = await world.rows(
        "SELECT step_id, count(*) FROM cm.dispatch WHERE practice_id = :practice GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(r) for r in sent] == [("hello", 24)], "the message that was taken out reached nobody"
    states = await world.rows(
        "SELECT state, count(*) FROM cm.enrolment WHERE practice_id = :practice GROUP BY 1"
    )
    assert [tuple(r) for r in states] == [("completed", 24)]
    await clean(world)
