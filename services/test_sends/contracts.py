"""What callers ask for and see."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.contracts.envelope import Strict
from services.contracts.languages import Locale

TestState = Literal["asked", "accepted", "sent", "delivered", "failed", "bounced"]
TestChannel = Literal["email", "sms", "whatsapp"]
MOST_ADDRESSES = 5


class TryOut(Strict):
    """Send one step's words, as they are in the draft, to up to five addresses of the team."""

    step_id: str = Field(max_length=40)
    variant: str = Field("", max_length=12, description="Empty: the first one.")
    channel: TestChannel
    language: Locale | None = Field(None, description="None: the words that everybody gets.")
    addresses: list[str] = Field(min_length=1, max_length=MOST_ADDRESSES)


class TriedOut(Strict):
    """One test message. `sent_to` is masked: the address itself is not kept."""

    test_id: UUID
    campaign_id: UUID
    step_id: str
    variant: str
    channel: TestChannel
    language: str
    sent_to: str
    state: TestState
    reason: str
    asked_by: str
    asked_at: datetime
    state_at: datetime
