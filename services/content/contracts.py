"""What callers see of the template registry (CNT-1)."""

from datetime import datetime
from uuid import UUID

from services.contracts.envelope import Strict
from services.contracts.journey import Channel, ChannelContent


class TemplateRow(Strict):
    """One registered text. `campaign_id` None: global, else for that campaign only."""

    template_id: UUID
    campaign_id: UUID | None
    name: str
    channel: Channel
    locale: str
    version: int
    active: bool
    required_variables: list[str]
    optional_variables: list[str]
    times_used: int
    created_at: datetime
    updated_at: datetime
    content: ChannelContent


class Preview(Strict):
    """Words as one person would read them; `problem` says why they cannot be written."""

    channel: Channel
    subject: str = ""
    preheader: str = ""
    body: str = ""
    is_html: bool = False
    sms_parts: int = 0
    problem: str = ""
