"""What travels when a Communication Hub is asked what became of messages (002 R3.2).

For Hubs that report nothing by event: `POST /status` with a bearer token; the answer names the
messages the Hub knows, and leaves out the others.
"""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.contracts.envelope import Strict
from services.contracts.journey import Channel

MOST = 500
"""Messages in one question."""
ASKED = "The Hub was asked."
"""Stands where a report's detail stands: such a word does not mean that this Hub reports by itself."""


class StatusQuestion(Strict):
    practice_id: UUID
    dispatch_ids: list[UUID] = Field(min_length=1, max_length=MOST)


class MessageStatus(Strict):
    """Where one message stands, and since when. `reason` says why one failed."""

    dispatch_id: UUID
    status: Literal["accepted", "sent", "delivered", "failed", "bounced"]
    at: AwareDatetime
    channel: Channel | None = None
    reason: str = Field("", max_length=300)
    permanent: bool = False


class SendTest(Strict):
    """`POST /test-messages` with the same token: write once to a named address, marked as a test (002).

    The Hub fills the words in with an example person's values, asks no consent (the address is the
    team's own, and no contact's) and counts nothing against anybody's limits. It answers 202, and
    reports what became of it by event, with `test` set and no contact.
    """

    practice_id: UUID
    dispatch_id: UUID
    campaign_id: UUID
    channel: Literal["email", "sms", "whatsapp"]
    to: str = Field(min_length=3, max_length=254)
    content_ref: str = Field(max_length=64)
    content: dict[str, str]
    language: str = Field("", max_length=12)


class StatusAnswer(Strict):
    messages: list[MessageStatus] = Field(max_length=MOST)
