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
from services.contracts.journey import Channel, ChannelContent
from services.contracts.merge_fields import sample_context
from services.kit.errors import NotFound
from services.kit.rendering import RenderProblem, render
from services.kit.uow import Unit

_HTML = re.compile(r"<(?:p|div|table|a|h[1-6]|br|ul|ol|html|body|img|span|strong)(?:\s[^<>]*)?/?>", re.I)
SAMPLE_LINK = "https://messages.example/u/sample"


def preview(channel: Channel, content: ChannelContent, context: dict[str, Any] | None = None) -> Preview:
    """Fill in one channel's words; sample values when no context is given. Never raises for what
    an author wrote: the problem is part of the answer."""
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
        )
    except RenderProblem as error:
        return Preview(channel=channel, problem=error.message)


async def preview_for(
    u: Unit, channel: Channel, content: ChannelContent, contact_id: UUID | None = None
) -> Preview:
    """The words with this practice's own values, for a contact or for a sample person."""
    u.actor.require("read")
    return preview(channel, content, await context_of(u, contact_id))


async def context_of(u: Unit, contact_id: UUID | None) -> dict[str, Any]:
    """Merge values as the Hub would fill them in; reading a contact's is audited. Raises NotFound."""
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
    context["next_appointment"] = _spoken(person["next_appointment"], person["timezone"])
    return context


def _spoken(at: datetime | None, zone: str) -> dict[str, str] | None:
    if at is None:
        return None
    local = at.astimezone(ZoneInfo(zone))
    return {"date": f"{local:%A} {local.day} {local:%B}", "time": f"{local:%H:%M}"}
