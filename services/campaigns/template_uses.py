"""Where a message template is used (CNT-1)."""

from uuid import UUID

from services.campaigns.contracts import TemplateUse
from services.campaigns.versions import open_draft, read_version
from services.content.service import template_ids
from services.contracts.journey import Journey, Message
from services.kit.uow import Unit

OPEN = """
SELECT campaign_id, name, state, draft, active_version_id FROM cm.campaign
WHERE practice_id = :practice AND state NOT IN ('completed', 'cancelled') ORDER BY lower(name), campaign_id
"""


async def template_uses(u: Unit, template_id: UUID) -> list[TemplateUse]:
    """Campaigns that are not over and name this template, in what runs or in the draft; by name.

    Reads every open definition, so it is for one template's page, not for a list of them.
    """
    u.actor.require("read")
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
                )
            )
    return found


def _steps(journey: Journey, template_id: UUID) -> list[str]:
    if template_id not in template_ids(journey):
        return []
    wanted = str(template_id)
    return [
        step.title or "Message"
        for step in journey.steps
        if isinstance(step, Message) and any(v.template_id == wanted for v in step.variants)
    ]
