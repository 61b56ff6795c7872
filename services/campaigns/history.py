"""The versions of a campaign as a story: who made each, what for, and what became of it (LIF-5)."""

from datetime import datetime
from uuid import UUID

from services.audit.tags import AuditTag
from services.builder.contracts import Problem
from services.campaigns.approvals import approval_rows
from services.campaigns.contracts import ApprovalRow, VersionRow
from services.campaigns.drafts import row_of
from services.campaigns.versions import read_version, version_rows
from services.contracts.envelope import Strict
from services.contracts.journey import Journey
from services.kit.errors import NotFound
from services.kit.uow import Unit


class VersionStory(Strict):
    """One version. `request` is the newest request for its approval, if it had one."""

    version: VersionRow
    live: bool
    is_draft: bool
    request: ApprovalRow | None


async def version_story(u: Unit, campaign_id: UUID) -> list[VersionStory]:
    """Every version, newest first. `is_draft`: the draft says the same as this version."""
    u.actor.require("read")
    row = await row_of(u, campaign_id)
    requests: dict[UUID, ApprovalRow] = {}
    for request in await approval_rows(u, campaign_id=campaign_id):
        requests.setdefault(request.version_id, request)
    return [
        VersionStory(
            version=version,
            live=version.version_id == row.active_version_id,
            is_draft=version.content_hash == row.draft_hash,
            request=requests.get(version.version_id),
        )
        for version in await version_rows(u, campaign_id)
    ]


async def last_saved(u: Unit, campaign_id: UUID) -> tuple[str, datetime | None]:
    """Who saved the draft last, and when; an empty name for a system or somebody unknown."""
    u.actor.require("read")
    found = await u.execute(
        """
        SELECT coalesce(p.display_name, '') AS name, a.at
        FROM cm.audit a
        LEFT JOIN cm.person p ON p.practice_id = a.practice_id AND a.actor = 'person:' || p.person_id
        WHERE a.practice_id = :practice AND a.campaign_id = :campaign AND a.tag = :tag
          AND a.detail LIKE '%"revision"%'
        ORDER BY a.at DESC LIMIT 1
        """,
        practice=u.practice_id,
        campaign=campaign_id,
        tag=AuditTag.CAMPAIGN_EDITED,
    )
    row = found.first()
    return (row.name, row.at) if row else ("", None)


async def version_of(u: Unit, campaign_id: UUID, version_id: UUID) -> Journey | list[Problem]:
    """The definition of one version of this campaign, or what is wrong with it. Raises NotFound
    for a version of another campaign."""
    u.actor.require("read")
    if not any(v.version_id == version_id for v in await version_rows(u, campaign_id)):
        raise NotFound("This version of the campaign does not exist.")
    return await read_version(u, version_id)


async def last_readable(u: Unit, campaign_id: UUID) -> VersionRow | None:
    """The newest version that can be read: what a damaged draft is restored from."""
    u.actor.require("read")
    for version in await version_rows(u, campaign_id):
        if isinstance(await read_version(u, version.version_id), Journey):
            return version
    return None
