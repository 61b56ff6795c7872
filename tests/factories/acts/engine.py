"""Acts of the engine: runs, people in journeys, steps, follow-ups, proofs and goals."""

from datetime import timedelta
from uuid import UUID

from services.audit.tags import AuditTag
from services.contracts.journey import Entry, Wait, WaitFor
from services.engine import by_hand
from services.engine.offers import SILENCE, offer_again
from services.followups import service as followups
from services.followups.contracts import FollowupChange, NewFollowup, Planned
from services.insights.conversions import record_conversions
from services.kit.actor import system
from services.proofs import service as proofs
from tests.factories.acts.campaigns import changed_while_running
from tests.factories.acts.stage import Row, Stage, act
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.practice import run

ENTERED = """
SELECT s.contact_id FROM cm.audit a JOIN cm.subject s USING (practice_id, pseudonym)
WHERE a.practice_id = :practice AND a.campaign_id = :c AND a.tag = 'enrolment.entered'
"""
PAUSE = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 10), next="end")


async def waiting(s: Stage, **who: object) -> tuple[Launched, UUID, UUID]:
    """Somebody in the middle of a journey: (campaign, contact, enrolment)."""
    made, contact = await s.running(PAUSE), s.contact(**who)
    enrolment = await s.enrol(made, contact)
    assert enrolment
    await s.world.run()
    return made, contact, enrolment


@act(AuditTag.EXECUTION_STARTED)
async def execution_started(s: Stage) -> Row:
    return Row(actor=s.approver.ref, campaign=(await s.approved()).campaign_id)


@act(AuditTag.EXECUTION_ENDED)
async def execution_ended(s: Stage) -> Row:
    made = await launch(s.world.app, s.practice, journey(message("hello", "end")))
    s.contact()
    await s.world.run()
    await s.world.run()
    return Row(actor="engine", campaign=made.campaign_id)


@act(AuditTag.AUDIENCE_SNAPSHOT)
async def audience_snapshot(s: Stage) -> Row:
    made = await launch(s.world.app, s.practice, journey(message("hello", "end")))
    await s.world.run()
    return Row(actor="engine", campaign=made.campaign_id, detail={"execution_id": str(made.execution_id)})


@act(AuditTag.ENROLLED)
async def enrolled(s: Stage) -> Row:
    made, contact, _ = await waiting(s)
    return Row(actor="engine", campaign=made.campaign_id, contact=contact)


@act(AuditTag.ENROLMENT_REFUSED)
async def enrolment_refused(s: Stage) -> Row:
    made, contact = await s.running(message("hello", "end")), s.contact(do_not_contact=True)
    await s.enrol(made, contact)
    return Row(actor="engine", campaign=made.campaign_id, contact=contact, reason="DO_NOT_CONTACT")


@act(AuditTag.ENROLMENT_HELD)
async def enrolment_held(s: Stage) -> Row:
    made, contact, _ = await waiting(s)
    await s.world.event("concierge.recovery.started", {"contact_id": contact})
    return Row(actor="intake", campaign=made.campaign_id, contact=contact, reason="CONCIERGE_RECOVERY_HOLD")


@act(AuditTag.ENROLMENT_RELEASED)
async def enrolment_released(s: Stage) -> Row:
    made, contact, _ = await waiting(s)
    await s.world.event("concierge.recovery.started", {"contact_id": contact})
    s.world.clock.advance(hours=73)
    await s.tick("expire")
    return Row(
        actor="scheduler", campaign=made.campaign_id, contact=contact, reason="CONCIERGE_RECOVERY_HOLD"
    )


@act(AuditTag.ENROLMENT_EXITED)
async def enrolment_exited(s: Stage) -> Row:
    made, contact, _ = await waiting(s)
    await s.world.event("consent.revoked", {"contact_id": contact, "channel": "all"})
    return Row(actor="intake", campaign=made.campaign_id, contact=contact, reason="CONSENT_REVOKED")


@act(AuditTag.ENROLMENT_MOVED)
async def enrolment_moved(s: Stage) -> Row:
    _, campaign = await changed_while_running(s)
    await s.world.run()
    (first, *_) = await s.world.rows(ENTERED, c=campaign)
    return Row(actor="engine", campaign=campaign, contact=first.contact_id, reason="JOURNEY_CHANGED")


@act(AuditTag.ENROLMENT_COMPLETED)
async def enrolment_completed(s: Stage) -> Row:
    made, contact = await s.running(message("hello", "end")), s.contact()
    await s.enrol(made, contact)
    await s.world.run()
    return Row(actor="engine", campaign=made.campaign_id, contact=contact, reason="END_OF_JOURNEY")


@act(AuditTag.PEOPLE_ADDED)
async def people_added(s: Stage) -> Row:
    made, _, _ = await waiting(s)
    return Row(actor=s.author.ref, campaign=made.campaign_id, detail={"asked": 1, "enrolled": 1})


@act(AuditTag.PERSON_REMOVED)
async def person_removed(s: Stage) -> Row:
    made, contact, enrolment = await waiting(s)
    async with s.world.app.uow(s.author) as u:
        await by_hand.end(u, enrolment, note="Moved away")
    return Row(actor=s.author.ref, campaign=made.campaign_id, contact=contact, reason="REMOVED_BY_STAFF")


async def asked_for(s: Stage, **who: object) -> tuple[Launched, UUID]:
    """A message was requested for somebody, whose journey goes on."""
    made, contact = await s.running(message("hello", "pause"), PAUSE), s.contact(**who)
    await s.enrol(made, contact)
    await s.world.run()
    return made, contact


@act(AuditTag.STEP_REQUESTED)
async def step_requested(s: Stage) -> Row:
    made, contact = await asked_for(s)
    return Row(actor="engine", campaign=made.campaign_id, contact=contact)


@act(AuditTag.STEP_REFUSED)
async def step_refused(s: Stage) -> Row:
    made, contact = await asked_for(s, consent=())
    return Row(actor="engine", campaign=made.campaign_id, contact=contact, reason="NO_CONSENT")


@act(AuditTag.STEP_CANCELLED)
async def step_cancelled(s: Stage) -> Row:
    made, contact = await asked_for(s)
    await s.world.event("appointment.booked", {"appointment_id": contact, "patient_id": contact})
    return Row(actor="intake", campaign=made.campaign_id, contact=contact, reason="APPOINTMENT_BOOKED")


@act(AuditTag.STEP_OFFERED_AGAIN)
async def step_offered_again(s: Stage) -> Row:
    made, _ = await asked_for(s)
    while await s.world.app.relay.run_once(s.practice):
        pass
    s.world.clock.advance(seconds=SILENCE.total_seconds() + 1)
    async with s.world.app.uow(system(s.practice, "scheduler")) as u:
        await offer_again(u)
    return Row(actor="scheduler", campaign=made.campaign_id, detail={"step": "hello", "requests": 1})


async def planned(s: Stage, **who: object) -> tuple[UUID, Planned]:
    contact = s.contact(**who)
    new = NewFollowup.model_validate(
        {
            "contact_id": contact, "due_at": s.world.clock.now() + timedelta(hours=1), "why": "Agreed",
            "channels": ["email"], "content": {"email": {"subject": "Hello", "body": "How is the new crown?"}},
        }
    )  # fmt: skip
    async with s.world.app.uow(s.author) as u:
        return contact, await followups.plan(u, new)


def about(one: Planned) -> dict[str, str]:
    return {"followup": str(one.followup.followup_id)}


@act(AuditTag.FOLLOWUP_PLANNED)
async def followup_planned(s: Stage) -> Row:
    contact, one = await planned(s)
    return Row(actor=s.author.ref, contact=contact, detail=about(one))


@act(AuditTag.FOLLOWUP_CHANGED)
async def followup_changed(s: Stage) -> Row:
    contact, one = await planned(s)
    async with s.world.app.uow(s.author) as u:
        later = FollowupChange(due_at=u.now + timedelta(days=2))
        await followups.change(u, one.followup.followup_id, later)
    return Row(actor=s.author.ref, contact=contact, detail=about(one))


@act(AuditTag.FOLLOWUP_CANCELLED)
async def followup_cancelled(s: Stage) -> Row:
    contact, one = await planned(s)
    async with s.world.app.uow(s.author) as u:
        await followups.change(u, one.followup.followup_id, FollowupChange(state="cancelled", note="Rang"))
    return Row(actor=s.author.ref, contact=contact, detail=about(one))


@act(AuditTag.FOLLOWUP_SENT)
async def followup_sent(s: Stage) -> Row:
    contact, _ = await planned(s)
    s.world.clock.advance(hours=2)
    await s.tick("followups")
    return Row(actor="scheduler", contact=contact)


@act(AuditTag.FOLLOWUP_FAILED)
async def followup_failed(s: Stage) -> Row:
    contact, _ = await planned(s, consent=())
    s.world.clock.advance(hours=2)
    await s.tick("followups")
    return Row(actor="scheduler", contact=contact, reason="NO_CONSENT")


async def proof_asked_for(s: Stage) -> tuple[UUID, UUID]:
    campaign = await s.draft()
    async with s.world.app.uow(s.author) as u:
        return campaign, (await proofs.ask(u, campaign)).proof_id


@act(AuditTag.PROOF_ASKED)
async def proof_asked(s: Stage) -> Row:
    campaign, proof = await proof_asked_for(s)
    await proofs.work_once(s.world.app.uow, s.practice)
    return Row(actor=s.author.ref, campaign=campaign, detail={"proof": str(proof)})


@act(AuditTag.PROOF_MADE)
async def proof_made(s: Stage) -> Row:
    campaign, proof = await proof_asked_for(s)
    await proofs.work_once(s.world.app.uow, s.practice)
    return Row(actor="proof", campaign=campaign, detail={"proof": str(proof)})


@act(AuditTag.PROOF_EXPORTED)
async def proof_exported(s: Stage) -> Row:
    campaign, proof = await proof_asked_for(s)
    await proofs.work_once(s.world.app.uow, s.practice)
    async with s.world.app.uow(s.author) as u:
        await proofs.bundle(u, proof)
    return Row(actor=s.author.ref, campaign=campaign, detail={"proof": str(proof)})


@act(AuditTag.PROOF_FAILED)
async def proof_failed(s: Stage) -> Row:
    campaign, proof = await proof_asked_for(s)
    run(s.url, "UPDATE cm.campaign SET draft = '' WHERE campaign_id = :c", {"c": campaign})
    await proofs.work_once(s.world.app.uow, s.practice)
    run(s.url, "DELETE FROM cm.campaign WHERE campaign_id = :c", {"c": campaign})
    return Row(actor="proof", campaign=campaign, detail={"proof": str(proof)})


@act(AuditTag.CONVERSION)
async def conversion(s: Stage) -> Row:
    made, contact = await asked_for(s)
    run(
        s.url,
        "UPDATE cm.dispatch SET sent_at = requested_at, status = 'sent' WHERE contact_id = :c",
        {"c": contact},
    )
    s.world.clock.advance(hours=1)
    async with s.world.app.uow(system(s.practice, "intake")) as u:
        await record_conversions(u, contact, what="booking", event_ref="visit 1", value=0, at=u.now)
    return Row(actor="intake", campaign=made.campaign_id, contact=contact, reason="booking")


@act(AuditTag.HANDOFF_IGNORED)
async def handoff_ignored(s: Stage) -> Row:
    contact = s.contact()
    await s.world.event(HANDOFF, handoff(s, contact, "a type nobody registered"))
    return Row(actor="intake", contact=contact, reason="TYPE_NOT_REGISTERED")


@act(AuditTag.HANDOFF_COLLISION)
async def handoff_collision(s: Stage) -> Row:
    contact, running = s.contact(), []
    entry = Entry.model_validate({"id": "entry", "how": "event", "event": {"type": HANDOFF}, "next": "pause"})
    for priority, kind in enumerate(("birthday", "loyalty")):
        made = journey(PAUSE, entry=entry, campaign_type=kind)
        running.append(await launch(s.world.app, s.practice, made, kind="event"))
        await s.world.event(HANDOFF, handoff(s, contact, kind, priority=priority))
    return Row(
        actor="intake", contact=contact, campaign=running[0].campaign_id, reason="LOYALTY_HANDOFF_COLLISION",
        detail={"rule": "priority"},
    )  # fmt: skip


HANDOFF = "loyalty.handoff.campaign_eligible"


def handoff(s: Stage, contact: UUID, kind: str, *, priority: int = 5) -> dict[str, object]:
    expires = (s.world.clock.now() + timedelta(hours=24)).isoformat()
    return {
        "handoff_id": "h", "patient_id": contact, "campaign_type": kind, "priority": priority, "expires_at": expires,
    }  # fmt: skip
