"""Approval by another person, bound to one version (D9), and starts at the approved time."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalRow
from services.campaigns.errors import ApprovalClosed, NotEditable, OwnWork
from services.content import service as content
from services.content.errors import NameTaken
from services.contracts.journey import ChannelContent, Journey, Message
from services.kit.actor import Actor, system
from services.kit.clock import VirtualClock
from services.kit.errors import Forbidden, Invalid, TransitionError
from tests.factories.journeys import email, journey, person
from tests.factories.practice import make_contact, run


async def requested(app: App, author: Actor, made: Journey | None = None, **more: object) -> ApprovalRow:
    async with app.uow(author) as u:
        row = await campaigns.create(u, name="Recall", journey=made or journey())
        return await campaigns.request_approval(u, row.campaign_id, **more)  # type: ignore[arg-type]


async def state_of(app: App, practice: UUID, campaign_id: UUID) -> str:
    async with app.uow(person(practice)) as u:
        return (await campaigns.get(u, campaign_id)).row.state


@pytest.mark.covers("LIF-6", "GOV-1")
async def test_another_person_approves_what_they_saw(app: App, practice: UUID, database_url: str):
    made = journey(
        audience={"include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}]}
    )
    for _ in range(3):
        make_contact(database_url, practice, app.clock.now())
    author, approver = person(practice, "author", "read", "approve"), person(practice, "approve", "read")
    request = await requested(app, author, made, note="Please before Friday")
    assert (request.version_number, request.audience_count, request.note) == (1, 3, "Please before Friday")
    async with app.uow(author) as u:
        detail = await campaigns.approval(u, request.approval_id)
        assert not detail.may_decide
        assert "somebody else" in detail.why_not
        with pytest.raises(OwnWork, match="created"):
            await campaigns.approve(u, request.approval_id)
    async with app.uow(person(practice, "author", "read")) as u:
        with pytest.raises(Forbidden):
            await campaigns.approve(u, request.approval_id)
    async with app.uow(approver) as u:
        (shown,) = await campaigns.inbox(u)
        detail = await campaigns.approval(u, shown.approval_id)
        assert detail.may_decide
        assert detail.journey == made
        assert len(detail.summary) == 7
        done = await campaigns.approve(u, request.approval_id, note="Looks good")
        assert (done.state, done.campaign_state, done.decided_by, done.exemption) == (
            "used", "active", approver.person_id, False,
        )  # fmt: skip
        assert await campaigns.inbox(u) == []
        with pytest.raises(ApprovalClosed):
            await campaigns.approve(u, request.approval_id)


@pytest.mark.covers("LIF-6")
async def test_whoever_edited_a_version_cannot_approve_it(app: App, practice: UUID):
    author, editor = person(practice), person(practice)
    async with app.uow(author) as u:
        row = await campaigns.create(u, name="Recall", journey=journey())
    async with app.uow(editor) as u:
        await campaigns.save_draft(u, row.campaign_id, journey("Edited"), revision=1)
    async with app.uow(author) as u:
        request = await campaigns.request_approval(u, row.campaign_id)
    with pytest.raises(OwnWork, match="edited"):
        async with app.uow(editor) as u:
            await campaigns.approve(u, request.approval_id)
    with pytest.raises(OwnWork, match="Only a person"):
        async with app.uow(Actor(practice, "api:key", frozenset({"approve"}))) as u:
            await campaigns.approve(u, request.approval_id)


@pytest.mark.covers("LIF-6")
async def test_a_single_operator_is_exempt_and_each_use_is_audited(
    app: App, practice: UUID, database_url: str
):
    run(database_url, "UPDATE cm.practice SET settings = '{\"single_operator\": true}'", {})
    alone = person(practice)
    request = await requested(app, alone)
    async with app.uow(alone) as u:
        done = await campaigns.approve(u, request.approval_id)
        assert done.exemption
        tags = (
            await u.execute("SELECT tag FROM cm.audit WHERE tag LIKE 'approval.%' ORDER BY seq")
        ).scalars()
        assert "approval.single_operator_exemption" in list(tags)
    async with app.uow(person(practice)) as u:  # a second pair of eyes needs no exemption
        copy = await campaigns.clone(u, request.campaign_id)
        second = await campaigns.request_approval(u, copy.campaign_id)
    async with app.uow(alone) as u:
        assert not (await campaigns.approve(u, second.approval_id)).exemption


@pytest.mark.covers("LIF-6")
async def test_an_edit_revokes_and_the_inbox_shows_only_what_changed(app: App, practice: UUID):
    author, approver = person(practice), person(practice)
    first = await requested(app, author)
    async with app.uow(author) as u:
        again = await campaigns.request_approval(u, first.campaign_id)
        assert again == first  # asking twice is asking once
        await campaigns.save_draft(u, first.campaign_id, journey("Better words"), revision=1)
        assert await campaigns.inbox(u) == []
    with pytest.raises(ApprovalClosed, match="revoked"):
        async with app.uow(approver) as u:
            await campaigns.approve(u, first.approval_id)
    async with app.uow(author) as u:
        second = await campaigns.request_approval(u, first.campaign_id)
    async with app.uow(approver) as u:
        detail = await campaigns.approval(u, second.approval_id)
        assert detail.diff.sentences == ["The words of “Hello” changed."]
        with pytest.raises(Invalid):
            await campaigns.send_back(u, second.approval_id, note=" ")
        await campaigns.send_back(u, second.approval_id, note="Mention the price")
    async with app.uow(author) as u:
        seen = await campaigns.get(u, first.campaign_id)
        assert seen.last_decision is not None
        assert (seen.last_decision.state, seen.last_decision.decision_note) == (
            "sent_back",
            "Mention the price",
        )


@pytest.mark.covers("BLD-4")
async def test_what_is_not_ready_is_refused_with_its_problems(app: App, practice: UUID):
    value = journey().model_dump(mode="json")
    value["steps"][1]["variants"] = [{"content": {"email": {"subject": "", "body": "Dear [NAME]"}}}]
    value["audience"]["include"] = [{"node": "field", "field": "clinical.notes", "op": "is_set"}]
    async with app.uow(person(practice)) as u:
        row = await campaigns.create(u, name="Recall", journey=Journey.model_validate(value))
        with pytest.raises(Invalid) as refused:
            await campaigns.request_approval(u, row.campaign_id)
        assert {p["code"] for p in refused.value.problems} == {
            "no_subject", "placeholder", "bad_rule", "no_footer",
        }  # fmt: skip
        assert (await campaigns.get(u, row.campaign_id)).open_approval is None


@pytest.mark.covers("LIF-3")
async def test_a_scheduled_start_comes_at_its_time_and_not_before(
    app: App, practice: UUID, clock: VirtualClock
):
    author, approver = person(practice), person(practice)
    scheduler = system(practice, "scheduler")
    soon = clock.now() + timedelta(minutes=4)
    with pytest.raises(Invalid, match="5 minutes"):
        await requested(app, author, activate_at=soon)
    request = await requested(app, author, activate_at=clock.now() + timedelta(hours=2))
    async with app.uow(approver) as u:
        done = await campaigns.approve(u, request.approval_id)
        assert (done.state, done.campaign_state) == ("approved", "scheduled")
        row = (await campaigns.get(u, request.campaign_id)).row
        assert (row.kind, row.scheduled_at) == ("scheduled", request.activate_at)
        with pytest.raises(NotEditable, match="back to draft"):
            await campaigns.save_draft(u, request.campaign_id, journey("New"), revision=1)
        with pytest.raises(TransitionError):
            await campaigns.resume(u, request.campaign_id)
    clock.advance(minutes=119)
    async with app.uow(scheduler) as u:
        assert await campaigns.activate_due(u) == 0
    clock.advance(minutes=1)
    async with app.uow(scheduler) as u:
        assert await campaigns.activate_due(u) == 1
        assert await campaigns.activate_due(u) == 0
    assert await state_of(app, practice, request.campaign_id) == "active"
    async with app.uow(approver) as u:
        who = await u.execute(
            "SELECT actor FROM cm.audit WHERE tag = 'campaign.state_changed' ORDER BY at, audit_id"
        )
        assert list(who.scalars()) == [approver.ref, "scheduler"]
        granted = await u.execute("SELECT actor FROM cm.audit WHERE tag = 'approval.granted'")
        assert list(granted.scalars()) == [approver.ref]


@pytest.mark.covers("LIF-3")
async def test_taking_back_a_scheduled_start_takes_back_its_approval(
    app: App, practice: UUID, clock: VirtualClock
):
    author = person(practice)
    request = await requested(app, author, activate_at=clock.now() + timedelta(hours=2))
    async with app.uow(person(practice)) as u:
        await campaigns.approve(u, request.approval_id)
        await campaigns.unschedule(u, request.campaign_id, reason="Not yet")
    clock.advance(hours=3)
    async with app.uow(system(practice, "scheduler")) as u:
        assert await campaigns.activate_due(u) == 0
    assert await state_of(app, practice, request.campaign_id) == "draft"
    async with app.uow(author) as u:
        detail = await campaigns.get(u, request.campaign_id)
        assert (detail.row.kind, detail.row.scheduled_at) == ("one_off", None)
        assert detail.last_decision is not None
        assert detail.last_decision.state == "revoked"


@pytest.mark.covers("LIF-3")
async def test_an_approval_after_the_asked_time_starts_at_once(app: App, practice: UUID, clock: VirtualClock):
    request = await requested(app, person(practice), activate_at=clock.now() + timedelta(minutes=10))
    clock.advance(hours=1)
    async with app.uow(person(practice)) as u:
        assert (await campaigns.approve(u, request.approval_id)).campaign_state == "active"


@pytest.mark.covers("CNT-1", "CNT-2")
async def test_a_template_is_registered_checked_and_frozen_into_what_is_approved(app: App, practice: UUID):
    author, approver = person(practice), person(practice)
    words = ChannelContent(subject="Hi", body=email()["email"]["body"])
    async with app.uow(author) as u:
        made = await content.create_template(u, name="Hello mail", channel="email", content=words)
        assert made.required_variables == [
            "contact.first_name",
            "practice.address",
            "practice.name",
            "unsubscribe_url",
        ]
        with pytest.raises(NameTaken):
            await content.create_template(u, name="hello  MAIL", channel="email", content=words)
        with pytest.raises(Invalid) as refused:
            await content.create_template(
                u,
                name="Bad",
                channel="email",
                content=ChannelContent(body="{{ contact.shoe }} TODO {% if %}"),
            )
        assert [p["code"] for p in refused.value.problems] == ["placeholder", "bad_template", "no_subject"]
        value = journey().model_dump(mode="json")
        value["steps"][1]["variants"] = [{"template_id": str(made.template_id)}]
        row = await campaigns.create(u, name="Recall", journey=Journey.model_validate(value))
        assert await campaigns.problems_of(u, Journey.model_validate(value)) == []
        request = await campaigns.request_approval(u, row.campaign_id)
        assert (await content.template(u, made.template_id)).times_used == 1
        newer = ChannelContent(subject="Hi", body="Newer words " + words.body)
        assert (
            await content.update_template(u, made.template_id, name="Hello mail", content=newer)
        ).version == 2
    async with app.uow(approver) as u:
        await campaigns.approve(u, request.approval_id)
        hello = (await campaigns.journey_of(u, request.version_id)).steps[1]
        assert isinstance(hello, Message)
        assert hello.variants[0].content["email"] == words
        assert not (await campaigns.get(u, row.campaign_id)).row.changed
    async with app.uow(author) as u:
        await content.set_template_active(u, made.template_id, False)
        problems = await campaigns.problems_of(u, Journey.model_validate(value))
        assert problems[0].code == "unknown_template"
        assert await content.templates(u, channel="email", active_only=True) == []
        assert len(await content.templates(u)) == 1


@pytest.mark.covers("CNT-4", "GOV-4")
async def test_a_preview_reads_the_person_and_says_so_in_the_audit(
    app: App, practice: UUID, database_url: str
):
    contact = make_contact(database_url, practice, app.clock.now(), first_name="Grace")
    words = ChannelContent(subject="For {{ contact.first_name }}", body="{{ practice.address }}")
    async with app.uow(person(practice)) as u:
        shown = await content.preview_for(u, "in_app", words, contact)
        assert (shown.subject, shown.body) == ("For Grace", "1 Harbour Street, Bristol BS1 5TY")
        absent = ChannelContent(body="{{ next_appointment.date }}")
        assert (await content.preview_for(u, "in_app", absent, contact)).problem
        reads = await u.execute("SELECT count(*) FROM cm.audit WHERE tag = 'privacy.personal_data_read'")
        assert reads.scalar_one() == 2


@pytest.mark.covers("LIF-6")
@pytest.mark.parametrize("then", ["resume", "cancel", "complete"])
async def test_a_request_ends_with_what_it_asks_about(app: App, practice: UUID, then: str):
    first = await requested(app, person(practice))
    async with app.uow(person(practice)) as u:
        await campaigns.approve(u, first.approval_id)
        await campaigns.pause(u, first.campaign_id, reason="A pause")
        await campaigns.request_approval(u, first.campaign_id)
        assert len(await campaigns.inbox(u)) == 1
        match then:
            case "resume":
                await campaigns.resume(u, first.campaign_id)
            case "cancel":
                await campaigns.cancel(u, first.campaign_id, reason="Enough")
            case _:
                await campaigns.complete(u, first.campaign_id)
        assert await campaigns.inbox(u) == []
