"""Making and editing campaigns: create, list, open, save, rename, tag, clone, delete (LIF-1)."""

from collections.abc import Iterable
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.builder import gallery
from services.builder.contracts import Problem
from services.campaigns import queries
from services.campaigns.approvals import approval_rows
from services.campaigns.contracts import CampaignDetail, CampaignRow
from services.campaigns.errors import NotEditable
from services.campaigns.lifecycle import announce, lock, revoke_outdated
from services.campaigns.models import Campaign
from services.campaigns.rules import EDITABLE, content_hash, is_journey, kind_of
from services.campaigns.versions import author_of, open_draft, seal_draft, version_rows
from services.content.service import resolve
from services.contracts.journey import Journey
from services.kit.errors import Invalid, NotFound, StaleWrite
from services.kit.ids import new_id
from services.kit.uow import Unit

MAX_TAGS = 20


async def create(
    u: Unit,
    *,
    name: str,
    journey: Journey | None = None,
    template_key: str | None = None,
    external_key: str | None = None,
    ai_generated: bool = False,
) -> CampaignRow:
    """A new Draft, empty, from a journey, or from a gallery template.

    With an `external_key` that is known already the existing campaign is returned unchanged.
    """
    u.actor.require("author")
    if external_key is not None:
        known = await _by_external_key(u, external_key)
        if known is not None:
            return known
    if journey is None:
        journey = gallery.template(template_key).journey if template_key else Journey()
    campaign_id = await _insert(
        u,
        _name(name),
        journey,
        template_key=template_key,
        external_key=external_key,
        ai_generated=ai_generated,
    )
    await record(
        u,
        AuditTag.CAMPAIGN_CREATED,
        campaign_id=campaign_id,
        template=template_key,
        ai_generated=ai_generated,
    )
    announce(u, campaign_id, "campaign.created", ai_generated=ai_generated)
    return await row_of(u, campaign_id)


async def _insert(
    u: Unit,
    name: str,
    journey: Journey,
    *,
    template_key: str | None,
    external_key: str | None,
    ai_generated: bool,
    tags: Iterable[str] = (),
) -> UUID:
    campaign_id, author = new_id(), author_of(u.actor)
    u.session.add(
        Campaign(
            practice_id=u.practice_id,
            campaign_id=campaign_id,
            name=name,
            campaign_type=journey.campaign_type,
            kind=kind_of(journey),
            objective=journey.goal.objective,
            is_journey=is_journey(journey),
            ai_generated=ai_generated,
            template_key=template_key,
            external_key=external_key,
            tags=list(tags),
            draft=seal_draft(u, campaign_id, journey),
            draft_revision=1,
            draft_hash=content_hash(await resolve(u, journey)),
            draft_editors=[author],
            created_by=author,
            created_at=u.now,
            updated_at=u.now,
        )
    )
    await u.session.flush()
    return campaign_id


async def get(u: Unit, campaign_id: UUID) -> CampaignDetail:
    """Everything the builder needs of one campaign. Raises NotFound."""
    u.actor.require("read")
    row = await row_of(u, campaign_id)
    draft = await _draft_of(u, campaign_id)
    versions = await version_rows(u, campaign_id)
    approvals = await approval_rows(u, campaign_id=campaign_id)
    return CampaignDetail(
        row=row,
        draft=draft if isinstance(draft, Journey) else Journey(),
        draft_revision=row.draft_revision,
        draft_problems=[] if isinstance(draft, Journey) else draft,
        active_version=next((v for v in versions if v.version_id == row.active_version_id), None),
        open_approval=next((a for a in approvals if a.state == "requested"), None),
        last_decision=next((a for a in approvals if a.state != "requested"), None),
        editable=row.state in EDITABLE,
    )


async def save_draft(u: Unit, campaign_id: UUID, journey: Journey, *, revision: int) -> int:
    """Store an edit and return the new revision.

    Raises StaleWrite when somebody else saved since `revision`, NotEditable outside Draft and
    Paused (LIF-4). An edit that changes the meaning revokes an approval asked for or given (D9).
    """
    u.actor.require("author")
    digest = content_hash(await resolve(u, journey))
    scheduled = await _was_scheduled(u, campaign_id)
    saved = await u.execute(
        queries.SAVE_DRAFT,
        practice=u.practice_id,
        campaign=campaign_id,
        draft=seal_draft(u, campaign_id, journey),
        hash=digest,
        editor=author_of(u.actor),
        type=journey.campaign_type,
        objective=journey.goal.objective,
        kind=kind_of(journey, scheduled=scheduled),
        is_journey=is_journey(journey),
        now=u.now,
        revision=revision,
    )
    new_revision: int | None = saved.scalar_one_or_none()
    if new_revision is None:
        await _explain_refused_save(u, campaign_id)
    assert new_revision is not None
    await record(u, AuditTag.CAMPAIGN_EDITED, campaign_id=campaign_id, revision=new_revision, hash=digest)
    await revoke_outdated(u, campaign_id, digest)
    announce(u, campaign_id, "campaign.updated", changed=["draft"], revision=new_revision)
    return new_revision


async def _was_scheduled(u: Unit, campaign_id: UUID) -> bool:
    found = await u.execute(
        "SELECT scheduled_at IS NOT NULL FROM cm.campaign"
        " WHERE practice_id = :practice AND campaign_id = :campaign",
        practice=u.practice_id,
        campaign=campaign_id,
    )
    return bool(found.scalar_one_or_none())


async def _explain_refused_save(u: Unit, campaign_id: UUID) -> None:
    row = await row_of(u, campaign_id)
    if row.state not in EDITABLE:
        hint = {
            "active": "Pause it first.",
            "scheduled": "Take it back to draft first.",
        }.get(row.state, "Clone it and edit the copy.")
        raise NotEditable(f"This campaign is {row.state}, so it cannot be edited. {hint}", state=row.state)
    raise StaleWrite(
        "Somebody else saved this campaign while you were editing. Nothing of theirs was overwritten: "
        "reload to see their changes.",
        revision=row.draft_revision,
    )


async def rename(u: Unit, campaign_id: UUID, name: str) -> None:
    """A campaign's name is a label: it may change in any state and undoes no approval."""
    u.actor.require("author")
    await _set(u, campaign_id, "name", _name(name))


async def set_tags(u: Unit, campaign_id: UUID, tags: Iterable[str]) -> None:
    """Replace the tags; they are trimmed, lower-cased and made unique."""
    u.actor.require("author")
    clean = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(clean) > MAX_TAGS or any(len(tag) > 40 for tag in clean):
        raise Invalid(f"A campaign takes {MAX_TAGS} tags of 40 letters at most.")
    await _set(u, campaign_id, "tags", clean)


async def _set(u: Unit, campaign_id: UUID, column: str, value: object) -> None:
    updated = await u.execute(
        f"UPDATE cm.campaign SET {column} = :value, updated_at = :now"
        " WHERE practice_id = :practice AND campaign_id = :campaign RETURNING campaign_id",
        value=value,
        now=u.now,
        practice=u.practice_id,
        campaign=campaign_id,
    )
    if updated.first() is None:
        raise NotFound("This campaign does not exist, or was deleted.")
    await record(u, AuditTag.CAMPAIGN_EDITED, campaign_id=campaign_id, changed=column)
    announce(u, campaign_id, "campaign.updated", changed=[column])


async def clone(u: Unit, campaign_id: UUID, *, name: str | None = None) -> CampaignRow:
    """A new Draft with the same journey and tags, in any state of the original."""
    u.actor.require("author")
    source = await row_of(u, campaign_id)
    draft = await _draft_of(u, campaign_id)
    if not isinstance(draft, Journey):
        raise Invalid(
            "This campaign cannot be read, so it cannot be cloned.", [p.model_dump() for p in draft]
        )
    copy_id = await _insert(
        u,
        _name(name or f"{source.name[:190]} (copy)"),
        draft,
        template_key=source.template_key,
        external_key=None,
        ai_generated=source.ai_generated,
        tags=source.tags,
    )
    await record(u, AuditTag.CAMPAIGN_CLONED, campaign_id=copy_id, source=str(campaign_id))
    announce(u, copy_id, "campaign.created", cloned_from=str(campaign_id))
    return await row_of(u, copy_id)


async def delete(u: Unit, campaign_id: UUID) -> None:
    """Remove a Draft (D6). Its versions and audit stay, as everything approved once does."""
    u.actor.require("delete_draft")
    state = await lock(u, campaign_id)
    if state != "draft":
        raise NotEditable(
            f"Only drafts can be deleted, and this campaign is {state}. Cancel it instead.", state=state
        )
    await revoke_outdated(u, campaign_id, "")
    await u.execute(
        "DELETE FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign AND state = 'draft'",
        practice=u.practice_id,
        campaign=campaign_id,
    )
    await record(u, AuditTag.CAMPAIGN_DELETED, campaign_id=campaign_id)
    announce(u, campaign_id, "campaign.updated", deleted=True)


async def row_of(u: Unit, campaign_id: UUID) -> CampaignRow:
    found = await u.execute(queries.ONE, practice=u.practice_id, campaign=campaign_id)
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This campaign does not exist, or was deleted.")
    return CampaignRow.model_validate(dict(row))


async def _draft_of(u: Unit, campaign_id: UUID) -> Journey | list[Problem]:
    found = await u.execute(
        "SELECT draft FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign",
        practice=u.practice_id,
        campaign=campaign_id,
    )
    return open_draft(u, campaign_id, found.scalar_one())


async def _by_external_key(u: Unit, external_key: str) -> CampaignRow | None:
    # Two creates with one key at the same moment wait for each other here.
    await u.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))",
        key=f"campaign/{u.practice_id}/{external_key}",
    )
    found = await u.execute(
        queries.ROW + " AND c.external_key = :key", practice=u.practice_id, key=external_key
    )
    row = found.mappings().one_or_none()
    return CampaignRow.model_validate(dict(row)) if row else None


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > 200:
        raise Invalid("Give the campaign a name of 1 to 200 letters.")
    return clean
