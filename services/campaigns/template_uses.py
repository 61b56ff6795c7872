"""Where a message template is used, and in which of its versions (CNT-1, CNT-6)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from services.campaigns import queries
from services.campaigns.contracts import RunningWords, TemplateUse
from services.campaigns.versions import open_draft, read_version
from services.content.contracts import TemplateVersion
from services.content.service import template, template_ids, template_versions, templates
from services.contracts.journey import Channel, Journey, Message, Variant
from services.contracts.step_names import step_name
from services.kit.errors import NotFound
from services.kit.uow import Unit

OPEN = """
SELECT c.campaign_id, c.name, c.state, c.draft, c.active_version_id, v.created_at AS approved_at
FROM cm.campaign c LEFT JOIN cm.campaign_version v ON v.practice_id = c.practice_id AND v.version_id = c.active_version_id
WHERE c.practice_id = :practice AND c.state NOT IN ('completed', 'cancelled') ORDER BY lower(c.name), c.campaign_id
"""


async def template_uses(u: Unit, template_id: UUID) -> list[TemplateUse]:
    """Campaigns that are not over and name this template, in what runs or in the draft; by name.

    Reads every open definition, so it is for one template's page, not for a list of them.
    """
    u.actor.require("read")
    channel, kept = (await template(u, template_id)).channel, await template_versions(u, template_id)
    found: list[TemplateUse] = []
    for row in await u.execute(OPEN, practice=u.practice_id):
        draft = open_draft(u, row.campaign_id, row.draft)
        live = await read_version(u, row.active_version_id) if row.active_version_id else None
        steps = _steps(draft, template_id) if isinstance(draft, Journey) else []
        running = _steps(live, template_id) if isinstance(live, Journey) else []
        if steps or running:
            found.append(
                TemplateUse(
                    campaign_id=row.campaign_id,
                    name=row.name,
                    state=row.state,
                    steps=list(dict.fromkeys([*steps, *running])),
                    live=bool(running),
                    version=_runs_with(live, template_id, channel, kept, row.approved_at),
                )
            )
    return found


async def running_words(u: Unit, campaign_id: UUID) -> list[RunningWords]:
    """The wordings of what runs that came from templates; none for a campaign
    that does not run. Raises NotFound."""
    u.actor.require("read")
    row = (
        await u.execute(queries.RUNNING_VERSION, practice=u.practice_id, campaign=campaign_id)
    ).one_or_none()
    if row is None:
        raise NotFound("This campaign does not exist, or was deleted.")
    live = await read_version(u, row.version_id) if row.version_id else None
    wanted = template_ids(live) if isinstance(live, Journey) else set()
    named = {one.template_id: one for one in await templates(u, everywhere=True)} if wanted else {}
    found: list[RunningWords] = []
    for template_id, now in named.items():
        kept = await template_versions(u, template_id) if template_id in wanted else []
        for step, index, variant in _wordings(live, template_id):
            version = _version(variant, now.channel, kept, row.created_at)
            if version is not None:
                found.append(
                    RunningWords(
                        step_id=step.id, variant=index, template_id=template_id, name=now.name,
                        version=version, newest=now.version,
                    )
                )  # fmt: skip
    return found


def _runs_with(
    live: object, template_id: UUID, channel: Channel, kept: Sequence[TemplateVersion], approved_at: datetime
) -> int | None:
    versions = (
        _version(variant, channel, kept, approved_at) for _, _, variant in _wordings(live, template_id)
    )
    return next((one for one in versions if one is not None), None)


def _version(
    variant: Variant, channel: Channel, kept: Sequence[TemplateVersion], approved_at: datetime
) -> int | None:
    """The newest version there was by then that says what was written in; None: the step's own words."""
    said = variant.content.get(channel)
    there = (one.version for one in kept if one.created_at <= approved_at and one.content == said)
    return next(there, None)


def _wordings(journey: object, template_id: UUID) -> Iterator[tuple[Message, int, Variant]]:
    wanted = str(template_id)
    for step in journey.steps if isinstance(journey, Journey) else ():
        if not isinstance(step, Message):
            continue
        for index, variant in enumerate(step.variants):
            if variant.template_id == wanted:
                yield step, index, variant


def _steps(journey: Journey, template_id: UUID) -> list[str]:
    return list(dict.fromkeys(step_name(step) for step, _, _ in _wordings(journey, template_id)))
