"""Checking a journey against what this practice has (BLD-4): the builder's rules, with facts."""

from uuid import UUID

from services.audience import service as audience
from services.builder.contracts import CheckContext, Problem, TemplateFact
from services.builder.rules import check
from services.campaigns.handover import handover_problems
from services.contracts.journey import Branch, Journey, Path
from services.contracts.segment import Audience, Group
from services.kit.uow import Unit


async def check_context(u: Unit, campaign_id: UUID | None = None) -> CheckContext:
    """The facts of the practice that the builder's check needs; read once a check."""
    segments = await u.execute(
        "SELECT segment_id FROM cm.segment WHERE practice_id = :practice AND archived_at IS NULL",
        practice=u.practice_id,
    )
    campaigns = await u.execute(
        "SELECT campaign_id FROM cm.campaign WHERE practice_id = :practice",
        practice=u.practice_id,
    )
    registered = await u.execute(
        "SELECT template_id, name, channel, active FROM cm.content_template WHERE practice_id = :practice",
        practice=u.practice_id,
    )
    return CheckContext(
        campaign_id=str(campaign_id) if campaign_id else None,
        segments=frozenset(str(s) for s in segments.scalars()),
        campaigns=frozenset(str(c) for c in campaigns.scalars()),
        templates={
            str(row.template_id): TemplateFact(row.name, row.channel, row.active) for row in registered
        },
        today=u.now.date(),
    )


async def problems_of(u: Unit, journey: Journey, campaign_id: UUID | None = None) -> list[Problem]:
    """Every problem of a journey in this practice, blocking first."""
    found = check(journey, await check_context(u, campaign_id))
    handing = await handover_problems(u, journey, campaign_id)
    return sorted(
        [*found, *rule_problems(journey), *handing], key=lambda problem: problem.severity != "blocking"
    )


def rule_problems(journey: Journey) -> list[Problem]:
    """What is wrong with the rules of the audience and of branches, by the audience's catalogue."""
    rules: list[tuple[str | None, Audience]] = [(None, journey.audience)]
    rules += [
        (step.id, Audience(include=[path.when]))
        for step in journey.steps
        if isinstance(step, Branch)
        for path in step.paths
        if not _only_an_event(path)
    ]
    return [
        Problem(step_id=step_id, code="bad_rule", sentence=sentence)
        for step_id, one in rules
        for sentence in audience.problems(one)
    ]


def _only_an_event(path: Path) -> bool:
    """A path that asks for an event needs no rule beside it."""
    return path.event is not None and isinstance(path.when, Group) and not path.when.rules
