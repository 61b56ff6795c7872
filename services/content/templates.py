"""The template registry (CNT-1): texts with a unique name, checked when they are saved (CNT-2)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.content import queries
from services.content.contracts import TemplateRow
from services.content.errors import NameTaken
from services.content.rules import placeholders
from services.contracts.journey import Channel, ChannelContent, Journey, Message, Variant
from services.contracts.merge_fields import MERGE_FIELDS, NAMES, OBJECTS
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.kit.rendering import RenderProblem, printed, variables
from services.kit.uow import Unit

OPTIONAL = frozenset(field.name for field in MERGE_FIELDS if field.optional)


async def templates(
    u: Unit, *, channel: Channel | None = None, campaign_id: UUID | None = None, active_only: bool = False
) -> list[TemplateRow]:
    """Global templates, and those of `campaign_id` when given; by name."""
    u.actor.require("read")
    sql = queries.TEMPLATES + " AND (campaign_id IS NULL OR campaign_id = CAST(:campaign AS uuid))"
    values: dict[str, Any] = {"campaign": campaign_id}
    if channel is not None:
        sql, values["channel"] = sql + " AND channel = :channel", channel
    if active_only:
        sql += " AND active"
    rows = await u.execute(sql + " ORDER BY lower(name), locale", practice=u.practice_id, **values)
    return [_row(u, row) for row in rows.mappings()]


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
    campaign_id: UUID | None = None,
    locale: str = "",
) -> TemplateRow:
    """Register a text. Raises NameTaken, or Invalid with what is wrong in it."""
    u.actor.require("author")
    required, optional = checked_variables(channel, content)
    template_id, name = new_id(), _name(name)
    inserted = await u.execute(
        queries.INSERT,
        practice=u.practice_id,
        template=template_id,
        campaign=campaign_id,
        name=name,
        channel=channel,
        locale=locale,
        content=_seal(u, template_id, content),
        required=required,
        optional=optional,
        person=u.actor.person_id or UUID(int=0),
        now=u.now,
    )
    if inserted.first() is None:
        raise NameTaken(f"There is a template called “{name}” already. Choose another name.")
    await _audit(u, template_id, campaign_id, "created", name=name, channel=channel)
    return await _get(u, template_id)


async def update_template(
    u: Unit, template_id: UUID, *, name: str, content: ChannelContent, locale: str = ""
) -> TemplateRow:
    """Change a text. Campaigns approved before keep the words they were approved with."""
    u.actor.require("author")
    old = await _get(u, template_id)
    name = _name(name)
    required, optional = checked_variables(old.channel, content)
    taken = await u.execute(
        queries.SAME_NAME,
        practice=u.practice_id,
        campaign=old.campaign_id,
        name=name,
        locale=locale,
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
        content=_seal(u, template_id, content),
        required=required,
        optional=optional,
        now=u.now,
    )
    await _audit(u, template_id, old.campaign_id, "updated", version=old.version + 1)
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


async def resolve(u: Unit, journey: Journey) -> Journey:
    """The journey with the words of its templates written in, so that what is approved is fixed.

    Words written on the step itself win. Templates that are gone or inactive are left: the
    builder's check names them.
    """
    wanted = template_ids(journey)
    if not wanted:
        return journey
    rows = await u.execute(
        queries.TEMPLATES + " AND active AND template_id = ANY (:ids)",
        practice=u.practice_id,
        ids=list(wanted),
    )
    found = {str(row.template_id): row for row in (_row(u, r) for r in rows.mappings())}

    def filled(variant: Variant) -> Variant:
        row = found.get(variant.template_id or "")
        written = variant.content.get(row.channel) if row else None
        if row is None or (written is not None and written.body.strip()):
            return variant
        return variant.model_copy(update={"content": {**variant.content, row.channel: row.content}})

    steps = [
        step.model_copy(update={"variants": [filled(v) for v in step.variants]})
        if isinstance(step, Message)
        else step
        for step in journey.steps
    ]
    return journey.model_copy(update={"steps": steps})


async def count_uses(u: Unit, journey: Journey) -> None:
    """Add one use to every template of a journey that has just become a version."""
    wanted = template_ids(journey)
    if wanted:
        await u.execute(
            "UPDATE cm.content_template SET times_used = times_used + 1"
            " WHERE practice_id = :practice AND template_id = ANY (:ids)",
            practice=u.practice_id,
            ids=list(wanted),
        )


def template_ids(journey: Journey) -> set[UUID]:
    """Templates a journey names; what is not an id is left to the builder's check."""
    found: set[UUID] = set()
    for step in journey.steps:
        for variant in step.variants if isinstance(step, Message) else ():
            try:
                found.add(UUID(variant.template_id or ""))
            except ValueError:
                continue
    return found


def checked_variables(channel: Channel, content: ChannelContent) -> tuple[list[str], list[str]]:
    """(required, optional) merge fields of a text. Raises Invalid with every problem in it."""
    problems: list[dict[str, Any]] = []
    used: set[str] = set()
    bare: set[str] = set()
    for field, text in content.model_dump().items():
        problems += [
            {"field": field, "code": "placeholder", "sentence": f"“{left}” is still to be filled in."}
            for left in placeholders(text)
        ]
        try:
            used |= variables(text)
            bare |= printed(text) & (OBJECTS - NAMES)
        except RenderProblem as error:
            problems.append({"field": field, "code": "bad_template", "sentence": error.message})
    problems += [
        {"field": "body", "code": "unknown_field", "sentence": f"{{{{ {name} }}}} is not a merge field."}
        for name in sorted((used - NAMES - OBJECTS) | bare)
    ]
    if not content.body.strip():
        problems.append({"field": "body", "code": "no_content", "sentence": "Write the message first."})
    if channel == "email" and not content.subject.strip():
        problems.append({"field": "subject", "code": "no_subject", "sentence": "Give the email a subject."})
    if problems:
        raise Invalid("These words are not ready: " + _first(problems), problems)
    named = used & NAMES
    return sorted(named - OPTIONAL), sorted(named & OPTIONAL)


def _first(problems: Iterable[dict[str, Any]]) -> str:
    return str(next(iter(problems))["sentence"])


async def _get(u: Unit, template_id: UUID) -> TemplateRow:
    found = await u.execute(
        queries.TEMPLATES + " AND template_id = :template", practice=u.practice_id, template=template_id
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("This template does not exist.")
    return _row(u, row)


def _row(u: Unit, row: Any) -> TemplateRow:
    opened = u.keyring.open(bytes(row["content"]), place=f"content_template:{row['template_id']}")
    return TemplateRow.model_validate(dict(row) | {"content": ChannelContent.model_validate_json(opened)})


def _seal(u: Unit, template_id: UUID, content: ChannelContent) -> bytes:
    return u.keyring.seal(content.model_dump_json().encode(), place=f"content_template:{template_id}")


async def _audit(u: Unit, template_id: UUID, campaign_id: UUID | None, what: str, **more: Any) -> None:
    await record(
        u, AuditTag.TEMPLATE_CHANGED, campaign_id=campaign_id, template=str(template_id), what=what, **more
    )


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean or len(clean) > 120:
        raise Invalid("Give the template a name of 1 to 120 letters.")
    return clean
