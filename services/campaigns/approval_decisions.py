"""Deciding on a request, and starting what was approved when its time comes (D9, LIF-6)."""

from datetime import datetime
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.campaigns import queries
from services.campaigns.approvals import approval_row, is_exemption, why_not_by
from services.campaigns.contracts import ApprovalRow
from services.campaigns.errors import ApprovalClosed, OwnWork
from services.campaigns.impact import decide
from services.campaigns.lifecycle import activate, lock, move, revoke_outdated
from services.campaigns.versions import author_of
from services.kit.errors import Invalid
from services.kit.uow import Unit


async def approve(
    u: Unit, approval_id: UUID, *, note: str = "", until: datetime | None = None
) -> ApprovalRow:
    """Approve one version; it starts at once, or becomes Scheduled for the approved time. With `until` it
    is approved for a time: the scheduler pauses it then, and it needs a new approval to go on.

    Raises OwnWork for whoever made or edited it (D9), ApprovalClosed when it was decided already.
    """
    u.actor.require("approve")
    row = await _open(u, approval_id)
    reason = await why_not_by(u, row)
    if reason is not None:
        raise OwnWork(reason)
    if until is not None and until <= max(u.now, row.activate_at or u.now):
        raise Invalid("An approval for a time ends after it begins. Choose a later day.")
    exempt = await is_exemption(u, row)
    await _decide(u, row, "approved", note=note, exemption=exempt, until=until)
    await record(
        u,
        AuditTag.APPROVAL_GRANTED,
        campaign_id=row.campaign_id,
        reason=note,
        approval=str(approval_id),
        version=str(row.version_id),
        hash=row.content_hash,
        until=until.isoformat() if until else None,
    )
    if exempt:
        await record(
            u, AuditTag.SINGLE_OPERATOR_EXEMPTION, campaign_id=row.campaign_id, approval=str(approval_id)
        )
    if row.activate_at is not None and row.activate_at > u.now:
        await move(
            u, row.campaign_id, "scheduled", reason="Approved for later.", scheduled_at=row.activate_at
        )
    else:
        await _activate(u, row.campaign_id, approval_id, row.version_id, "Approved.")
    return await approval_row(u, approval_id)


async def send_back(u: Unit, approval_id: UUID, *, note: str) -> ApprovalRow:
    """Return a request to its author, with what to change."""
    u.actor.require("approve")
    if not note.strip():
        raise Invalid("Say what should change, so that the author knows what to do.")
    row = await _open(u, approval_id)
    await _decide(u, row, "sent_back", note=note, exemption=False)
    await record(
        u,
        AuditTag.APPROVAL_SENT_BACK,
        campaign_id=row.campaign_id,
        reason=note.strip()[:2000],
        approval=str(approval_id),
    )
    return await approval_row(u, approval_id)


async def unschedule(u: Unit, campaign_id: UUID, *, reason: str = "") -> None:
    """Scheduled back to Draft; the approval is gone with it (D6, D9)."""
    u.actor.require("manage")
    if await move(u, campaign_id, "draft", reason=reason):
        await revoke_outdated(u, campaign_id, "", note="The scheduled start was taken back.")


async def activate_due(u: Unit) -> int:
    """Start what was approved for now or earlier; returns how many. The scheduler calls this and
    approves nothing: without an approved version nothing is found (D9)."""
    due = (await u.execute(queries.DUE, practice=u.practice_id, now=u.now)).mappings().all()
    for row in due:
        await _activate(
            u, row["campaign_id"], row["approval_id"], row["version_id"], "The approved time came."
        )
    return len(due)


async def _open(u: Unit, approval_id: UUID) -> ApprovalRow:
    """The request, still open, with its campaign's row locked."""
    row = await approval_row(u, approval_id)
    await lock(u, row.campaign_id)
    row = await approval_row(u, approval_id)
    if row.state != "requested":
        words = {"sent_back": "sent back", "used": "approved"}.get(row.state, row.state)
        raise ApprovalClosed(f"This request was {words} already. Reload the inbox.", state=row.state)
    return row


async def _decide(
    u: Unit, row: ApprovalRow, state: str, *, note: str, exemption: bool, until: datetime | None = None
) -> None:
    decided = await u.execute(
        queries.DECIDE,
        practice=u.practice_id,
        approval=row.approval_id,
        state=state,
        person=author_of(u.actor),
        now=u.now,
        note=note.strip()[:2000],
        exemption=exemption,
        until=until,
    )
    if decided.first() is None:
        raise ApprovalClosed("Somebody else decided this request at the same moment. Reload the inbox.")


async def _activate(u: Unit, campaign_id: UUID, approval_id: UUID, version_id: UUID, reason: str) -> None:
    await activate(u, campaign_id, version_id, reason=reason)
    await decide(u, campaign_id, approval_id, version_id)
    await u.execute(queries.USE, practice=u.practice_id, approval=approval_id)
