"""Use cases of proof runs (ENG-6): ask for one, see them, take their files, do what is asked for."""

import io
import zipfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.campaigns import service as campaigns
from services.contracts.journey import Journey
from services.kit.actor import Actor, system
from services.kit.errors import AppError, Conflict, Invalid, NotFound
from services.kit.ids import new_id
from services.kit.telemetry import logger
from services.kit.uow import Unit, UnitOfWork
from services.proofs import queries
from services.proofs.artefacts import artefacts
from services.proofs.contracts import Proof, ProofRow
from services.proofs.forgetting import place
from services.proofs.run import Progress, run, setting_of
from services.proofs.shadow import Shadow

log = logger("proofs")
STALE = timedelta(minutes=5)
"""A run that has not said that it is alive for this long has died with its process."""
KEPT = timedelta(days=90)
"""As long as audience snapshots (D26)."""


async def ask(u: Unit, campaign_id: UUID) -> ProofRow:
    """Ask for a proof run of the campaign as it stands; a worker does it. Needs `author`.

    Raises Invalid while something in the campaign has to be put right, Conflict while one runs."""
    u.actor.require("author")
    await _ready(u, campaign_id)
    await u.execute(queries.FORGET, practice=u.practice_id, before=u.now - KEPT)
    proof_id = new_id()
    made = await u.execute(
        queries.ASK, practice=u.practice_id, proof=proof_id, campaign=campaign_id,
        by=u.actor.person_id or UUID(int=0), ref=u.actor.ref, now=u.now,
    )  # fmt: skip
    if made.first() is None:
        raise Conflict("A proof run of this campaign is under way. Wait until it is done.")
    await record(u, AuditTag.PROOF_ASKED, campaign_id=campaign_id, proof=proof_id)
    return await one(u, proof_id)


async def proofs(u: Unit, campaign_id: UUID) -> list[ProofRow]:
    """The proof runs of a campaign that are kept, newest first. Needs `read`."""
    u.actor.require("read")
    sql = queries.ROW + " AND f.campaign_id = :campaign ORDER BY f.asked_at DESC LIMIT 20"
    found = await u.execute(sql, practice=u.practice_id, campaign=campaign_id)
    return [ProofRow.model_validate(dict(row)) for row in found.mappings()]


async def one(u: Unit, proof_id: UUID) -> ProofRow:
    """One proof run. Needs `read`. Raises NotFound."""
    u.actor.require("read")
    found = await u.execute(queries.ROW + " AND f.proof_id = :proof", practice=u.practice_id, proof=proof_id)
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This proof run does not exist, or its 90 days are over.")
    return ProofRow.model_validate(dict(row))


async def bundle(u: Unit, proof_id: UUID) -> bytes:
    """The files of a finished run as one zip; taking them is audited. Needs `read`."""
    row = await one(u, proof_id)
    sealed = (await u.execute(queries.FILES, practice=u.practice_id, proof=proof_id)).scalar_one()
    if sealed is None:
        raise NotFound(row.failure or "This proof run has no files yet.")
    await record(
        u, AuditTag.PROOF_EXPORTED, campaign_id=row.campaign_id, proof=proof_id,
        manifest_sha256=row.manifest_sha256,
    )  # fmt: skip
    return u.keyring.open(bytes(sealed), place=place(proof_id))


def unpacked(zipped: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def _nobody() -> None:
    return None


async def work_once(
    uow: UnitOfWork, practice_id: UUID, told: Callable[[], Awaitable[object]] = _nobody
) -> bool:
    """Do one proof run that was asked for; False when there is none. Several workers may ask.
    `told` is called after every word of progress, for pages that are open."""
    actor = system(practice_id, "proof")
    async with uow(actor) as u:
        taken = (
            await u.execute(queries.TAKE, practice=practice_id, now=u.now, stale=u.now - STALE)
        ).one_or_none()
    if taken is None:
        return False

    async def tell(words: str) -> None:
        async with uow(actor) as u:
            await u.execute(queries.BEAT, practice=practice_id, proof=taken.proof_id, now=u.now, words=words)
        await told()

    try:
        made = await make(uow, practice_id, taken.campaign_id, taken.proof_id, tell)
    except AppError as error:
        await _failed(uow, actor, taken, error.message)
    except Exception as error:
        await _failed(uow, actor, taken, "Something went wrong; the log says what. Nothing was sent.")
        log.error("proof run failed", error=type(error).__name__)
        raise
    else:
        await _finished(uow, actor, taken, made)
    await told()
    return True


async def make_for_command(uow: UnitOfWork, actor: Actor, campaign_id: UUID, tell: Progress) -> Proof:
    """A run at once, whose files the caller keeps; audited as made and taken. Needs `author`."""
    actor.require("author")
    proof_id = new_id()
    made = await make(uow, actor.practice_id, campaign_id, proof_id, tell)
    async with uow(actor) as u:
        for tag in (AuditTag.PROOF_MADE, AuditTag.PROOF_EXPORTED):
            await record(
                u, tag, campaign_id=campaign_id, proof=proof_id, manifest_sha256=made.manifest_sha256,
                content_hash=made.summary["content_hash"],
            )  # fmt: skip
    return made


async def make(
    uow: UnitOfWork, practice_id: UUID, campaign_id: UUID, proof_id: UUID, tell: Progress
) -> Proof:
    """Run the campaign over a shadow and read its artefacts. Changes nothing. Raises Invalid, NotFound."""
    reader = Actor(practice_id, "proof", frozenset({"read"}))
    async with uow(reader) as u:
        name, journey = await _ready(u, campaign_id)
        setting, ready = await setting_of(u, campaign_id, journey)
        zone = (await u.execute(queries.ZONE, practice=practice_id)).scalar_one()
    async with Shadow.over(uow, reader, setting) as shadow:
        ran = await run(shadow, practice_id, setting, ready, tell)
        await tell("Writing the files")
        async with shadow(reader) as u:
            return await artefacts(u, ran, proof_id=proof_id, name=name, zone=zone, keyring=uow.keyring)


async def _ready(u: Unit, campaign_id: UUID) -> tuple[str, Journey]:
    """The name and draft of a campaign that could run. Raises NotFound, Invalid."""
    found = await campaigns.get(u, campaign_id)
    problems = await campaigns.problems_of(u, found.readable, campaign_id)
    blocking = [p for p in problems if p.severity == "blocking"]
    if blocking:
        raise Invalid(
            f"First put right what stops this campaign: {blocking[0].sentence}",
            [p.model_dump(mode="json") for p in blocking],
        )
    return found.row.name, found.draft


async def _finished(uow: UnitOfWork, actor: Actor, taken: Any, made: Proof) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in sorted(made.files.items()):
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    async with uow(actor) as u:
        await u.execute(
            queries.DONE, practice=actor.practice_id, proof=taken.proof_id, now=u.now,
            hash=made.summary["content_hash"], summary=_json(made.summary), manifest=made.manifest_sha256,
            files=u.keyring.seal(packed.getvalue(), place=place(taken.proof_id)),
        )  # fmt: skip
        await record(
            u, AuditTag.PROOF_MADE, campaign_id=taken.campaign_id, proof=taken.proof_id,
            manifest_sha256=made.manifest_sha256, content_hash=made.summary["content_hash"],
            messages=made.summary["messages"], refusals=made.summary["refusals"],
        )  # fmt: skip


async def _failed(uow: UnitOfWork, actor: Actor, taken: Any, why: str) -> None:
    async with uow(actor) as u:
        await u.execute(
            queries.FAILED, practice=actor.practice_id, proof=taken.proof_id, now=u.now, why=why[:500]
        )
        await record(u, AuditTag.PROOF_FAILED, campaign_id=taken.campaign_id, proof=taken.proof_id)


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
