"""Enrolments that people and other systems look at, make and end: one by one, by reference (LIF-3, SRF-3).

Only a campaign whose entry is `manual` takes people in this way. The same gates, re-entry rules and locks
hold as for everybody else (house rules 1 and 5): asking for somebody is not a way around them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.campaigns.service import get as campaign_of
from services.engine.binding import Binding
from services.engine.enrol import choose, enter, reentry_sql
from services.engine.entries import belongs
from services.engine.plans import plan_of, policy_for
from services.engine.signals import STILL_ACTIVE
from services.gates.reasons import Reason, sentence
from services.kit.errors import Conflict, Forbidden, NotFound
from services.kit.uow import Unit
from services.suppression.service import exit_enrolments, lock_contacts

State = Literal["live", "held", "completed", "exited"]
Outcome = Literal["enrolled", "refused", "not_admitted"]
MOST = 500
"""People of one request."""

ROWS = """
SELECT e.enrolment_id, e.campaign_id, e.version_id, e.contact_id, e.entry_no, e.state, e.step_id, e.due_at,
  e.enrolled_at, e.ended_at, coalesce(e.held_reason, e.exit_reason) AS reason
FROM cm.whereabouts e WHERE e.practice_id = :practice
"""
FILTERS = {
    "enrolment": "e.enrolment_id = :enrolment",
    "campaign": "e.campaign_id = :campaign",
    "contact": "e.contact_id = :contact",
    "states": "e.state = ANY (:states)",
    "last": "(e.enrolled_at, e.enrolment_id) < (:at, :last)",
}
OUTCOMES = """
SELECT c.contact_id, e.enrolment_id, r.reason
FROM unnest(CAST(:contacts AS uuid[])) WITH ORDINALITY AS c(contact_id, nth)
LEFT JOIN LATERAL (
  SELECT x.enrolment_id FROM cm.enrolment x WHERE x.practice_id = :practice AND x.contact_id = c.contact_id
    AND x.campaign_id = :campaign AND x.enrolled_at = :now ORDER BY x.entry_no DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (
  SELECT y.reason FROM cm.refusal y WHERE y.practice_id = :practice AND y.contact_id = c.contact_id
    AND y.campaign_id = :campaign AND y.step_id = :step ORDER BY y.at DESC LIMIT 1) r ON true
ORDER BY c.nth
"""


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """Where somebody is in a journey. `due_at`: when the next step is; `reason` and its `sentence`: why they
    wait or ended."""

    enrolment_id: UUID
    campaign_id: UUID
    version_id: UUID
    contact_id: UUID
    entry_no: int
    state: State
    step_id: str | None
    due_at: datetime | None
    enrolled_at: datetime
    ended_at: datetime | None
    reason: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one person. `refused`: a gate said no, for `reason`. `not_admitted`: they are unknown
    here, not in the campaign's audience, or its re-entry rule does not let them in (again)."""

    contact_id: UUID
    outcome: Outcome
    enrolment_id: UUID | None
    reason: str | None
    sentence: str


async def enrolments(
    u: Unit,
    *,
    campaign_id: UUID | None = None,
    contact_id: UUID | None = None,
    states: Sequence[State] = (),
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[EnrolmentRow]:
    """Enrolments that fit, the newest first. Needs `read`."""
    u.actor.require("read")
    asked: dict[str, Any] = {"campaign": campaign_id, "contact": contact_id, "states": list(states) or None}
    if before is not None:
        asked |= {"at": before[0], "last": before[1]}
    values = {name: value for name, value in asked.items() if value is not None}
    where = "".join(f" AND {FILTERS[name]}" for name in values if name in FILTERS)
    sql = f"{ROWS}{where} ORDER BY e.enrolled_at DESC, e.enrolment_id DESC LIMIT :limit"
    rows = await u.execute(sql, practice=u.practice_id, limit=limit, **values)
    return [_row(row) for row in rows.mappings()]


async def enrolment(u: Unit, enrolment_id: UUID) -> EnrolmentRow:
    """One enrolment. Needs `read`; raises NotFound."""
    u.actor.require("read")
    rows = await u.execute(
        f"{ROWS} AND {FILTERS['enrolment']}", practice=u.practice_id, enrolment=enrolment_id
    )
    row = rows.mappings().one_or_none()
    if row is None:
        raise NotFound("This enrolment does not exist.")
    return _row(row)


async def add(u: Unit, campaign_id: UUID, contact_ids: Sequence[UUID]) -> list[Asked]:
    """Bring people into an active campaign whose entry is `manual`; in the order asked. Needs `manage`.

    Raises NotFound for the campaign, Conflict when it takes nobody in this way or is not active.
    """
    u.actor.require("manage")
    campaign = (await campaign_of(u, campaign_id)).row
    if campaign.kind != "transactional":
        raise Conflict("This campaign takes people in by its own rules. Its entry would have to be `manual`.")
    people = sorted(set(contact_ids))
    await lock_contacts(u, people)
    active = await u.execute(STILL_ACTIVE, practice=u.practice_id, campaign=campaign_id)
    if active.first() is None or campaign.active_version_id is None:
        raise Conflict(f"This campaign is {campaign.state}. People can be added while it is active.")
    plan = await plan_of(u, campaign.active_version_id)
    policy = await policy_for(u, campaign_id, campaign.active_version_id, plan)
    binding = Binding()
    condition, values = await belongs(u, plan.journey.audience)
    source = (
        "SELECT c.contact_id FROM canonical.contact c WHERE c.practice_id = :practice AND c.merged_into IS NULL"
        f" AND c.contact_id = ANY (:contacts) AND ({condition}) AND {reentry_sql(plan.entry.reentry, binding)}"
    )
    which = {"practice": u.practice_id, "campaign": campaign_id, "now": u.now}
    candidates = await choose(u, source, {**values, **binding.values, **which, "contacts": people})
    chosen = set((await u.execute("SELECT contact_id FROM pg_temp.entrant")).scalars())
    entered = await enter(u, plan, policy, candidates=candidates)
    await record(
        u, AuditTag.PEOPLE_ADDED, campaign_id=campaign_id, asked=len(people), enrolled=entered.enrolled
    )
    found = await u.execute(OUTCOMES, **which, contacts=list(dict.fromkeys(contact_ids)), step=plan.entry.id)
    return [_asked(row, row.contact_id in chosen) for row in found]


async def end(u: Unit, enrolment_id: UUID, *, note: str) -> EnrolmentRow:
    """Take somebody out of a journey; what was requested for them is called back. Who is out already stays as
    they are. Needs `manage` or `suppress`. Raises NotFound, Forbidden."""
    if not (u.actor.may("manage") or u.actor.may("suppress")):
        raise Forbidden("Your role does not let you take people out of journeys.")
    found = await u.execute(
        f"{ROWS} AND {FILTERS['enrolment']}", practice=u.practice_id, enrolment=enrolment_id
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This enrolment does not exist.")
    ended = await exit_enrolments(u, row["contact_id"], Reason.REMOVED_BY_STAFF, only=[enrolment_id])
    if ended:
        await record(
            u, AuditTag.PERSON_REMOVED, campaign_id=row["campaign_id"], enrolment_id=enrolment_id,
            contact_id=row["contact_id"], reason=Reason.REMOVED_BY_STAFF.value, note=note[:300],
        )  # fmt: skip
    again = await u.execute(
        f"{ROWS} AND {FILTERS['enrolment']}", practice=u.practice_id, enrolment=enrolment_id
    )
    return _row(again.mappings().one())


def _row(row: Any) -> EnrolmentRow:
    return EnrolmentRow(**row, sentence=sentence(row["reason"]) if row["reason"] else "")


def _asked(row: Any, chosen: bool) -> Asked:
    if chosen and row.enrolment_id is not None:
        return Asked(row.contact_id, "enrolled", row.enrolment_id, None, "")
    if chosen and row.reason:
        return Asked(row.contact_id, "refused", None, row.reason, sentence(row.reason))
    why = "They are not in this campaign's audience, or may not enter it again."
    return Asked(row.contact_id, "not_admitted", None, None, why)
