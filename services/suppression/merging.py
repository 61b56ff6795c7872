"""Two records of one person become one (D16 `contact.merged`): nothing forbidden becomes allowed.

The record that lives on gets the whole history, so that caps, re-entry and the timeline count for
the person; every suppression of both holds for it; journeys of the merged record go on with it,
but for those it is or was in too: they end, so that nothing is said twice. Events that name the
merged record later count for the one that lives on.
"""

from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

from services.audit.append import pseudonym_of, record
from services.audit.tags import AuditTag
from services.contracts.events import ContactErased, ContactMerged, EventData
from services.gates.reasons import Reason
from services.kit.uow import Unit
from services.suppression.contracts import HOLDING, Suppress
from services.suppression.service import apply, exit_enrolments, lock_contact

# Tables whose rows are about a person. `enrolment` and `work` are moved by themselves.
HISTORY = ("dispatch", "refusal", "message_event", "conversion", "inbound_event", "notice")

SURVIVOR = """
WITH RECURSIVE way AS (
  SELECT merged_into, 1 AS n FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact
  UNION ALL
  SELECT s.merged_into, way.n + 1 FROM way JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = way.merged_into
  WHERE way.n < 20
)
SELECT merged_into FROM way WHERE merged_into IS NOT NULL ORDER BY n DESC LIMIT 1
"""
MERGED = """
SELECT contact_id FROM cm.subject WHERE practice_id = :practice AND contact_id = ANY (:contacts) AND merged_into IS NOT NULL
"""
POINT = """
UPDATE cm.subject SET merged_into = :survivor, merged_at = :now
WHERE practice_id = :practice AND contact_id = :merged AND merged_into IS NULL RETURNING 1
"""
BOTH_IN = """
SELECT e.enrolment_id FROM cm.enrolment e WHERE e.practice_id = :practice AND e.contact_id = :merged
  AND e.state IN ('live', 'held') AND EXISTS (SELECT 1 FROM cm.enrolment x WHERE x.practice_id = :practice
    AND x.contact_id = :survivor AND x.campaign_id = e.campaign_id)
"""
MOVE_ENROLMENTS = """
UPDATE cm.enrolment e SET contact_id = :survivor, pseudonym = :pseudonym, entry_no = e.entry_no + coalesce(
  (SELECT max(x.entry_no) FROM cm.enrolment x WHERE x.practice_id = :practice AND x.contact_id = :survivor
    AND x.campaign_id = e.campaign_id), 0)
WHERE e.practice_id = :practice AND e.contact_id = :merged RETURNING e.state
"""
MOVE_WORK = """
UPDATE cm.work w SET contact_id = s.contact_id, pseudonym = s.pseudonym, lane = s.lane FROM cm.subject s
WHERE w.practice_id = :practice AND s.practice_id = :practice AND s.contact_id = :survivor
  AND w.enrolment_id IN (SELECT e.enrolment_id FROM cm.enrolment e
    WHERE e.practice_id = :practice AND e.contact_id = :survivor AND e.state = 'live')
"""
MOVE = "UPDATE cm.{table} SET contact_id = :survivor WHERE practice_id = :practice AND contact_id = :merged"
LIVE = """
SELECT reason, scope, channel, topic, campaign_types, campaign_id, goal, record_ref, event_id, event_at, note,
  contact_id = :merged AS inherited, expires_at
FROM cm.suppression WHERE practice_id = :practice AND contact_id IN (:merged, :survivor) AND lifted_at IS NULL
  AND (expires_at IS NULL OR expires_at > :now) AND reason <> 'CONTACT_MERGED'
ORDER BY applied_at, suppression_id
"""
Data = TypeVar("Data", bound=EventData)
CONTACT_FIELDS = ("contact_id", "patient_id", "lead_id")


async def merge(u: Unit, data: ContactMerged, event_id: str) -> None:
    """Let `data.contact_id` take the place of `data.merged_id`. Said twice, or of one record: nothing."""
    merged, survivor = data.merged_id, await survivor_of(u, data.contact_id)
    if merged == survivor:
        return
    for contact in sorted((merged, survivor)):  # one order, so that two merges cannot wait for each other
        await lock_contact(u, contact)
    who = {"practice": u.practice_id, "merged": merged, "survivor": survivor}
    if (await u.execute(POINT, **who, now=u.now)).first() is None:
        return
    # What staff planned for the person goes on with the survivor, if the gates let it when it is due.
    await u.execute(MOVE.format(table="followup"), **who)
    # Whatever is on its way to the merged record is taken back, and doubled journeys end.
    doubled = list((await u.execute(BOTH_IN, **who)).scalars())
    ended = await exit_enrolments(u, merged, Reason.CONTACT_MERGED, only=doubled, everything_back=True)
    states = (await u.execute(MOVE_ENROLMENTS, **who, pseudonym=await pseudonym_of(u, survivor))).scalars()
    moved = sum(state in ("live", "held") for state in states)
    await u.execute(MOVE_WORK, practice=u.practice_id, survivor=survivor)
    for table in HISTORY:
        await u.execute(MOVE.format(table=table), **who)
    inherited = await _inherit(u, who, survivor)
    await apply(u, Suppress(contact_id=merged, reason=Reason.CONTACT_MERGED, event_id=event_id))
    await record(
        u, AuditTag.CONTACT_MERGED, contact_id=survivor, reason=Reason.CONTACT_MERGED.value,
        merged=await pseudonym_of(u, merged), journeys_moved=moved, journeys_ended=ended, inherited=inherited,
    )  # fmt: skip


async def merged_among(u: Unit, contacts: Iterable[UUID]) -> set[UUID]:
    """Which of these records live on as another."""
    rows = await u.execute(MERGED, practice=u.practice_id, contacts=list(contacts))
    return set(rows.scalars())


async def survivors(u: Unit, contacts: Iterable[UUID]) -> dict[UUID, UUID]:
    """For those of these records that were merged, the one that lives on."""
    return {merged: await survivor_of(u, merged) for merged in await merged_among(u, contacts)}


async def survivor_of(u: Unit, contact_id: UUID) -> UUID:
    """The record that lives on for this one; itself when it was never merged."""
    found = (await u.execute(SURVIVOR, practice=u.practice_id, contact=contact_id)).scalar_one_or_none()
    return found or contact_id


async def about_survivor(u: Unit, data: Data) -> Data:
    """The event as one about the record that lives on. An erasure stays with the record it names."""
    if isinstance(data, ContactErased | ContactMerged):
        return data
    for name in CONTACT_FIELDS:
        named = getattr(data, name, None)
        if isinstance(named, UUID):
            survivor = await survivor_of(u, named)
            return data if survivor == named else data.model_copy(update={name: survivor})
    return data


async def _inherit(u: Unit, who: dict[str, Any], survivor: UUID) -> list[str]:
    """Every suppression of either record now holds for the survivor and for all its journeys."""
    inherited = []
    for row in (await u.execute(LIVE, **who, now=u.now)).all():
        await apply(u, _command(row, who["merged"], survivor))
        if row.inherited:
            inherited.append(row.reason)
    return sorted(set(inherited))


def _command(row: Any, merged: UUID, survivor: UUID) -> Suppress:
    reason = Reason(row.reason)
    narrow = row.scope in ("channel", "topic")
    return Suppress(
        contact_id=survivor,
        reason=reason,
        scope=row.scope,
        effect="none" if narrow else "hold" if reason in HOLDING else "exit",
        channel=row.channel,
        topic=row.topic,
        types=tuple(row.campaign_types or ()),
        campaign_id=row.campaign_id,
        goal=row.goal,
        # An enquiry without a number of its own is known by its lead.
        record_ref=str(survivor) if row.record_ref == str(merged) else row.record_ref,
        event_id=row.event_id,
        event_at=row.event_at,
        note=row.note,
        expires_at=row.expires_at,
    )
