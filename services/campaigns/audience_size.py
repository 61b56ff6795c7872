"""How many people a journey is for, as shown to the approver. One place, so that one changes."""

from services.contracts.journey import Journey
from services.kit.uow import Unit


async def audience_count(u: Unit, journey: Journey) -> int | None:
    """People in the audience now, before consent and suppression; None when nobody can say."""
    return None
