"""Handing people to another campaign: which there are, and what is wrong with the choice (BLD-2)."""

from uuid import UUID

from services.builder.contracts import Fix, Problem
from services.campaigns.contracts import CampaignState
from services.campaigns.versions import open_draft, read_version
from services.contracts.envelope import Strict
from services.contracts.journey import Journey, SubCampaign
from services.contracts.step_names import name_of
from services.kit.uow import Unit

FARTHEST = 50
"""Campaigns looked at for a circle; a chain that long is nobody's intention."""


class Target(Strict):
    """A campaign people can be handed to."""

    campaign_id: UUID
    name: str
    state: CampaignState


async def targets(u: Unit, campaign_id: UUID) -> list[Target]:
    """Every other campaign that has not ended, by name."""
    u.actor.require("read")
    found = await u.execute(
        "SELECT campaign_id, name, state FROM cm.campaign WHERE practice_id = :practice"
        " AND campaign_id <> :campaign AND state NOT IN ('completed', 'cancelled') ORDER BY lower(name), campaign_id",
        practice=u.practice_id,
        campaign=campaign_id,
    )
    return [Target.model_validate(dict(row)) for row in found.mappings()]


async def handover_problems(u: Unit, journey: Journey, campaign_id: UUID | None) -> list[Problem]:
    """What the builder's own check cannot know: campaigns that ended or do not run yet, and
    campaigns that hand people round in a circle."""
    steps = [step for step in journey.steps if isinstance(step, SubCampaign) and step.campaign_id]
    if not steps:
        return []
    known = {str(target.campaign_id): target for target in await _all(u)}
    problems: list[Problem] = []
    for step in steps:
        target = known.get(step.campaign_id)
        if target is None or step.campaign_id == str(campaign_id):
            continue  # the builder's check says so
        if target.state in ("completed", "cancelled"):
            problems.append(_ended(step, target))
        elif target.state != "active":
            problems.append(_not_running(step, target))
        if campaign_id and str(campaign_id) in await _handed_on(u, step.campaign_id):
            problems.append(_circle(step, target))
    return problems


async def _all(u: Unit) -> list[Target]:
    found = await u.execute(
        "SELECT campaign_id, name, state FROM cm.campaign WHERE practice_id = :practice",
        practice=u.practice_id,
    )
    return [Target.model_validate(dict(row)) for row in found.mappings()]


async def _handed_on(u: Unit, start: str) -> set[str]:
    """Every campaign that people get to from `start`, as their drafts and live versions say."""
    seen: set[str] = set()
    pending = [start]
    while pending and len(seen) < FARTHEST:
        ahead = await _leads_to(u, pending.pop()) - seen
        seen |= ahead
        pending += sorted(ahead)
    return seen


async def _leads_to(u: Unit, campaign_id: str) -> set[str]:
    found = await u.execute(
        "SELECT draft, active_version_id FROM cm.campaign WHERE practice_id = :practice"
        " AND CAST(campaign_id AS text) = :campaign",
        practice=u.practice_id,
        campaign=campaign_id,
    )
    row = found.one_or_none()
    if row is None:
        return set()
    read = [open_draft(u, UUID(campaign_id), row.draft)]
    if row.active_version_id is not None:
        read.append(await read_version(u, row.active_version_id))
    return {
        step.campaign_id
        for journey in read
        if isinstance(journey, Journey)
        for step in journey.steps
        if isinstance(step, SubCampaign) and step.campaign_id
    }


def _ended(step: SubCampaign, target: Target) -> Problem:
    return Problem(
        step_id=step.id,
        code="campaign_ended",
        sentence=f"{name_of(step)} hands people to “{target.name}”, which has ended. Choose another campaign.",
        fix=Fix(label="Remove this step", do="drop_step"),
    )


def _not_running(step: SubCampaign, target: Target) -> Problem:
    return Problem(
        step_id=step.id,
        code="campaign_not_running",
        severity="warning",
        sentence=f"“{target.name}” is {target.state} now. Until it runs, {name_of(step)} hands over nobody.",
    )


def _circle(step: SubCampaign, target: Target) -> Problem:
    return Problem(
        step_id=step.id,
        code="campaigns_in_a_circle",
        sentence=f"“{target.name}” hands people back to this campaign, so they could go round for ever. "
        "Choose another campaign.",
        fix=Fix(label="Remove this step", do="drop_step"),
    )
