"""Requests for approval as their readers see them: the inbox, one request, and who may not decide it (D9)."""

from typing import Any
from uuid import UUID

from services.access.service import practice_settings
from services.builder.diff import diff
from services.builder.summary import summary
from services.campaigns import queries
from services.campaigns.approval_terms import people_before
from services.campaigns.contracts import ApprovalDetail, ApprovalRow
from services.campaigns.rules import is_own_work, why_not_approve
from services.campaigns.versions import editors_of, read_version
from services.contracts.journey import Journey
from services.kit.errors import NotFound
from services.kit.uow import Unit


async def inbox(u: Unit) -> list[ApprovalRow]:
    """Open requests, oldest first."""
    u.actor.require("read")
    rows = await approval_rows(u, state="requested")
    return sorted(rows, key=lambda row: row.requested_at)


async def approval(u: Unit, approval_id: UUID) -> ApprovalDetail:
    """One request with what it will do, what changed, and whether this person may decide."""
    u.actor.require("read")
    row = await approval_row(u, approval_id)
    read = await read_version(u, row.version_id)
    journey = read if isinstance(read, Journey) else Journey()
    before = await _previous_version(u, row)
    old = await read_version(u, before) if before else None
    previous = old if isinstance(old, Journey) else None
    problems = [] if isinstance(read, Journey) else read
    why_not = "" if u.actor.may("approve") else "Your role does not let you approve campaigns."
    if not why_not:
        why_not = await why_not_by(u, row) or ""
    if problems:
        why_not = f"This version cannot be read, so it cannot be approved. {problems[0].sentence}"
    return ApprovalDetail(
        row=row,
        journey=journey,
        previous_journey=previous,
        previous_version_id=before,
        people_before=await people_before(u, row, before),
        own_work=await is_exemption(u, row),
        diff=diff(previous, journey),
        summary=[] if problems else summary(journey),
        may_decide=row.state == "requested" and not why_not,
        why_not=why_not,
        problems=problems,
    )


async def approval_rows(
    u: Unit, *, campaign_id: UUID | None = None, state: str | None = None
) -> list[ApprovalRow]:
    """Requests newest first; not guarded, for this feature's own use."""
    sql, values = queries.APPROVALS, dict[str, Any](practice=u.practice_id)
    if campaign_id is not None:
        sql, values["campaign"] = sql + " AND a.campaign_id = :campaign", campaign_id
    if state is not None:
        sql, values["state"] = sql + " AND a.state = :state", state
    rows = await u.execute(sql + " ORDER BY a.requested_at DESC, a.approval_id DESC", **values)
    return [ApprovalRow.model_validate(dict(row)) for row in rows.mappings()]


async def approval_row(u: Unit, approval_id: UUID) -> ApprovalRow:
    """One request; not guarded, for this feature's own use. Raises NotFound."""
    found = await u.execute(
        queries.APPROVALS + " AND a.approval_id = :approval", practice=u.practice_id, approval=approval_id
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This request does not exist, or its campaign was deleted.")
    return ApprovalRow.model_validate(dict(row))


async def why_not_by(u: Unit, row: ApprovalRow) -> str | None:
    """Why the person of this transaction may not decide it, as a sentence; None: they may (D9)."""
    created_by, editors = await _makers(u, row)
    return why_not_approve(
        u.actor.person_id,
        created_by=created_by,
        editors=editors,
        single_operator=(await practice_settings(u)).single_operator,
    )


async def is_exemption(u: Unit, row: ApprovalRow) -> bool:
    """Would they decide on their own work? Only a single-operator practice lets them (D9)."""
    created_by, editors = await _makers(u, row)
    person = u.actor.person_id
    return person is not None and is_own_work(person, created_by=created_by, editors=editors)


async def _previous_version(u: Unit, row: ApprovalRow) -> UUID | None:
    """What an approver saw last of this campaign: the live version, else the last one asked for."""
    found = await u.execute(
        "SELECT version_id FROM cm.approval WHERE practice_id = :practice AND campaign_id = :campaign"
        " AND approval_id <> :approval AND requested_at <= :at AND version_id <> :version"
        " AND state IN ('used', 'approved', 'sent_back', 'revoked')"
        " ORDER BY requested_at DESC, approval_id DESC LIMIT 1",
        practice=u.practice_id,
        campaign=row.campaign_id,
        approval=row.approval_id,
        at=row.requested_at,
        version=row.version_id,
    )
    version: UUID | None = found.scalar_one_or_none()
    return version


async def _makers(u: Unit, row: ApprovalRow) -> tuple[UUID, list[UUID]]:
    created = await u.execute(
        "SELECT created_by FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign",
        practice=u.practice_id,
        campaign=row.campaign_id,
    )
    return created.scalar_one(), await editors_of(u, row.version_id)
