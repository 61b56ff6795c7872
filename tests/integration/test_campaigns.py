"""Campaigns from draft to the end: the service on a real database."""

from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.campaigns.contracts import CampaignFilter
from services.contracts.journey import Journey
from services.kit.errors import Forbidden, Invalid, NotFound, StaleWrite, TransitionError
from services.kit.uow import Unit
from tests.factories.journeys import journey, person


async def tags_of(u: Unit) -> list[str]:
    rows = await u.execute("SELECT tag FROM cm.audit ORDER BY at, batch_id, seq")
    return list(rows.scalars())


async def emitted(app: App, practice: UUID) -> list[str]:
    async with app.uow(person(practice)) as u:
        return list((await u.execute("SELECT type FROM cm.outbox ORDER BY outbox_id")).scalars())


@pytest.mark.covers("LIF-1")
async def test_a_draft_is_made_edited_cloned_and_deleted(app: App, practice: UUID):
    author = person(practice)
    async with app.uow(author) as u:
        row = await campaigns.create(u, name="  Spring  recall ", journey=journey())
        assert (row.name, row.state, row.kind, row.is_journey) == ("Spring recall", "draft", "one_off", True)
        revision = await campaigns.save_draft(u, row.campaign_id, journey(how="event"), revision=1)
        detail = await campaigns.get(u, row.campaign_id)
        assert (detail.row.kind, detail.draft_revision, revision) == ("event", 2, 2)
        assert detail.draft == journey(how="event")
        copy = await campaigns.clone(u, row.campaign_id)
        assert copy.name == "Spring recall (copy)"
        await campaigns.rename(u, copy.campaign_id, "Autumn")
        await campaigns.set_tags(u, copy.campaign_id, [" Recall", "recall", "VIP"])
        assert (await campaigns.get(u, copy.campaign_id)).row.tags == ["recall", "vip"]
        await campaigns.delete(u, copy.campaign_id)
        with pytest.raises(NotFound):
            await campaigns.get(u, copy.campaign_id)
        assert await tags_of(u) == [
            "campaign.created", "campaign.edited", "campaign.cloned", "campaign.edited", "campaign.edited",
            "campaign.deleted",
        ]  # fmt: skip
    assert (await emitted(app, practice))[:3] == ["campaign.created", "campaign.updated", "campaign.created"]


@pytest.mark.covers("LIF-1")
async def test_an_external_key_makes_one_campaign(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        first = await campaigns.create(u, name="One", external_key="crm-7")
        again = await campaigns.create(u, name="Two", external_key="crm-7")
        assert first.campaign_id == again.campaign_id
        assert again.name == "One"


@pytest.mark.covers("BLD-5")
async def test_two_editors_cannot_overwrite_each_other(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        row = await campaigns.create(u, name="Recall", journey=journey())
        await campaigns.save_draft(u, row.campaign_id, journey("First"), revision=1)
    with pytest.raises(StaleWrite, match="Somebody else saved"):
        async with app.uow(person(practice)) as u:
            await campaigns.save_draft(u, row.campaign_id, journey("Second"), revision=1)


@pytest.mark.covers("GOV-6")
async def test_a_stored_definition_cannot_be_read_from_the_table(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        row = await campaigns.create(u, name="Recall", journey=journey("Words nobody sees"))
        await campaigns.request_approval(u, row.campaign_id)
        stored = (
            await u.execute(
                "SELECT draft, definition FROM cm.campaign JOIN cm.campaign_version USING (campaign_id)"
            )
        ).one()
        assert all(b"Words nobody sees" not in bytes(value) for value in stored)


async def test_a_version_never_changes(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        row = await campaigns.create(u, name="Recall", journey=journey())
        await campaigns.request_approval(u, row.campaign_id)
    for verb in ("UPDATE cm.campaign_version SET number = 2", "DELETE FROM cm.campaign_version"):
        with pytest.raises(DBAPIError):
            async with app.uow(person(practice)) as u:
                await u.execute(verb)


async def test_an_unreadable_draft_is_shown_as_problems(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        row = await campaigns.create(u, name="Recall", journey=journey())
        sealed = u.keyring.seal(
            b'{"steps": [{"id": "a", "kind": "script", "run": "rm"}]}',
            place=f"campaign.draft:{row.campaign_id}",
        )
        await u.execute("UPDATE cm.campaign SET draft = :draft", draft=sealed)
        detail = await campaigns.get(u, row.campaign_id)
        assert detail.draft == Journey()
        assert detail.draft_problems[0].step_id == "a"


@pytest.mark.covers("INS-3")
async def test_the_dashboard_filters_counts_and_pages(app: App, practice: UUID):
    author, approver = person(practice), person(practice)
    async with app.uow(author) as u:
        for n in range(5):
            await campaigns.create(u, name=f"Recall {n}", journey=journey(), ai_generated=n == 0)
        event = await campaigns.create(u, name="100% welcome", journey=journey(how="event"))
        request = await campaigns.request_approval(u, event.campaign_id)
    async with app.uow(approver) as u:
        await campaigns.approve(u, request.approval_id)
        all_of = await campaigns.page(u, CampaignFilter(limit=4, sort="name"))
        assert all_of.counts_by_state == {
            "draft": 5, "active": 1, "scheduled": 0, "paused": 0, "completed": 0, "cancelled": 0,
        }  # fmt: skip
        rest = await campaigns.page(u, CampaignFilter(limit=4, sort="name", cursor=all_of.next))
        names = [row.name for row in (*all_of.rows, *rest.rows)]
        assert names == ["100% welcome", *(f"Recall {n}" for n in range(5))]
        assert rest.next is None

        async def found(**filters: object) -> list[str]:
            answer = await campaigns.page(u, CampaignFilter.model_validate({"sort": "name", **filters}))
            return [row.name for row in answer.rows]

        assert await found(states=["active"]) == ["100% welcome"]
        assert await found(kinds=["event"]) == ["100% welcome"]
        assert await found(origin="ai") == ["Recall 0"]
        assert len(await found(origin="manual")) == 5
        assert await found(search="0%") == ["100% welcome"]
        assert await found(activated_from=u.now) == ["100% welcome"]
        assert await found(created_to=u.now) == []
        with pytest.raises(Invalid):
            await campaigns.page(u, CampaignFilter(cursor="nonsense"))


@pytest.mark.covers("LIF-2", "LIF-4")
async def test_a_campaign_lives_by_the_table(app: App, practice: UUID):
    author, approver = person(practice), person(practice)
    async with app.uow(author) as u:
        row = await campaigns.create(u, name="Recall", journey=journey())
        with pytest.raises(TransitionError, match=r"draft.*paused"):
            await campaigns.pause(u, row.campaign_id, reason="no")
        with pytest.raises(TransitionError, match=r"draft.*active"):
            await campaigns.resume(u, row.campaign_id)
        request = await campaigns.request_approval(u, row.campaign_id)
    async with app.uow(approver) as u:
        await campaigns.approve(u, request.approval_id)
        detail = await campaigns.get(u, row.campaign_id)
        assert detail.row.state == "active"
        assert detail.active_version is not None
        with pytest.raises(Forbidden):
            async with app.uow(person(practice, "read", "author")) as other:
                await campaigns.pause(other, row.campaign_id, reason="no")
    async with app.uow(author) as u:
        with pytest.raises(Exception, match="Pause it first"):
            await campaigns.save_draft(u, row.campaign_id, journey("New"), revision=1)
        await campaigns.pause(u, row.campaign_id, reason="Holiday")
        await campaigns.pause(u, row.campaign_id, reason="Holiday again")  # accepted, and nothing happens
        await campaigns.resume(u, row.campaign_id)
        await campaigns.pause(u, row.campaign_id, reason="Words")
        await campaigns.save_draft(u, row.campaign_id, journey("New"), revision=1)
        with pytest.raises(Invalid, match="approval"):
            await campaigns.resume(u, row.campaign_id)
        second = await campaigns.request_approval(u, row.campaign_id)
        assert second.version_number == 2
    async with app.uow(approver) as u:
        await campaigns.approve(u, second.approval_id)
        await campaigns.cancel(u, row.campaign_id, reason="Enough")
        with pytest.raises(TransitionError, match="final"):
            await campaigns.resume(u, row.campaign_id)
        moves = await u.execute(
            "SELECT detail::jsonb ->> 'before', detail::jsonb ->> 'after' FROM cm.audit"
            " WHERE tag = 'campaign.state_changed' ORDER BY audit_id"
        )
        assert moves.all() == [
            ("draft", "active"), ("active", "paused"), ("paused", "active"), ("active", "paused"),
            ("paused", "active"), ("active", "cancelled"),
        ]  # fmt: skip
        runs = (await u.execute("SELECT number, outcome FROM cm.execution ORDER BY number")).all()
        assert runs == [(1, "stopped"), (2, "stopped")]
    assert [t for t in await emitted(app, practice) if t not in ("campaign.created", "campaign.updated")] == [
        "campaign.activated", "campaign.content.published", "campaign.content.published",
        "campaign.started", "campaign.paused", "campaign.resumed", "campaign.paused",
        "campaign.resumed", "campaign.content.published", "campaign.content.published",
        "campaign.started", "campaign.cancelled",
    ]  # fmt: skip


@pytest.mark.covers("LIF-7")
async def test_the_kill_switch_is_set_once_and_audited(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        with pytest.raises(Invalid):
            await campaigns.kill_switch(u, True, " ")
        await campaigns.kill_switch(u, True, "Wrong price in a text")
        await campaigns.kill_switch(u, True, "Again")
        row = (await u.execute("SELECT kill_switch_at, kill_switch_reason FROM cm.practice")).one()
        assert row == (u.now, "Wrong price in a text")
        await campaigns.kill_switch(u, False, "Corrected")
        assert await tags_of(u) == ["kill_switch.on", "kill_switch.off"]


@pytest.mark.covers("LIF-3")
async def test_what_kind_of_run_an_entry_gets(app: App, practice: UUID):
    """Segment and dynamic entries run at once; the scheduler opens a schedule's runs; events need none."""
    starts = {}
    for how in ("segment", "dynamic", "schedule", "event"):
        async with app.uow(person(practice)) as u:
            row = await campaigns.create(u, name=how, journey=journey(how=how))
            request = await campaigns.request_approval(u, row.campaign_id)
        async with app.uow(person(practice)) as u:
            await campaigns.approve(u, request.approval_id)
            found = await u.execute(
                "SELECT started_at FROM cm.execution WHERE campaign_id = :c", c=row.campaign_id
            )
            starts[how] = found.scalar_one_or_none()
    now = app.clock.now()
    assert starts == {
        "segment": now, "dynamic": now, "schedule": None, "event": None,
    }  # fmt: skip
