"""Yes and no to marketing, in whatever order they are heard (EVT-1, D21).

What counts for a channel is when things happened: it is closed if the last word about it, for
marketing, was a no. A no is a withdrawal, a STOP, an unsubscription or an address that is dead; a yes
is `consent.granted`. Either may be about one channel or about all. Of a yes and a no of the same moment
the no counts (fail closed). docs/decisions/0013 says what this means for journeys under way.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args
from uuid import UUID

from services.contracts.journey import Channel
from services.gates.reasons import Reason
from services.kit.uow import Unit
from services.suppression import sets
from services.suppression.contracts import Suppress
from services.suppression.service import after_lift, apply, lock_contact

CHANNELS: tuple[str, ...] = get_args(Channel)
LIFTED_BY_YES = (Reason.CONSENT_REVOKED, Reason.STOP, Reason.UNSUBSCRIBED, Reason.HARD_BOUNCE)
"""Where a message came back stays on the block list; who agrees anew may have a new address."""


async def agree(u: Unit, contact_id: UUID, channel: str | None, *, why: str, at: datetime) -> int:
    """A yes of that moment, to one channel or (None) to all: lifts every older no to it. An older no to
    everything stays in force on the channels that the yes is not about. Returns how many it lifted."""
    await lock_contact(u, contact_id)
    lifted = await sets.lift(u, sets.Lift(contact_id, LIFTED_BY_YES, None, channel, at, why, older_only=True))
    await after_lift(u, contact_id, lifted)
    if (
        channel is not None
    ):  # said after the lifting, so that the last word about them is that they are closed
        for was in lifted:
            if was.scope == "all":
                rest = [one for one in CHANNELS if one != channel]
                no = Suppress(
                    contact_id=contact_id, reason=Reason(was.reason), event_id=was.event_id,
                    event_at=was.event_at,
                )  # fmt: skip
                await _close(u, no, rest)
    return len(lifted)


async def refuse(u: Unit, no: Suppress, *, at: datetime) -> None:
    """A no of that moment, to everything, to a channel or to a topic: suppresses what no later yes, that
    was only heard before it, has opened again."""
    await lock_contact(u, no.contact_id)
    opened = await sets.opened_since(u, sets.Since(no.contact_id, at))
    if "all" in opened:
        return
    if no.scope == "topic" or not opened:
        await apply(u, no)
        return
    closes = CHANNELS if no.scope == "all" else (no.channel or "",)
    await _close(u, no, [one for one in closes if one not in opened])


async def _close(u: Unit, no: Suppress, channels: Sequence[str]) -> None:
    for channel in channels:
        await apply(u, replace(no, scope="channel", channel=channel, effect="none"))
