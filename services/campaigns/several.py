"""One deed for several campaigns or requests: each in its own transaction, each outcome told (LIF-10)."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from services.campaigns.contracts import Decided
from services.kit.actor import Actor
from services.kit.errors import AppError, Invalid
from services.kit.uow import Unit, UnitOfWork

MOST = 100
Deed = Callable[[Unit, UUID], Awaitable[object]]
Name = Callable[[Unit, UUID], Awaitable[str]]


async def each(uow: UnitOfWork, actor: Actor, ids: Sequence[UUID], deed: Deed, name: Name) -> list[Decided]:
    """Do `deed` to each; what is refused says why and holds up nobody else. Raises Invalid for too many."""
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MOST:
        raise Invalid(f"Choose {MOST} at most.")
    return [await _one(uow, actor, id, deed, name) for id in wanted]


async def _one(uow: UnitOfWork, actor: Actor, id: UUID, deed: Deed, name: Name) -> Decided:
    called = ""
    try:
        async with uow(actor) as u:
            called = await name(u, id)
            await deed(u, id)
    except AppError as refusal:
        return Decided(id=id, name=called, done=False, why_not=refusal.message)
    return Decided(id=id, name=called, done=True, why_not="")


def told(outcomes: Sequence[Decided], done: str) -> str:
    """“7 paused, 1 could not: …”, for whoever asked; `done` is the past tense."""
    went = sum(one.done for one in outcomes)
    parts = [f"{went} {done}"] if went else []
    missed = [one for one in outcomes if not one.done]
    if missed:
        why = "; ".join(f"“{one.name}”: {one.why_not}" if one.name else one.why_not for one in missed[:5])
        more = f" And {len(missed) - 5} more." if len(missed) > 5 else ""
        parts.append(f"{len(missed)} could not be. {why}{more}")
    sentence = ", ".join(parts)
    return sentence if sentence.endswith(".") else f"{sentence}."
