"""The inbox of the patient app: a row the app reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.kit.actor import system
from services.kit.uow import UnitOfWork
from services.neighbours.hub import queries
from services.neighbours.hub.contracts import Begin, Outcome, Outgoing, Sent, unmarked
from services.neighbours.hub.service import rows


@dataclass(frozen=True)
class InAppAdapter:
    """One row a dispatch, whatever happens, so repeating is harmless."""

    uow: UnitOfWork
    name: str = "in_app"
    idempotent: bool = True
    metered: bool = False
    simulated: bool = True

    async def hand_over(self, batch: Sequence[Outgoing], _begin: Begin = unmarked, /) -> list[Outcome]:
        for practice_id in dict.fromkeys(message.practice_id for message in batch):
            async with self.uow(system(practice_id, "hub")) as u:
                values = rows(
                    {
                        "dispatch_id": m.dispatch_id,
                        "contact_id": m.contact_id,
                        "subject": m.subject,
                        "body": m.text,
                    }
                    for m in batch
                    if m.practice_id == practice_id
                )
                await u.execute(queries.ADD_IN_APP, practice=practice_id, now=u.now, rows=values)
        return [Sent() for _ in batch]
