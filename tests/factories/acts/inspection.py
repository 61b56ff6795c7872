"""Acts on the book itself and on what it protects: reading, exporting, privacy, keys, self-checks, the tester's clock."""

from services.audit import service as audit
from services.audit.tags import AuditTag
from services.content import service as content
from services.contracts.journey import ChannelContent
from services.keys import service as keys
from services.kit import qa
from services.privacy import retention
from tests.factories.acts.stage import Row, Stage, act
from tests.factories.practice import run


@act(AuditTag.AUDIT_READ)
async def audit_read(s: Stage) -> Row:
    who = await s.signed_in("administrator")
    assert (await s.client.get("/api/v1/audit", params={"tag": "block."})).status_code == 200
    return Row(actor=who, detail={"filters": {"tag": "block."}})


@act(AuditTag.AUDIT_EXPORTED)
async def audit_exported(s: Stage) -> Row:
    parts = await audit.exported(s.world.app, s.author)
    assert b"".join([part async for part in parts])
    return Row(actor=s.author.ref, detail={"format": "jsonl"})


@act(AuditTag.PERSONAL_DATA_READ)
async def personal_data_read(s: Stage) -> Row:
    contact = s.contact()
    async with s.world.app.uow(s.author) as u:
        await content.preview_for(u, "sms", ChannelContent(body="Hello"), contact)
    return Row(actor=s.author.ref, contact=contact, reason="Message preview")


@act(AuditTag.SUBJECT_ACCESS)
async def subject_access(s: Stage) -> Row:
    who, contact = await s.signed_in("administrator", fresh=True), s.contact()
    assert (await s.client.get(f"/api/v1/people/{contact}/access-report")).status_code == 200
    return Row(actor=who, contact=contact)


@act(AuditTag.SUBJECT_RECTIFIED)
async def subject_rectified(s: Stage) -> Row:
    who, contact = await s.signed_in("administrator", fresh=True), s.contact()
    answer = await s.client.post(f"/api/v1/people/{contact}/rectification", json={"last_name": "Quilt"})
    assert answer.status_code == 200, answer.text
    return Row(actor=who, contact=contact, detail={"fields": ["last_name"]})


@act(AuditTag.SUBJECT_ERASED)
async def subject_erased(s: Stage) -> Row:
    who, contact = await s.signed_in("administrator", fresh=True), s.contact()
    assert (await s.client.post(f"/api/v1/people/{contact}/erasure")).status_code == 200
    return Row(actor=who, contact=contact)


@act(AuditTag.RETENTION_APPLIED)
async def retention_applied(s: Stage) -> Row:
    await s.world.event("appointment.sneezed", {"patient_id": s.contact()})
    run(s.url, "UPDATE cm.inbound_event SET received_at = received_at - interval '60 days'", {})
    await retention.apply(s.world.app)
    return Row(actor="scheduler")


@act(AuditTag.INVARIANT_BROKEN)
async def invariant_broken(s: Stage) -> Row:
    run(s.url, "CREATE TABLE kept AS SELECT * FROM cm.metric WHERE name = 'refused'", {})
    run(s.url, "DELETE FROM cm.metric WHERE name = 'refused'", {})
    await s.tick("invariants")
    run(s.url, "INSERT INTO cm.metric SELECT * FROM kept", {})
    return Row(actor="scheduler", reason="refusals_counted")


@act(AuditTag.QA_CLOCK_MOVED)
async def clock_moved(s: Stage) -> Row:
    key = {"authorization": f"Bearer {qa.key(s.world.app.keyring)}"}
    assert (await s.client.post("/api/qa/clock", json={"seconds": 60}, headers=key)).status_code == 200
    return Row(actor="operator", detail={"seconds": 60})


async def rotated(s: Stage) -> str:
    return (await keys.rotate(s.world.app, lambda *_: None)).key


@act(AuditTag.KEYS_ROTATION_BEGUN)
async def rotation_begun(s: Stage) -> Row:
    return Row(actor="cli", detail={"key": await rotated(s)})


@act(AuditTag.KEYS_ROTATED)
async def keys_rotated(s: Stage) -> Row:
    return Row(actor="cli", detail={"key": await rotated(s)})


@act(AuditTag.KEYS_RETIRED)
async def keys_retired(s: Stage) -> Row:
    older = s.world.app.keyring.newest.hex()
    await rotated(s)
    await keys.retire(s.world.app, older)
    return Row(actor="cli", detail={"key": older})
