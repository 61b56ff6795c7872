"""How many people a journey is for, as shown to the approver. One place, so that one changes."""

from services.audience import service as audience
from services.contracts.journey import Journey
from services.kit.uow import Unit


async def audience_count(u: Unit, journey: Journey) -> int:
    """People in the audience now, before consent and suppression. Raises RuleInvalid."""
    if not journey.audience.include:
        return 0
    return await audience.count(u, journey.audience)
