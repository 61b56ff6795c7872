"""What recipients do: open, click, unsubscribe, reply, STOP. Found by token or telephone number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import phonenumbers
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.contracts.journey import Channel
from services.kit.uow import Unit
from services.neighbours.hub import queries, rules
from services.neighbours.hub.contracts import Practice, Report
from services.neighbours.hub.returned import Returned
from services.neighbours.hub.service import Closing, Hub, close, practice_of, report

Receipt = Literal["delivered", "failed"]
Settled = Literal["taken", "known", "unknown", "early"]


@dataclass(frozen=True, slots=True)
class Found:
    """The message behind a token, and its practice."""

    practice: Practice
    topic: str


async def practice_by_token(hub: Hub, token: str) -> UUID | None:
    """The practice whose message carries this token; None for a token nobody made."""
    async with AsyncSession(hub.uow.engine) as session:
        found: UUID | None = await session.scalar(text(queries.WHOSE), {"token": token})
        return found


async def look_up(hub: Hub, token: str) -> Found | None:
    """What the opt-out page shows. Changes nothing."""
    practice_id = await practice_by_token(hub, token)
    if practice_id is None:
        return None
    async with hub.unit(practice_id) as u:
        message = await _message(u, token)
        return Found(await practice_of(u), message.topic)


async def opened(hub: Hub, token: str) -> None:
    """The pixel was fetched; reported once a message and minute."""
    practice_id = await practice_by_token(hub, token)
    if practice_id is None:
        return
    async with hub.unit(practice_id) as u:
        row = (await u.execute(queries.OPENED, practice=practice_id, token=token, now=u.now)).one_or_none()
        if row is not None:
            await report(u, [_report("opened", row)])


async def clicked(hub: Hub, token: str, link_no: int) -> str | None:
    """The address behind a link, after reporting the click; None when there is no such link."""
    practice_id = await practice_by_token(hub, token)
    if practice_id is None:
        return None
    async with hub.unit(practice_id) as u:
        row = await _message(u, token)
        url: str | None = (
            await u.execute(queries.LINK, practice=practice_id, dispatch=row.dispatch_id, n=link_no)
        ).scalar()
        if url is not None:
            await report(u, [_report("clicked", row, {"link": url})])
        return url


async def unsubscribe(hub: Hub, token: str, *, all_topics: bool) -> Found | None:
    """Close the message's topic, or all marketing, on every channel. Repeating changes nothing
    and reports nothing (D21)."""
    practice_id = await practice_by_token(hub, token)
    if practice_id is None:
        return None
    async with hub.unit(practice_id) as u:
        row = await _message(u, token)
        topic = "all" if all_topics else row.topic
        if await close(u, [Closing(row.contact_id, None, topic, "unsubscribed", u.now)]):
            more = {"topic": row.topic, "all_topics": all_topics}
            await report(u, [_report("unsubscribed", row, more)])
        return Found(await practice_of(u), row.topic)


async def replied(hub: Hub, channel: Channel, sender: str, words: str) -> Literal["stop", "reply", "unknown"]:
    """An incoming text message. STOP closes the channel for everyone who shares the number, in
    every practice that writes to it; anything else is a reply to the last message sent."""
    stop, known = rules.is_stop(words), False
    for practice_id in await hub.practices():
        async with hub.unit(practice_id) as u:
            phone = _e164(sender, await _country(u))
            found = (
                await u.execute(queries.LAST_TO_PHONE, practice=practice_id, channel=channel, phone=phone)
            ).all()
            if stop:
                closings = [Closing(row.contact_id, channel, "all", "stop", u.now) for row in found]
                await close(u, closings)
            status = "stop" if stop else "replied"
            reached = [row for row in found if row.dispatch_id is not None]
            await report(u, [_report(status, row, channel=channel) for row in reached])
            known = known or bool(found if stop else reached)
    if not known:
        return "unknown"
    return "stop" if stop else "reply"


async def receipt(hub: Hub, practice_id: UUID, dispatch_id: UUID, status: Receipt, reason: str) -> bool:
    """A gateway's word on a message it took; True if it was news."""
    async with hub.unit(practice_id) as u:
        row = (
            await u.execute(
                queries.RECEIPT,
                practice=practice_id,
                dispatch=dispatch_id,
                state="delivered" if status == "delivered" else "bounced",
                failure=reason or None,
            )
        ).one_or_none()
        if row is not None:
            more: dict[str, Any] = {} if status == "delivered" else {"reason": reason, "permanent": True}
            await report(u, [_report("delivered" if status == "delivered" else "bounced", row, more)])
        return row is not None


async def came_back(hub: Hub, mail: Returned) -> Settled:
    """A returned mail: `known` when it was reported before, `unknown` when no message of ours is
    meant, `early` when the hand-off is not written down yet: the mail server shall try again."""
    owner = await practice_by_token(hub, mail.token) if mail.token else None
    for practice_id in [owner] if owner else await hub.practices():
        async with hub.unit(practice_id) as u:
            row = (
                await u.execute(
                    queries.RETURNED,
                    practice=practice_id,
                    token=mail.token or None,
                    dispatch=None if owner else mail.dispatch_id,
                )
            ).one_or_none()
            if row is not None:
                return await _settle_return(u, row, mail)
    return "unknown"


async def _settle_return(u: Unit, row: Any, returned: Returned) -> Settled:
    if row.state in ("queued", "sending"):
        return "early"
    closing = Closing(row.contact_id, row.channel, "all", "bounced", u.now)
    if returned.what == "complained":  # on every channel: they do not want to hear from us (000 §14)
        everything = Closing(row.contact_id, None, "all", "complained", u.now)
        if not await close(u, [everything]):
            return "known"
    elif row.state == "bounced":
        return "known"
    else:
        await u.execute(
            queries.BOUNCED, practice=u.practice_id, dispatch=row.dispatch_id, failure=returned.reason
        )
        await close(u, [closing] if returned.permanent else [])
    more = {"reason": returned.reason, "permanent": returned.permanent}
    await report(u, [_report(returned.what, row, more)])
    return "taken"


async def _message(u: Unit, token: str) -> Any:
    return (await u.execute(queries.MESSAGE, practice=u.practice_id, token=token)).one()


async def _country(u: Unit) -> str:
    country: str = (await u.execute(queries.COUNTRY, practice=u.practice_id)).scalar_one()
    return country


def _e164(number: str, country: str) -> str:
    """The number as `canonical` stores it; as it came when it is not a telephone number."""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number.strip()
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _report(
    status: str, row: Any, more: Mapping[str, Any] | None = None, *, channel: Channel | None = None
) -> Report:
    return Report(
        status,
        row.dispatch_id,
        row.contact_id,
        row.campaign_id,
        channel or row.channel,
        row.test,
        row.traceparent,
        more or {},
    )
