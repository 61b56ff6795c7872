"""Pausing, resuming, cancelling or tagging several campaigns at once (LIF-10)."""

from collections.abc import Sequence
from typing import Literal, get_args
from uuid import UUID

from services.campaigns.contracts import Decided
from services.campaigns.drafts import row_of, set_tags
from services.campaigns.lifecycle import cancel, pause, resume
from services.campaigns.several import each
from services.kit.actor import Actor, Permission
from services.kit.errors import Conflict, Invalid
from services.kit.uow import Unit, UnitOfWork

Bulk = Literal["pause", "resume", "cancel", "tag", "untag"]
BULK: tuple[Bulk, ...] = get_args(Bulk)
DONE: dict[Bulk, str] = {
    "pause": "paused", "resume": "resumed", "cancel": "cancelled", "tag": "tagged", "untag": "untagged",
}  # fmt: skip
NEEDS: dict[Bulk, Permission] = {
    "pause": "manage", "resume": "manage", "cancel": "manage", "tag": "author", "untag": "author",
}  # fmt: skip


async def several(
    uow: UnitOfWork, actor: Actor, ids: Sequence[UUID], do: Bulk, *, reason: str = "", tag: str = ""
) -> list[Decided]:
    """Each in its own transaction, each outcome told. Whoever calls has asked for a fresh code before
    resuming several (D10). Raises Forbidden, Invalid."""
    actor.require(NEEDS[do])
    if do in ("tag", "untag") and not tag.strip():
        raise Invalid("Say which tag.")
    why = reason.strip() or "With several others"

    async def deed(u: Unit, campaign_id: UUID) -> None:
        if do in ("tag", "untag"):
            await _tag(u, campaign_id, tag.strip().lower(), on=do == "tag")
            return
        await _not_yet(u, campaign_id, DONE[do])
        await {"pause": pause, "resume": resume, "cancel": cancel}[do](u, campaign_id, reason=why)

    return await each(uow, actor, ids, deed, _name)


async def _not_yet(u: Unit, campaign_id: UUID, done: str) -> None:
    """What is so already is told, not counted as done: an undo must not touch it."""
    state = (await row_of(u, campaign_id)).state
    if state == {"resumed": "active"}.get(done, done):
        raise Conflict(f"It is {state} already.")


async def _tag(u: Unit, campaign_id: UUID, tag: str, *, on: bool) -> None:
    tags = (await row_of(u, campaign_id)).tags
    if (tag in tags) is on:
        raise Conflict("It has that tag already." if on else "It does not have that tag.")
    await set_tags(u, campaign_id, [*tags, tag] if on else [one for one in tags if one != tag])


async def _name(u: Unit, campaign_id: UUID) -> str:
    return (await row_of(u, campaign_id)).name
