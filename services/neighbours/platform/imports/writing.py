"""What was read becomes rows of the shared data model and events, set-based, in one transaction."""

from datetime import UTC, datetime
from typing import Any

from services.contracts.platform_api import ConfirmImport
from services.kit.uow import Unit
from services.neighbours.platform.imports.leads import Lead, Reading
from services.neighbours.platform.imports.synthea import Patients
from services.neighbours.platform.records import grant, insert


async def write_leads(u: Unit, reading: Reading, confirmed: ConfirmImport, file_name: str) -> None:
    """Write the new ones; people the practice already knows become duplicates of `reading`."""
    await _refuse_known(u, reading)
    await insert(u, "canonical.contact", [lead.columns for lead in reading.leads])
    opportunities = [lead.opportunity for lead in reading.leads if lead.opportunity]
    await insert(u, "canonical.opportunity", opportunities)
    await _consents(u, reading.leads, confirmed, file_name)
    for lead in reading.leads:
        _opened(u, lead)


async def write_patients(u: Unit, found: Patients) -> tuple[int, int]:
    """Insert people and visits not there yet; returns how many people came in and were known."""
    new = await insert(u, "canonical.contact", found.contacts, once=True)
    await insert(u, "canonical.appointment", found.visits, once=True)
    return new, len(found.contacts) - new


async def _refuse_known(u: Unit, reading: Reading) -> None:
    answer = await u.execute(
        "SELECT DISTINCT identity_hash FROM canonical.contact WHERE practice_id = :practice"
        " AND identity_hash <> '' AND identity_hash = ANY(:hashes)",
        practice=u.practice_id,
        hashes=[lead.identity for lead in reading.leads],
    )
    known = set(answer.scalars())
    for lead in reading.leads:
        if lead.identity in known:
            reading.report(
                lead.row_number,
                "email",
                "error",
                "The practice already knows this person; not imported again.",
            )
    reading.duplicates += sum(lead.identity in known for lead in reading.leads)
    reading.leads = [lead for lead in reading.leads if lead.identity not in known]


async def _consents(u: Unit, leads: list[Lead], confirmed: ConfirmImport, file_name: str) -> None:
    """Consent with its proof: the declaration, else the file's own consent columns (D21)."""
    pairs = [(lead.contact_id, channel) for lead in leads for channel in lead.granted]
    stated = confirmed.consent
    proof: dict[str, Any] = {
        "purpose": stated.purpose if stated else "marketing",
        "method": stated.method if stated else "import_column",
        "evidence": stated.evidence if stated else f"Consent columns of the file {file_name}",
        "effective_at": datetime(stated.date.year, stated.date.month, stated.date.day, tzinfo=UTC)
        if stated
        else u.now,
    }
    await grant(u, pairs, **proof)


def _opened(u: Unit, lead: Lead) -> None:
    """Say that a record is open; records that came in already closed opened nothing."""
    opportunity = lead.opportunity
    if opportunity and opportunity["outcome"] not in ("open", "deferred"):
        return
    data: dict[str, Any] = {
        "lead_id": str(lead.contact_id), "practice_id": str(u.practice_id),
        "source_channel": opportunity["stack"] if opportunity else "standard",
    }  # fmt: skip
    if opportunity:
        data["opportunity_id"] = str(opportunity["opportunity_id"])
    u.emit("pipeline.lead.opened", data, contact_id=lead.contact_id)
