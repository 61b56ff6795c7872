"""Who a journey would reach if it started now: the audience, asked of the gates of its first message.

The audience panel and the approver see the same answer as the dispatcher would give (house rule 1).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.audience import service as audience
from services.audience.contracts import AudiencePreview
from services.contracts.journey import Entry, Journey, Message, ports
from services.engine.plan import Plan
from services.engine.plans import policy_for
from services.gates import service as gates
from services.kit.uow import Unit


async def reach(u: Unit, campaign_id: UUID, journey: Journey) -> AudiencePreview:
    """The audience, how many of it the first message would reach, and why the rest would not.

    Without a start or a message nobody is refused yet. Raises RuleInvalid with the sentence to show.
    """
    u.actor.require("read")
    message = first_message(journey)
    if message is None:
        return await audience.preview(u, journey)
    policy = await policy_for(u, campaign_id, NEVER_ACTIVE, Plan.of(journey), message)

    async def breakdown(sql: str, params: dict[str, Any]) -> tuple[int, list[tuple[str, str, int]]]:
        return await gates.breakdown(u, sql, params, policy)

    return await audience.preview(u, journey, breakdown=breakdown)


NEVER_ACTIVE = UUID(int=0)
"""Stands for the version of a draft, which has none."""


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
