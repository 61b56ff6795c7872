"""Acts of the outside world and on its behalf: events, suppression, block lists, imports, webhooks."""

from dataclasses import replace
from uuid import UUID

from services.audit.tags import AuditTag
from services.contracts.platform_api import ConfirmImport
from services.imports import service as imports
from services.intake.dead_letters import dead_letters, replay_for, set_aside
from services.suppression import block_list, blocks
from services.suppression.service import resume_marketing, stop_marketing
from services.webhooks import service as webhooks
from services.webhooks.contracts import Answer, Target
from services.webhooks.jobs import Deliverer
from tests.factories.acts.stage import Row, Stage, act
from tests.factories.practice import run

BROKEN = "Not a valid pipeline.lead.cold: source_channel: Field required"
LEADS = b"First Name;Last Name;Email 1;Source\nAda;Byron;ada@example.com;Referral\n"


@act(AuditTag.EVENT_CONSUMED)
async def event_consumed(s: Stage) -> Row:
    contact = s.contact()
    await s.world.event(
        "appointment.attended", {"appointment_id": contact, "patient_id": contact}, id="visit-1"
    )
    return Row(actor="intake", contact=contact, detail={"type": "appointment.attended", "event": "visit-1"})


@act(AuditTag.EVENT_UNKNOWN)
async def event_unknown(s: Stage) -> Row:
    await s.world.event("appointment.sneezed", {"patient_id": s.contact()}, id="sneeze-1")
    return Row(actor="intake", detail={"type": "appointment.sneezed", "event": "sneeze-1"})


async def dead_letter(s: Stage) -> str:
    """An event that lacks what its contract asks for; returns its place among the dead letters."""
    await s.world.event("pipeline.lead.cold", {"lead_id": s.contact()})
    return (await dead_letters(s.world.app.bus, practice_id=s.practice))[0].letter_id


@act(AuditTag.EVENT_REJECTED)
async def event_rejected(s: Stage) -> Row:
    await dead_letter(s)
    return Row(actor="intake", detail={"source": "pipeline"})


@act(AuditTag.EVENT_REPLAYED)
async def event_replayed(s: Stage) -> Row:
    letter = await dead_letter(s)
    await replay_for(s.world.app.uow, s.world.app.bus, s.author, [letter])
    return Row(actor=s.author.ref, reason=BROKEN, detail={"letter": letter, "type": "pipeline.lead.cold"})


@act(AuditTag.EVENT_SET_ASIDE)
async def event_set_aside(s: Stage) -> Row:
    letter = await dead_letter(s)
    await set_aside(s.world.app.uow, s.world.app.bus, s.author, [letter])
    return Row(actor=s.author.ref, reason=BROKEN, detail={"letter": letter, "type": "pipeline.lead.cold"})


@act(AuditTag.SUPPRESSION_APPLIED)
async def suppression_applied(s: Stage) -> Row:
    contact = s.contact()
    await s.world.event("recall.patient.enrolled", recalled(s, contact))
    return Row(actor="intake", contact=contact, reason="RECALL_RECONNECT_ENROLMENT")


def recalled(s: Stage, contact: UUID) -> dict[str, object]:
    return {"patient_id": contact, "journey_id": contact, "enrolled_at": s.world.clock.now().isoformat()}


@act(AuditTag.SUPPRESSION_LIFTED)
async def suppression_lifted(s: Stage) -> Row:
    contact = s.contact()
    async with s.world.app.uow(s.author) as u:
        await stop_marketing(u, contact, note="Rang")
    async with s.world.app.uow(s.author) as u:
        await resume_marketing(u, contact, note="Rang again")
    return Row(actor=s.author.ref, contact=contact, reason="MANUAL_SUPPRESSION")


@act(AuditTag.BLOCK_ADDED)
async def block_added(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        await blocks.block(u, "one@example.com", ground="asked")
    return Row(actor=s.author.ref, reason="asked", detail={"kind": "address"})


@act(AuditTag.BLOCK_REMOVED)
async def block_removed(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        await blocks.block(u, "two@example.com", ground="asked")
        (entry,) = await block_list.find_blocks(u, "two@example.com")
        await blocks.unblock(u, entry.entry_id, why="Typed by mistake")
    return Row(actor=s.author.ref, reason="Typed by mistake", detail={"entry": entry.entry_id})


@act(AuditTag.BLOCKS_IMPORTED)
async def blocks_imported(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        done = await blocks.import_blocks(u, b"email\nthree@example.com\n", ground="legal")
    return Row(actor=s.author.ref, reason="legal", detail={"import_id": str(done.import_id)})


@act(AuditTag.CONTACT_MERGED)
async def contact_merged(s: Stage) -> Row:
    stays, goes = s.contact(), s.contact()
    both = {"stays": stays, "goes": goes}
    run(s.url, "UPDATE canonical.contact SET merged_into = :stays WHERE contact_id = :goes", both)
    await s.world.event("contact.merged", {"contact_id": stays, "merged_id": goes})
    return Row(actor="intake", contact=stays, reason="CONTACT_MERGED")


@act(AuditTag.IMPORT_REQUESTED)
async def import_requested(s: Stage) -> Row:
    maya = replace(s.author, display_name="Maya")
    batch = await imports.upload(s.world.app, maya, "leads", [("leads.csv", LEADS)])
    await imports.confirm(s.world.app, maya, batch.batch_id, ConfirmImport())
    return Row(actor=s.author.ref, detail={"batch": str(batch.batch_id)})


async def endpoint(s: Stage) -> UUID:
    async with s.world.app.uow(s.author) as u:
        url, types = "http://127.0.0.1:9/in", ["campaign.suppression.applied"]
        made = await webhooks.add(u, label="Warehouse", url=url, event_types=types, private=True)
        return made.endpoint.endpoint_id


@act(AuditTag.WEBHOOK_CHANGED)
async def webhook_changed(s: Stage) -> Row:
    return Row(actor=s.author.ref, detail={"endpoint": str(await endpoint(s))})


class Gone:
    """A receiver that says that it wants nothing any more."""

    async def post(self, target: Target, event_id: UUID, body: bytes) -> Answer:
        return Answer(410, "Gone")

    async def close(self) -> None:
        return None


async def stopped(s: Stage) -> UUID:
    made = await endpoint(s)
    async with s.world.app.uow(s.author) as u:
        await webhooks.send_test(u, made)
    deliverer = Deliverer(s.world.app.uow, s.world.app.bus, Gone())  # type: ignore[arg-type]
    await deliverer.run_once()
    return made


@act(AuditTag.WEBHOOK_STOPPED)
async def webhook_stopped(s: Stage) -> Row:
    return Row(actor="webhooks", detail={"endpoint": str(await stopped(s))})


@act(AuditTag.WEBHOOK_RETRIED)
async def webhook_retried(s: Stage) -> Row:
    made = await stopped(s)
    async with s.world.app.uow(s.author) as u:
        await webhooks.change(u, made, private=True, on=True)
        await webhooks.retry(u, made)
    return Row(actor=s.author.ref, detail={"endpoint": str(made), "deliveries": 1})
