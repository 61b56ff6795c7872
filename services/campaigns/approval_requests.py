"""Asking for approval: the draft is frozen as a version and waits for another person (D9, LIF-6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.builder.contracts import Problem
from services.builder.rules import blocking
from services.campaigns import queries
from services.campaigns.approvals import approval_row, approval_rows
from services.campaigns.audience_size import audience_count
from services.campaigns.checking import problems_of
from services.campaigns.contracts import ApprovalRow, CampaignState, ChosenFate, VersionRow
from services.campaigns.errors import NotEditable, Unreadable
from services.campaigns.impact import checked
from services.campaigns.lifecycle import lock, revoke_outdated
from services.campaigns.models import Approval
from services.campaigns.rules import EDITABLE, content_hash, too_soon
from services.campaigns.versions import author_of, ensure_version, open_draft
from services.content.service import count_uses, resolve
from services.contracts.journey import Journey
from services.kit.errors import Invalid
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


async def withdraw(u: Unit, campaign_id: UUID) -> None:
    """Take back an open request."""
    u.actor.require("author")
    await lock(u, campaign_id)
    await revoke_outdated(u, campaign_id, "", note="Withdrawn.")


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
    return await approval_row(u, approval_id)
