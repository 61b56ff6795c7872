"""The template registry (CNT-1): texts with a unique name, checked when they are saved (CNT-2)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.content import queries
from services.content.checks import checked_texts
from services.content.contracts import TemplateRow, TemplateVersion, Texts
from services.content.errors import NameTaken
from services.contracts.journey import Channel, ChannelContent
from services.kit.errors import Invalid, NotFound, StaleWrite
from services.kit.ids import new_id
from services.kit.uow import Unit


async def templates(
    u: Unit,
    *,
    channel: Channel | None = None,
    campaign_id: UUID | None = None,
    active_only: bool = False,
    everywhere: bool = False,
) -> list[TemplateRow]:
    """Global templates, and those of `campaign_id` when given, or of every campaign; by name."""
    u.actor.require("read")
    sql, values = queries.TEMPLATES, dict[str, Any]()
    if not everywhere:
        sql += " AND (campaign_id IS NULL OR campaign_id = CAST(:campaign AS uuid))"
        values["campaign"] = campaign_id
    if channel is not None:
        sql, values["channel"] = sql + " AND channel = :channel", channel
    if active_only:
        sql += " AND active"
    rows = await u.execute(sql + " ORDER BY lower(name), template_id", practice=u.practice_id, **values)
    return [read_row(u, row) for row in rows.mappings()]


async def template(u: Unit, template_id: UUID) -> TemplateRow:
    """One template. Raises NotFound."""
    u.actor.require("read")
    return await _get(u, template_id)


async def create_template(
    u: Unit,
    *,
    name: str,
    channel: Channel,
    content: ChannelContent,
    translations: Mapping[str, ChannelContent] | None = None,
    campaign_id: UUID | None = None,
    locale: str = "",
) -> TemplateRow:
    """Register a text. Raises NameTaken, NotFound, or Invalid with what is wrong in it."""
    u.actor.require("author")
    texts = Texts(content=content, translations=dict(translations or {}))
    required, optional = checked_texts(channel, texts)
    template_id, name = new_id(), _name(name)
    await _known_campaign(u, campaign_id)
    sealed = _seal(u, template_id, texts)
    inserted = await u.execute(
        queries.INSERT,
        practice=u.practice_id,
        template=template_id,
        campaign=campaign_id,
        name=name,
        channel=channel,
        locale=locale,
        content=sealed,
        required=required,
        optional=optional,
        person=_author(u),
        now=u.now,
    )
    if inserted.first() is None:
        raise NameTaken(f"There is a template called “{name}” already. Choose another name.")
    await _keep(u, template_id, 1, name, sealed)
    await _audit(u, template_id, campaign_id, "created", name=name, channel=channel)
    return await _get(u, template_id)


async def update_template(
    u: Unit,
    template_id: UUID,
    *,
    name: str,
    content: ChannelContent,
    translations: Mapping[str, ChannelContent] | None = None,
    locale: str = "",
    expected: int | None = None,
    restored: int | None = None,
) -> TemplateRow:
    """Change a text. Campaigns approved before keep the words they were approved with.

    `expected` is the version the caller last saw. Raises StaleWrite when another one came since,
    NameTaken, NotFound, Invalid.
    """
    u.actor.require("author")
    old = await _get(u, template_id, lock=True)
    if expected is not None and expected != old.version:
        raise StaleWrite("Somebody else saved this template meanwhile. Look at their version first.")
    name = _name(name)
    texts = Texts(content=content, translations=dict(translations or {}))
    required, optional = checked_texts(old.channel, texts)
    sealed = _seal(u, template_id, texts)
    taken = await u.execute(
        queries.SAME_NAME,
        practice=u.practice_id,
        campaign=old.campaign_id,
        name=name,
        template=template_id,
    )
    if taken.first() is not None:
        raise NameTaken(f"There is a template called “{name}” already. Choose another name.")
    await u.execute(
        queries.UPDATE,
        practice=u.practice_id,
        template=template_id,
        name=name,
        locale=locale,
        content=sealed,
        required=required,
        optional=optional,
        now=u.now,
    )
    await _keep(u, template_id, old.version + 1, name, sealed, restored)
    more = {"restored": restored} if restored else {}
    await _audit(u, template_id, old.campaign_id, "updated", version=old.version + 1, **more)
    return await _get(u, template_id)


async def set_template_active(u: Unit, template_id: UUID, active: bool) -> None:
    """Take a template out of use, or back into it; nothing that was approved with it changes."""
    u.actor.require("author")
    old = await _get(u, template_id)
    if old.active == active:
        return
    await u.execute(
        "UPDATE cm.content_template SET active = :active, updated_at = :now"
        " WHERE practice_id = :practice AND template_id = :template",
        active=active,
        now=u.now,
        practice=u.practice_id,
        template=template_id,
    )
    await _audit(u, template_id, old.campaign_id, "activated" if active else "deactivated")


async def template_versions(u: Unit, template_id: UUID) -> list[TemplateVersion]:
    """Every saved state, newest first. Raises NotFound."""
    u.actor.require("read")
    await _get(u, template_id)
    rows = await u.execute(queries.VERSIONS, practice=u.practice_id, template=template_id)
    return [
        TemplateVersion.model_validate(
            {
                "version": row.version, "name": row.name, "created_by": row.created_by, "created_by_name": row.created_by_name, "created_at": row.created_at,
                "restored": row.restored, **_opened(u, template_id, row.content).model_dump(),
            }
        )
        for row in rows
    ]  # fmt: skip


async def restore_template(u: Unit, template_id: UUID, version: int) -> TemplateRow:
    """Make an earlier state the newest one; nothing in between is lost. Raises NotFound, NameTaken."""
    u.actor.require("author")
    kept = next((v for v in await template_versions(u, template_id) if v.version == version), None)
    if kept is None:
        raise NotFound(f"This template has no version {version}.")
    return await update_template(
        u,
        template_id,
        name=kept.name,
        content=kept.content,
        translations=kept.translations,
        restored=version,
    )


async def _known_campaign(u: Unit, campaign_id: UUID | None) -> None:
    if campaign_id is None:
        return
    sql = "SELECT 1 FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign"
    if (await u.execute(sql, practice=u.practice_id, campaign=campaign_id)).first() is None:
        raise NotFound("This campaign does not exist, or was deleted.")


async def _get(u: Unit, template_id: UUID, *, lock: bool = False) -> TemplateRow:
    sql = queries.TEMPLATES + " AND template_id = :template" + (" FOR UPDATE" if lock else "")
    found = await u.execute(sql, practice=u.practice_id, template=template_id)
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This template does not exist.")
    return read_row(u, row)


def read_row(u: Unit, row: Any) -> TemplateRow:
    """A row of `queries.TEMPLATES` with its words opened."""
    texts = _opened(u, row["template_id"], row["content"])
    return TemplateRow.model_validate(dict(row) | texts.model_dump())


def _opened(u: Unit, template_id: UUID, sealed: Any) -> Texts:
    return Texts.model_validate_json(u.keyring.open(bytes(sealed), place=f"content_template:{template_id}"))


def _seal(u: Unit, template_id: UUID, texts: Texts) -> bytes:
    return u.keyring.seal(texts.model_dump_json().encode(), place=f"content_template:{template_id}")


async def _keep(
    u: Unit, template_id: UUID, version: int, name: str, sealed: bytes, restored: int | None = None
) -> None:
    await u.execute(
        queries.KEEP,
        practice=u.practice_id,
        template=template_id,
        version=version,
        name=name,
        content=sealed,
        person=_author(u),
        now=u.now,
        restored=restored,
    )


def _author(u: Unit) -> UUID:
    return u.actor.person_id or UUID(int=0)


async def _audit(u: Unit, template_id: UUID, campaign_id: UUID | None, what: str, **more: Any) -> None:
    await record(
        u, AuditTag.TEMPLATE_CHANGED, campaign_id=campaign_id, template=str(template_id), what=what, **more
    )


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > 120:
        raise Invalid("Give the template a name of 1 to 120 letters.")
    return clean
