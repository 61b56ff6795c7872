"""How many people a campaign is for, as its approval states it."""

from services.audience.service import count
from services.contracts.journey import Journey
from services.kit.uow import Unit


async def audience_count(u: Unit, journey: Journey) -> int | None:
    """People in the audience now, before consent and suppression; None for journeys that take
    people one by one and name no audience."""
    if not journey.audience.include:
        return None
    return await count(u, journey.audience)
