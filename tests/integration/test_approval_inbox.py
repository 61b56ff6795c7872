"""The inbox: what an approver reads, the thread, reminders, approvals for a time, several at once."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from services.access.contracts import DemoPerson
from services.bootstrap import App
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalRow
from services.engine.judging import judged
from services.engine.ticks import TICKS, run_tick
from services.kit.actor import Actor
from services.kit.clock import VirtualClock
from services.kit.errors import Forbidden, Invalid
from services.kit.practices import practices_with
from tests.factories.api import sign_in, step_up
from tests.factories.journeys import changed, email, journey, person
from tests.factories.practice import make_contact, run

PATIENTS = {"include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}]}
MIND = next(tick for tick in TICKS if tick.name == "approvals")


async def requested(app: App, author: Actor, name: str = "Recall") -> ApprovalRow:
    async with app.uow(author) as u:
        row = await campaigns.create(u, name=name, journey=journey(audience=PATIENTS))
        return await campaigns.request_approval(u, row.campaign_id)


@pytest.mark.covers("LIF-6")
async def test_an_approver_reads_what_changed_whom_it_reaches_and_the_thread(
    app: App, practice: UUID, database_url: str
):
    for _ in range(2):
        make_contact(database_url, practice, app.clock.now())
    author, approver = person(practice, "author", "read", "manage"), person(practice, "approve", "read")
    first = await requested(app, author)
    async with app.uow(approver) as u:
        seen = await judged(u, first.approval_id)
        assert (seen.reach.count, seen.risks, seen.changed_words, seen.audience_was) == (2, [], [], "")
        await campaigns.approve(u, first.approval_id)
    both = changed(
        journey(audience={**PATIENTS, "kinds": ["patient", "lead"]}),
        hello={"variants": [{"content": email("Hello", "<p>Come and <b>see</b> us</p>")}]},
    )
    async with app.uow(author) as u:
        await campaigns.pause(u, first.campaign_id, reason="Better words")
        revision = (await campaigns.get(u, first.campaign_id)).draft_revision
        await campaigns.save_draft(u, first.campaign_id, both, revision=revision)
        second = await campaigns.request_approval(u, first.campaign_id)
        await campaigns.comment(u, second.approval_id, " Shorter, as you asked. ")
    async with app.uow(approver) as u:
        await campaigns.comment(u, second.approval_id, "Thank you.")
        seen = await judged(u, second.approval_id)
    assert [(c.step, c.channel, "see us" in c.now, "Hello" in c.before) for c in seen.changed_words] == [
        ("Hello", "email", True, True)
    ]
    assert "<" not in seen.changed_words[0].now
    assert seen.audience_was
    assert seen.audience_was != seen.reach.sentence
    assert [c.words for c in seen.comments] == ["Shorter, as you asked.", "Thank you."]
    async with app.uow(person(practice, "read")) as u:
        with pytest.raises(Forbidden):
            await campaigns.comment(u, second.approval_id, "I am only looking.")


@pytest.mark.covers("LIF-6")
async def test_approvers_are_reminded_once_and_an_approval_for_a_time_runs_out(
    app: App, practice: UUID, clock: VirtualClock, database_url: str
):
    author, approver = person(practice), person(practice)
    request = await requested(app, author)
    run(
        database_url,
        "UPDATE cm.practice SET settings = '{\"approval_reminder_hours\": 5}' WHERE practice_id = :p",
        {"p": practice},
    )
    clock.advance(hours=4.9)
    assert await practices_with(app.uow.engine, "approvals", clock.now()) == []
    assert await run_tick(app, MIND) == 0
    clock.advance(hours=0.2)
    assert await run_tick(app, MIND) == 1
    assert await run_tick(app, MIND) == 0, "once"
    async with app.uow(approver) as u:
        (row,) = await campaigns.inbox(u)
        assert row.reminded_at == clock.now()
        told = await u.execute("SELECT type FROM cm.outbox WHERE type LIKE '%reminded'")
        assert told.scalars().all() == ["campaign.approval_reminded"]
        with pytest.raises(Invalid, match="ends after it begins"):
            await campaigns.approve(u, request.approval_id, until=clock.now())
        await campaigns.approve(u, request.approval_id, until=clock.now() + timedelta(days=2))
    assert await run_tick(app, MIND) == 0
    clock.advance(days=2)
    assert await run_tick(app, MIND) == 1
    assert await run_tick(app, MIND) == 0
    async with app.uow(author) as u:
        assert (await campaigns.get(u, request.campaign_id)).row.state == "paused"
        with pytest.raises(Invalid, match="new approval"):
            await campaigns.resume(u, request.campaign_id)
        again = await campaigns.request_approval(u, request.campaign_id)
    async with app.uow(approver) as u:
        await campaigns.approve(u, again.approval_id)
        assert (await campaigns.get(u, request.campaign_id)).row.state == "active"
    assert await run_tick(app, MIND) == 0


@pytest.mark.covers("LIF-6", "GOV-2", "LIF-10")
async def test_several_are_approved_at_once_with_a_fresh_code_and_each_outcome_is_told(
    app: App, practice: UUID, client: httpx.AsyncClient, cast: dict[str, DemoPerson]
):
    author = person(practice)
    ids = [str((await requested(app, author, f"Recall {n}")).approval_id) for n in range(2)]
    async with app.uow(author) as u:
        await campaigns.withdraw(u, (await campaigns.approval(u, UUID(ids[1]))).row.campaign_id)
    await sign_in(client, cast["approver"])
    body = {"approval_ids": ids, "note": "Both read"}
    refused = await client.post("/api/v1/approvals/decisions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
    await step_up(client, app, cast["approver"])
    done = (await client.post("/api/v1/approvals/decisions", json=body)).json()
    assert [(one["name"], one["done"]) for one in done] == [("Recall 0", True), ("Recall 1", False)]
    assert "already" in done[1]["why_not"]
