"""Makes one thing happen to one person: the shared data model and the event, in one transaction."""

from collections.abc import Awaitable, Callable

from services.contracts.events import contract_for
from services.contracts.platform_api import HAPPENING_LABELS, Happening, Simulate, Simulated
from services.kit.errors import NotFound
from services.kit.uow import Unit
from services.neighbours.platform.simulator import appointments, people, pipeline

Play = Callable[[Unit, Simulate], Awaitable[None]]

PLAYS: dict[Happening, Play] = {**appointments.PLAYS, **pipeline.PLAYS, **people.PLAYS}


async def simulate(u: Unit, asked: Simulate) -> Simulated:
    """Change `canonical` as the asked-for happening does and emit what the real module would.

    Raises NotFound when the practice has no such contact, Conflict when it cannot happen now.
    """
    found = await u.execute(
        "SELECT first_name, last_name FROM canonical.contact"
        " WHERE practice_id = :practice AND contact_id = :contact FOR UPDATE",
        practice=u.practice_id,
        contact=asked.contact_id,
    )
    person = found.one_or_none()
    if person is None:
        raise NotFound("This practice has no such person.")
    already = len(u.emitted)
    await PLAYS[asked.what](u, asked)
    emitted = u.emitted[already:]
    for event in emitted:  # what we say must be what we publish as a contract
        contract = contract_for(event.type)
        if contract is not None:
            contract.model_validate(event.data)
    return Simulated(
        contact_id=asked.contact_id,
        what=asked.what,
        sentence=f"{person.first_name} {person.last_name}: {HAPPENING_LABELS[asked.what].lower()}.",
        event_types=[event.type for event in emitted],
    )
