"""The rights of a person, as use cases of whoever answers for them (D27): know, put right, be forgotten.

The record itself is the Practice Platform's: what is put right or erased there is asked of it, outside any
transaction of ours. All of it needs `compliance`; reporting and erasing also a fresh code (D10), which the
caller asks for.
"""

from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.contracts.platform_api import RECTIFIABLE, Rectify
from services.gates.reasons import Reason
from services.imports.client import platform_client
from services.kit.actor import Actor
from services.kit.errors import Invalid, NotFound
from services.kit.uow import Unit
from services.privacy import queries
from services.privacy.contracts import ERASED_BY_STAFF, AccessReport, ErasureProgress, MessageConsent, Section
from services.privacy.erasure import erase
from services.suppression.contracts import Suppress
from services.suppression.service import apply


async def access_report(u: Unit, contact_id: UUID, *, form: str = "json") -> AccessReport:
    """Everything held about a contact: what the practice's shared record says, what we wrote ourselves, and
    for each message the consent it rested on. Audited. Raises NotFound."""
    u.actor.require("compliance")
    who = {"practice": u.practice_id, "contact": contact_id}
    if (await u.execute(queries.THERE, **who)).one_or_none() is None:
        raise NotFound("There is no such person in this practice.")
    sections = [Section(name, where, await _rows(u, sql, who)) for name, where, sql in queries.REPORT]
    sections.append(Section("Words of messages planned for them", "Campaign Manager", await _words(u, who)))
    consents = await message_consents(u, contact_id)
    await record(u, AuditTag.SUBJECT_ACCESS, contact_id=contact_id, form=form, messages=len(consents))
    return AccessReport(
        contact_id, u.practice_id, u.now, u.actor.display_name, tuple(sections), tuple(consents)
    )


async def message_consents(u: Unit, contact_id: UUID) -> list[MessageConsent]:
    """Each message asked for, newest first, and the consent that stood on each of its channels when the
    gates were asked (GOV-5); empty fields where none was on file. Needs `compliance`."""
    u.actor.require("compliance")
    rows = await u.execute(queries.PROOFS, practice=u.practice_id, contact=contact_id)
    return [MessageConsent(**row) for row in rows.mappings()]


async def rectify(app: App, actor: Actor, contact_id: UUID, changes: dict[str, str]) -> list[str]:
    """Ask the platform, whose record it is, to put these fields right; returns those that were different.

    The audit says which fields, never what stands in them. Raises Invalid, NotFound, Unavailable.
    """
    actor.require("compliance")
    known: set[str] = set(RECTIFIABLE)
    given = {name: value.strip() for name, value in changes.items() if name in known and value.strip()}
    if not given:
        raise Invalid("Fill in what should be put right.")
    asked = _rectify(actor.practice_id, contact_id, given)
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        settled = await client.rectify(asked)
    async with app.uow(actor) as u:
        await record(u, AuditTag.SUBJECT_RECTIFIED, contact_id=contact_id, fields=sorted(settled.changed))
    return list(settled.changed)


async def forget_person(app: App, actor: Actor, contact_id: UUID) -> ErasureProgress:
    """Erase a person: here at once, then at the platform, which tells the Hub and everybody else.

    When the platform does not answer nothing is lost: here they are forgotten and barred, and asking again
    goes on with what is left. Raises NotFound, Unavailable.
    """
    actor.require("compliance")
    async with app.uow(actor) as u:
        if (await u.execute(queries.THERE, practice=u.practice_id, contact=contact_id)).one_or_none() is None:
            raise NotFound("There is no such person in this practice.")
        await apply(
            u, Suppress(contact_id=contact_id, reason=Reason.CONTACT_ERASED, event_id=ERASED_BY_STAFF)
        )
        await erase(u, contact_id, event_id=ERASED_BY_STAFF)
    async with platform_client(app.settings, app.keyring, actor.practice_id) as client:
        await client.erase(contact_id)
    async with app.uow(actor) as u:
        return await progress(u, contact_id)


async def progress(u: Unit, contact_id: UUID) -> ErasureProgress:
    """How far a person's erasure is: forgotten here, at the platform, and told to the others."""
    row = (
        await u.execute(
            queries.PROGRESS, practice=u.practice_id, contact=contact_id, by_staff=ERASED_BY_STAFF
        )
    ).one()
    return ErasureProgress(row.here, row.platform, row.told)


async def _rows(u: Unit, sql: str, who: dict[str, UUID]) -> tuple[dict[str, Any], ...]:
    found = (await u.execute(sql, **who)).scalars().all()
    return tuple({k: v for k, v in row.items() if v not in (None, "", [], {})} for row in found)


async def _words(u: Unit, who: dict[str, UUID]) -> tuple[dict[str, Any], ...]:
    rows = (await u.execute(queries.WORDS, **who)).all()
    return tuple(
        {
            "followup_id": str(row.followup_id),
            "words": orjson.loads(u.keyring.open(bytes(row.content), place=f"followup:{row.followup_id}")),
        }
        for row in rows
    )


def _rectify(practice_id: UUID, contact_id: UUID, given: dict[str, str]) -> Rectify:
    try:
        values: dict[str, Any] = dict(given)
        if "date_of_birth" in values:
            values["date_of_birth"] = date.fromisoformat(given["date_of_birth"])
        return Rectify(practice_id=practice_id, contact_id=contact_id, **values)
    except ValueError as error:
        raise Invalid(
            "Check the spelling: an email has an @, a phone number starts with + and the country, a date is"
            " YYYY-MM-DD."
        ) from error
