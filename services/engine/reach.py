"""Who a journey would reach now, and why not the others: the preview's side of the gates (AUD-4).

The same list decides here as at dispatch (house rule 1); nothing is written.
"""

from functools import partial
from typing import Any
from uuid import UUID

from services.audience.contracts import AudiencePreview
from services.audience.service import preview
from services.contracts.journey import Entry, Journey, Message, ports
from services.engine.plan import Plan
from services.engine.plans import plan_of, policy_for
from services.gates.contracts import Policy
from services.gates.reasons import sentence
from services.gates.service import breakdown, why_not
from services.kit.errors import NotFound
from services.kit.uow import Unit

NOBODY = UUID(int=0)


async def reach(u: Unit, campaign_id: UUID, journey: Journey) -> AudiencePreview:
    """The audience of a draft, counted, with who is left out of its first message and why.

    Raises RuleInvalid when a rule cannot be asked.
    """
    first = first_message(journey)
    if first is None:
        return await preview(u, journey)
    policy = await policy_for(u, campaign_id, NOBODY, Plan.of(journey), first)
    return await preview(u, journey, breakdown=partial(_ask, u, policy))


async def _ask(
    u: Unit, policy: Policy, source: str, params: dict[str, Any]
) -> tuple[int, list[tuple[str, str, int]]]:
    # The source and the gates share these three; the rest of the names never collide.
    own = {k: v for k, v in params.items() if k not in policy.params()}
    return await breakdown(u, source, own, policy)


async def why_not_now(u: Unit, contact_id: UUID, campaign_id: UUID) -> list[str]:
    """Every sentence that keeps this person from this campaign's first message now; none: nothing
    does. Channel reasons name their channel (SUP-8)."""
    row = (
        await u.execute(
            "SELECT active_version_id FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign",
            practice=u.practice_id,
            campaign=campaign_id,
        )
    ).one_or_none()
    if row is None or row.active_version_id is None:
        raise NotFound("This campaign has never been active, so there is nothing to explain.")
    plan = await plan_of(u, row.active_version_id)
    first = first_message(plan.journey)
    if first is None:
        return []
    policy = await policy_for(u, campaign_id, row.active_version_id, plan, first)
    reasons, channels = await why_not(u, contact_id, policy)
    by_channel = [
        f"{channel.replace('_', '-')}: {sentence(reason)}"
        for channel, reason in channels.items()
        if reason != "ok"
    ]
    open_channel = any(reason == "ok" for reason in channels.values())
    return [sentence(r) for r in reasons] + ([] if open_channel else by_channel)


def first_message(journey: Journey) -> Message | None:
    """The message people meet first after the start, breadth first; None when there is none."""
    steps = {step.id: step for step in journey.steps}
    queue = [step.id for step in journey.steps if isinstance(step, Entry)][:1]
    seen = set(queue)
    while queue:
        step = steps[queue.pop(0)]
        if isinstance(step, Message):
            return step
        for _key, _label, target in ports(step):
            if target and target in steps and target not in seen:
                seen.add(target)
                queue.append(target)
    return None
