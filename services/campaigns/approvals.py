"""Approval by another person, bound to a version's hash (D9, LIF-6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.access.service import practice_settings
from services.audit.append import record
from services.audit.tags import AuditTag
from services.builder.contracts import Problem
from services.builder.diff import diff
from services.builder.rules import blocking
from services.builder.summary import summary
from services.campaigns import queries
from services.campaigns.approval_terms import people_before
from services.campaigns.audience_size import audience_count
from services.campaigns.checking import problems_of
from services.campaigns.contracts import ApprovalDetail, ApprovalRow, CampaignState, ChosenFate, VersionRow
from services.campaigns.errors import ApprovalClosed, NotEditable, OwnWork, Unreadable
from services.campaigns.impact import checked, decide
from services.campaigns.lifecycle import activate, lock, move, revoke_outdated
from services.campaigns.models import Approval
from services.campaigns.rules import EDITABLE, content_hash, is_own_work, too_soon, why_not_approve
from services.campaigns.versions import author_of, editors_of, ensure_version, open_draft, read_version
from services.content.service import count_uses, resolve
from services.contracts.journey import Journey
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit


async def request_approval(
    u: Unit,
    campaign_id: UUID,
    *,
    note: str = "",
    activate_at: datetime | None = None,
    fates: Sequence[ChosenFate] = (),
) -> ApprovalRow:
    """Freeze the draft as a version and put it into the approvers' inbox.

    `activate_at`: when to start, at least five minutes ahead; None: as soon as it is approved.
    `fates`: what becomes of people inside (D8); groups left out finish on the version they are in.
    Raises Invalid with the problems when something blocking is left.
    """
    u.actor.require("author")
    state = await lock(u, campaign_id)
    _check_request(u, state, activate_at)
    journey, editors = await _draft(u, campaign_id)
    stopping = blocking(await problems_of(u, journey, campaign_id))
    if stopping:
        raise Invalid(_count_sentence(stopping), [problem.model_dump() for problem in stopping])
    author = author_of(u.actor)
    journey = await _freeze(u, campaign_id, journey)
    version = await ensure_version(u, campaign_id, journey, editors=editors, author=author)
    impact = await checked(u, campaign_id, journey, fates)
    standing = await _standing(u, campaign_id, version, activate_at, impact)
    if standing is not None:
        return standing
    await revoke_outdated(u, campaign_id, "", note="Replaced by a new request.")
    return await _insert(u, campaign_id, version, journey, note=note, activate_at=activate_at, impact=impact)


def _check_request(u: Unit, state: CampaignState, activate_at: datetime | None) -> None:
    if state not in EDITABLE:
        raise NotEditable(
            f"This campaign is {state}. Approval is asked for a draft or a paused campaign.", state=state
        )
    if activate_at is None:
        return
    if activate_at.tzinfo is None:
        raise Invalid("Give the start with its time zone.")
    if state == "paused":
        raise Invalid("A paused campaign resumes as soon as it is approved; leave the start time empty.")
    if too_soon(activate_at, u.now):
        raise Invalid(
            "A scheduled start lies at least 5 minutes ahead. Choose a later time, or start at once."
        )


def _count_sentence(stopping: list[Problem]) -> str:
    if len(stopping) == 1:
        return f"One thing has to be put right first: {stopping[0].sentence}"
    return f"{len(stopping)} things have to be put right before this campaign can be approved."


async def _draft(u: Unit, campaign_id: UUID) -> tuple[Journey, list[UUID]]:
    row = (await u.execute(queries.DRAFT, practice=u.practice_id, campaign=campaign_id)).mappings().one()
    draft = open_draft(u, campaign_id, row["draft"])
    if not isinstance(draft, Journey):
        raise Unreadable("This campaign", draft)
    return draft, list(row["draft_editors"])


async def _freeze(u: Unit, campaign_id: UUID, draft: Journey) -> Journey:
    """The draft with its templates' words written in, as they are now; the draft's hash follows."""
    frozen = await resolve(u, draft)
    await u.execute(
        "UPDATE cm.campaign SET draft_hash = :hash WHERE practice_id = :practice AND campaign_id = :campaign",
        hash=content_hash(frozen),
        practice=u.practice_id,
        campaign=campaign_id,
    )
    return frozen


async def _standing(
    u: Unit,
    campaign_id: UUID,
    version: VersionRow,
    activate_at: datetime | None,
    impact: list[dict[str, Any]],
) -> ApprovalRow | None:
    """An open request for exactly this: asking twice is asking once."""
    wanted = _fates(impact)
    for row in await approval_rows(u, campaign_id=campaign_id, state="requested"):
        asked = _fates([fate.model_dump(mode="json") for fate in row.impact])
        if (row.version_id, row.activate_at, asked) == (version.version_id, activate_at, wanted):
            return row
    return None


def _fates(impact: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What was chosen, without how many people it concerns: that may change by itself."""
    return [(f["version_id"], f["step_id"], f["choice"], f["to_step"]) for f in impact]


async def _insert(
    u: Unit,
    campaign_id: UUID,
    version: VersionRow,
    journey: Journey,
    *,
    note: str,
    activate_at: datetime | None,
    impact: list[dict[str, Any]],
) -> ApprovalRow:
    approval_id = new_id()
    count = await audience_count(u, journey)
    u.session.add(
        Approval(
            practice_id=u.practice_id,
            approval_id=approval_id,
            campaign_id=campaign_id,
            version_id=version.version_id,
            content_hash=version.content_hash,
            activate_at=activate_at,
            audience_count=count,
            note=note.strip()[:2000],
            requested_by=author_of(u.actor),
            requested_at=u.now,
            impact=impact,
        )
    )
    await u.session.flush()
    await count_uses(u, journey)
    await record(
        u,
        AuditTag.APPROVAL_REQUESTED,
        campaign_id=campaign_id,
        approval=str(approval_id),
        version=str(version.version_id),
        hash=version.content_hash,
        audience=count,
        activate_at=activate_at.isoformat() if activate_at else None,
    )
    return await _row(u, approval_id)


async def inbox(u: Unit) -> list[ApprovalRow]:
    """Open requests, oldest first."""
    u.actor.require("read")
    rows = await approval_rows(u, state="requested")
    return sorted(rows, key=lambda row: row.requested_at)


async def approval(u: Unit, approval_id: UUID) -> ApprovalDetail:
    """One request with what it will do, what changed, and whether this person may decide."""
    u.actor.require("read")
    row = await _row(u, approval_id)
    read = await read_version(u, row.version_id)
    journey = read if isinstance(read, Journey) else Journey()
    before = await _previous_version(u, row)
    old = await read_version(u, before) if before else None
    previous = old if isinstance(old, Journey) else None
    problems = [] if isinstance(read, Journey) else read
    why_not = "" if u.actor.may("approve") else "Your role does not let you approve campaigns."
    if not why_not:
        why_not = await _why_not(u, row) or ""
    if problems:
        why_not = f"This version cannot be read, so it cannot be approved. {problems[0].sentence}"
    return ApprovalDetail(
        row=row,
        journey=journey,
        previous_journey=previous,
        previous_version_id=before,
        people_before=await people_before(u, row, before),
        own_work=await _is_exemption(u, row),
        diff=diff(previous, journey),
        summary=[] if problems else summary(journey),
        may_decide=row.state == "requested" and not why_not,
        why_not=why_not,
        problems=problems,
    )


async def approve(
    u: Unit, approval_id: UUID, *, note: str = "", until: datetime | None = None
) -> ApprovalRow:
    """Approve one version; it starts at once, or becomes Scheduled for the approved time. With `until` it
    is approved for a time: the scheduler pauses it then, and it needs a new approval to go on.

    Raises OwnWork for whoever made or edited it (D9), ApprovalClosed when it was decided already.
    """
    u.actor.require("approve")
    row = await _open(u, approval_id)
    reason = await _why_not(u, row)
    if reason is not None:
        raise OwnWork(reason)
    if until is not None and until <= max(u.now, row.activate_at or u.now):
        raise Invalid("An approval for a time ends after it begins. Choose a later day.")
    exempt = await _is_exemption(u, row)
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
    return await _row(u, approval_id)


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
    return await _row(u, approval_id)


async def withdraw(u: Unit, campaign_id: UUID) -> None:
    """Take back an open request."""
    u.actor.require("author")
    await lock(u, campaign_id)
    await revoke_outdated(u, campaign_id, "", note="Withdrawn.")


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


async def _row(u: Unit, approval_id: UUID) -> ApprovalRow:
    found = await u.execute(
        queries.APPROVALS + " AND a.approval_id = :approval", practice=u.practice_id, approval=approval_id
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This request does not exist, or its campaign was deleted.")
    return ApprovalRow.model_validate(dict(row))


async def _open(u: Unit, approval_id: UUID) -> ApprovalRow:
    """The request, still open, with its campaign's row locked."""
    row = await _row(u, approval_id)
    await lock(u, row.campaign_id)
    row = await _row(u, approval_id)
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


async def _why_not(u: Unit, row: ApprovalRow) -> str | None:
    created_by, editors = await _makers(u, row)
    return why_not_approve(
        u.actor.person_id,
        created_by=created_by,
        editors=editors,
        single_operator=(await practice_settings(u)).single_operator,
    )


async def _is_exemption(u: Unit, row: ApprovalRow) -> bool:
    created_by, editors = await _makers(u, row)
    person = u.actor.person_id
    return person is not None and is_own_work(person, created_by=created_by, editors=editors)


async def _makers(u: Unit, row: ApprovalRow) -> tuple[UUID, list[UUID]]:
    created = await u.execute(
        "SELECT created_by FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign",
        practice=u.practice_id,
        campaign=row.campaign_id,
    )
    return created.scalar_one(), await editors_of(u, row.version_id)
