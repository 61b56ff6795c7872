"""Who a journey would reach now, and why not the others: the preview's side of the gates (AUD-4).

The same list decides here as at dispatch (house rule 1); nothing is written.
"""

from functools import partial
from typing import Any
from uuid import UUID

from services.audience.contracts import AudiencePreview
from services.audience.service import preview
from services.contracts.journey import Channel, Entry, Exit, Journey, Message, Step, ports
from services.contracts.segment import Audience
from services.engine.plan import Plan
from services.engine.plans import policy_for
from services.gates.contracts import Policy
from services.gates.service import breakdown
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


async def reach_by(u: Unit, audience: Audience, channel: Channel) -> AudiencePreview:
    """The people of a segment, and who of them a marketing message on `channel` would reach now, with
    no campaign in mind: no campaign's own caps, comparison group or history. Raises RuleInvalid."""
    message = Message(id="message-1", channels=[channel], next="exit-1")
    steps: list[Step] = [Entry(id="entry-1", next="message-1"), message, Exit(id="exit-1")]
    return await reach(u, NOBODY, Journey(audience=audience, steps=steps))


async def _ask(
    u: Unit, policy: Policy, source: str, params: dict[str, Any]
) -> tuple[int, list[tuple[str, str, int]]]:
    # The source and the gates share these three; the rest of the names never collide.
    own = {k: v for k, v in params.items() if k not in policy.params()}
    return await breakdown(u, source, own, policy)


def first_message(journey: Journey) -> Message | None:
    """The message people meet first after the start; None when there is none."""
    entry = next((step.id for step in journey.steps if isinstance(step, Entry)), None)
    return next_message(journey, entry) if entry else None


def next_message(journey: Journey, step_id: str) -> Message | None:
    """The message somebody at a step meets next, that step included, breadth first."""
    steps = {step.id: step for step in journey.steps}
    queue, seen = [step_id], {step_id}
    while queue:
        step = steps[queue.pop(0)]
        if isinstance(step, Message):
            return step
        for _key, _label, target in ports(step):
            if target and target in steps and target not in seen:
                seen.add(target)
                queue.append(target)
    return None
