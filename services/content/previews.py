"""How a message reads to one person (CNT-4): sample values, or a contact's own."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audit.append import record
from services.audit.tags import AuditTag
from services.content import queries
from services.content.contracts import Preview
from services.content.rules import sms_parts
from services.contracts.journey import Channel, ChannelContent, Variant
from services.contracts.languages import chosen
from services.contracts.merge_fields import sample_context
from services.kit.errors import NotFound
from services.kit.rendering import RenderProblem, render
from services.kit.spoken import spoken_moment
from services.kit.uow import Unit

_HTML = re.compile(r"<(?:p|div|table|a|h[1-6]|br|ul|ol|html|body|img|span|strong)(?:\s[^<>]*)?/?>", re.I)
SAMPLE_LINK = "https://messages.example/u/sample"


def preview(
    channel: Channel, content: ChannelContent, context: dict[str, Any] | None = None, *, language: str = ""
) -> Preview:
    """Fill in one channel's words; sample values when no context is given. Never raises for what
    an author wrote: the problem is part of the answer. `language` is the locale of the words."""
    context = context or sample_context()
    html = channel == "email" and bool(_HTML.search(content.body))
    try:
        body = render(content.body, context, html=html)
        return Preview(
            channel=channel,
            subject=render(content.subject, context, html=False),
            preheader=render(content.preheader, context, html=False),
            body=body,
            is_html=html,
            sms_parts=sms_parts(body).parts if channel == "sms" else 0,
            language=language,
        )
    except RenderProblem as error:
        return Preview(channel=channel, language=language, problem=error.message)


def words_for(variant: Variant, channel: Channel, locale: str) -> tuple[str, ChannelContent | None]:
    """What somebody with this locale reads on a channel, and in which language: as the Hub chooses."""
    written = [
        one for one, there in variant.translations.items() if channel in there and there[channel].body.strip()
    ]
    language = chosen(locale, written)
    return language, (variant.translations[language] if language else variant.content).get(channel)


async def preview_for(
    u: Unit, channel: Channel, content: ChannelContent, contact_id: UUID | None = None
) -> Preview:
    """The words with this practice's own values, for a contact or for a sample person."""
    u.actor.require("read")
    return preview(channel, content, await context_of(u, contact_id))


async def locale_of(u: Unit, contact_id: UUID) -> str:
    """The locale a contact is known by. Raises NotFound."""
    found = await u.execute(queries.CONTACT, practice=u.practice_id, contact=contact_id, now=u.now)
    person = found.mappings().one_or_none()
    if person is None:
        raise NotFound("This person is not known to the practice.")
    return str(person["locale"] or "")


async def context_of(u: Unit, contact_id: UUID | None, *, language: str = "") -> dict[str, Any]:
    """Merge values as the Hub would fill them in, dates in `language`; reading a contact's is audited.
    Raises NotFound."""
    context = sample_context()
    practice = (await u.execute(queries.PRACTICE, practice=u.practice_id)).mappings().one_or_none()
    if practice is not None:
        context["practice"] = {
            "name": practice["name"],
            "phone": practice["phone"],
            "email": practice["email"],
            "address": practice["postal_address"],
            "booking_url": practice["booking_url"],
        }
    context["unsubscribe_url"] = SAMPLE_LINK
    if contact_id is None:
        return context
    found = await u.execute(queries.CONTACT, practice=u.practice_id, contact=contact_id, now=u.now)
    person = found.mappings().one_or_none()
    if person is None:
        raise NotFound("This person is not known to the practice.")
    await record(u, AuditTag.PERSONAL_DATA_READ, contact_id=contact_id, reason="Message preview")
    context["contact"] = {"first_name": person["first_name"], "last_name": person["last_name"]}
    at: datetime | None = person["next_appointment"]
    zone = ZoneInfo(person["timezone"])
    context["next_appointment"] = spoken_moment(at, zone, language) if at else None
    return context
