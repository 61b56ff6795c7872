"""Acts on campaigns: drafts, approvals, changes while people are under way, and what campaigns are made of."""

from datetime import timedelta
from uuid import UUID

import orjson

from services.audience import segments
from services.audit.tags import AuditTag
from services.campaigns import lifecycle
from services.campaigns import service as campaigns
from services.campaigns.contracts import ChosenFate
from services.content import service as content
from services.contracts.journey import ChannelContent
from services.contracts.segment import Audience, Condition
from services.test_sends import service as test_sends
from services.test_sends.contracts import TryOut
from tests.factories.acts.stage import PATIENTS, Row, Stage, act
from tests.factories.journeys import changed, journey
from tests.factories.practice import run


@act(AuditTag.CAMPAIGN_CREATED)
async def created(s: Stage) -> Row:
    return Row(actor=s.author.ref, campaign=await s.draft())


@act(AuditTag.CAMPAIGN_EDITED)
async def edited(s: Stage) -> Row:
    campaign = await s.draft()
    async with s.world.app.uow(s.author) as u:
        await campaigns.save_draft(u, campaign, journey("Other words"), revision=1)
    return Row(actor=s.author.ref, campaign=campaign)


@act(AuditTag.CAMPAIGN_DELETED)
async def deleted(s: Stage) -> Row:
    campaign = await s.draft()
    async with s.world.app.uow(s.author) as u:
        await campaigns.delete(u, campaign)
    return Row(actor=s.author.ref, campaign=campaign)


@act(AuditTag.CAMPAIGN_CLONED)
async def cloned(s: Stage) -> Row:
    campaign = await s.draft()
    async with s.world.app.uow(s.author) as u:
        copy = (await campaigns.clone(u, campaign)).campaign_id
    return Row(actor=s.author.ref, campaign=copy, detail={"source": str(campaign)})


@act(AuditTag.STATE_CHANGED)
async def state_changed(s: Stage) -> Row:
    campaign = (await s.approved()).campaign_id
    async with s.world.app.uow(s.author) as u:
        await campaigns.pause(u, campaign, reason="Wrong price")
    detail = {"before": "active", "after": "paused"}
    return Row(actor=s.author.ref, campaign=campaign, reason="Wrong price", detail=detail)


@act(AuditTag.VERSION_PUBLISHED)
async def version_published(s: Stage) -> Row:
    return Row(actor=s.author.ref, campaign=(await s.requested()).campaign_id, detail={"number": 1})


async def changed_while_running(s: Stage) -> tuple[str, UUID]:
    """A running campaign loses a step; its people are to go past it."""
    s.contact()
    first = await s.approved()
    await s.world.run()
    async with s.world.app.uow(s.author) as u:
        await campaigns.pause(u, first.campaign_id, reason="A better text")
        revision = (await campaigns.get(u, first.campaign_id)).draft_revision
        await campaigns.save_draft(
            u, first.campaign_id, changed(journey(audience=PATIENTS), pause=None), revision=revision
        )
        fates = [
            ChosenFate(version_id=g.version_id, step_id=g.step_id, choice=g.proposed, to_step=g.to_step)
            for g in (await campaigns.impact(u, first.campaign_id)).groups
        ]
        second = await campaigns.request_approval(u, first.campaign_id, fates=fates)
    async with s.world.app.uow(s.approver) as u:
        await campaigns.approve(u, second.approval_id)
    return s.approver.ref, first.campaign_id


@act(AuditTag.CHANGE_DECIDED)
async def change_decided(s: Stage) -> Row:
    actor, campaign = await changed_while_running(s)
    return Row(actor=actor, campaign=campaign)


@act(AuditTag.CHANGE_CARRIED_OUT)
async def change_carried_out(s: Stage) -> Row:
    _, campaign = await changed_while_running(s)
    await s.world.run()
    return Row(actor="engine", campaign=campaign)


@act(AuditTag.CONTENT_PUBLISHED)
async def content_published(s: Stage) -> Row:
    return Row(actor=s.approver.ref, campaign=(await s.approved()).campaign_id)


@act(AuditTag.APPROVAL_REQUESTED)
async def approval_requested(s: Stage) -> Row:
    asked = await s.requested()
    return Row(actor=s.author.ref, campaign=asked.campaign_id)


@act(AuditTag.APPROVAL_GRANTED)
async def approval_granted(s: Stage) -> Row:
    return Row(actor=s.approver.ref, campaign=(await s.approved()).campaign_id)


@act(AuditTag.APPROVAL_SENT_BACK)
async def approval_sent_back(s: Stage) -> Row:
    asked = await s.requested()
    async with s.world.app.uow(s.approver) as u:
        await campaigns.send_back(u, asked.approval_id, note="Mention the price")
    return Row(actor=s.approver.ref, campaign=asked.campaign_id, reason="Mention the price")


@act(AuditTag.APPROVAL_REVOKED)
async def approval_revoked(s: Stage) -> Row:
    asked = await s.requested()
    async with s.world.app.uow(s.author) as u:
        await campaigns.save_draft(u, asked.campaign_id, journey("Other words"), revision=1)
    return Row(actor=s.author.ref, campaign=asked.campaign_id, reason="The campaign was edited.")


@act(AuditTag.APPROVAL_COMMENTED)
async def approval_commented(s: Stage) -> Row:
    asked = await s.requested()
    async with s.world.app.uow(s.approver) as u:
        await campaigns.comment(u, asked.approval_id, "Why on a Monday?")
    detail = {"approval": str(asked.approval_id)}
    return Row(actor=s.approver.ref, campaign=asked.campaign_id, detail=detail)


@act(AuditTag.APPROVAL_REMINDED)
async def approval_reminded(s: Stage) -> Row:
    asked = await s.requested()
    s.world.clock.advance(hours=25)
    await s.tick("approvals")
    detail = {"approval": str(asked.approval_id)}
    return Row(actor="scheduler", campaign=asked.campaign_id, detail=detail)


@act(AuditTag.APPROVAL_RAN_OUT)
async def approval_ran_out(s: Stage) -> Row:
    asked = await s.requested()
    async with s.world.app.uow(s.approver) as u:
        await campaigns.approve(u, asked.approval_id, until=u.now + timedelta(hours=2))
    s.world.clock.advance(hours=3)
    await s.tick("approvals")
    detail = {"approval": str(asked.approval_id)}
    return Row(actor="scheduler", campaign=asked.campaign_id, detail=detail)


@act(AuditTag.SINGLE_OPERATOR_EXEMPTION)
async def single_operator(s: Stage) -> Row:
    kept = await s.world.one("SELECT settings::text FROM cm.practice WHERE practice_id = :practice")
    of = {"p": s.practice, "settings": orjson.dumps({**orjson.loads(kept), "single_operator": True}).decode()}
    store = "UPDATE cm.practice SET settings = CAST(:settings AS jsonb) WHERE practice_id = :p"
    run(s.url, store, of)
    asked = await s.requested()
    async with s.world.app.uow(s.author) as u:
        await campaigns.approve(u, asked.approval_id)
    run(s.url, store, {**of, "settings": kept})
    return Row(actor=s.author.ref, campaign=asked.campaign_id)


@act(AuditTag.KILL_SWITCH_ON)
async def kill_switch_on(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        await lifecycle.kill_switch(u, True, "Wrong price in a text")
    async with s.world.app.uow(s.author) as u:
        await lifecycle.kill_switch(u, False, "")
    return Row(actor=s.author.ref, reason="Wrong price in a text")


@act(AuditTag.KILL_SWITCH_OFF)
async def kill_switch_off(s: Stage) -> Row:
    for on, reason in ((True, "Wrong price"), (False, "Put right")):
        async with s.world.app.uow(s.author) as u:
            await lifecycle.kill_switch(u, on, reason)
    return Row(actor=s.author.ref, reason="Put right")


@act(AuditTag.TEMPLATE_CHANGED)
async def template_changed(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        words = ChannelContent(body="Hello {{ contact.first_name }}. Reply STOP to opt out.")
        made = await content.create_template(u, name="Short text", channel="sms", content=words)
    return Row(actor=s.author.ref, detail={"template": str(made.template_id)})


@act(AuditTag.SEGMENT_CHANGED)
async def segment_changed(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        near = Audience(include=[Condition(field="contact.postcode", op="starts_with", value="BS1")])
        made = await segments.create(u, name="Near us", audience=near)
    return Row(actor=s.author.ref, detail={"segment": str(made)})


@act(AuditTag.TEST_SENT)
async def test_sent(s: Stage) -> Row:
    campaign = await s.draft()
    wanted = TryOut(step_id="hello", channel="email", addresses=["maya@practice.example"])
    await test_sends.send(s.world.app, s.author, campaign, wanted, hub=s.hub.client())
    return Row(actor=s.author.ref, campaign=campaign, detail={"step": "hello", "channel": "email"})
