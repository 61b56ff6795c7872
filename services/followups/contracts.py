"""What callers see of follow-ups: one message to one person, planned for one moment (EVT-8, 003)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.contracts.envelope import Strict
from services.contracts.journey import Channel, ChannelContent

FollowupState = Literal["pending", "sent", "failed", "cancelled"]


class NewFollowup(Strict):
    """Who, when, how, what and why. `channels` in order of preference: the Hub uses the first that
    is open. `due_at` left out: now. Words come from `template_id`, or as `content`, one text a
    channel; never both."""

    contact_id: UUID
    due_at: AwareDatetime | None = None
    channels: Annotated[list[Channel], Field(min_length=1, max_length=4)]
    template_id: UUID | None = None
    content: dict[Channel, ChannelContent] = Field(default_factory=dict)
    why: str = Field(min_length=1, max_length=500)
    external_key: str | None = Field(None, max_length=200)


class FollowupChange(Strict):
    """Another moment, or off. What was sent or ended stays as it is."""

    state: Literal["cancelled"] | None = None
    due_at: AwareDatetime | None = None
    note: str = Field("", max_length=500)


class FollowupFilter(Strict):
    contact_id: UUID | None = None
    states: list[FollowupState] = Field(default_factory=list)
    due_from: AwareDatetime | None = None
    due_to: AwareDatetime | None = None
    cursor: str | None = None
    limit: int = Field(50, ge=1, le=200)


class FollowupRow(Strict):
    """`reason` and its `sentence`: why it failed or was cancelled. `message_status` is what the Hub
    last said of a follow-up that was sent: requested accepted sent delivered failed bounced
    cancelled. `planned_by` is empty when the API planned it."""

    followup_id: UUID
    contact_id: UUID
    state: FollowupState
    due_at: datetime
    channels: list[Channel]
    template_id: UUID | None
    content_ref: str
    why: str
    external_key: str | None
    planned_by: str
    created_at: datetime
    ended_at: datetime | None
    reason: str
    sentence: str
    note: str
    dispatch_id: UUID | None
    message_status: str | None
    message_channel: Channel | None


class FollowupPage(Strict):
    """Soonest due last; `next` is the cursor of the page after, if there is one."""

    rows: list[FollowupRow]
    next: str | None


class Planned(Strict):
    """`fresh` False: this key had planned it before, unchanged. `against`: what would keep it back
    if it were due now, in sentences; it is asked again at its time."""

    followup: FollowupRow
    fresh: bool
    against: list[str]


class Drained(Strict):
    """What one drain did: handed to the Hub, refused, and how many are due and still waiting."""

    sent: int
    failed: int
    waiting: int
