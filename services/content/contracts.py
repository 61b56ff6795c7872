"""What callers see of the template registry (CNT-1) and of previews."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.contracts.envelope import Strict
from services.contracts.journey import Channel, ChannelContent
from services.contracts.languages import MOST, Locale


class Texts(Strict):
    """What a template says: in the practice's own language, and the same in others (CNT-7)."""

    content: ChannelContent
    translations: dict[Locale, ChannelContent] = Field(default_factory=dict, max_length=MOST)


class TemplateRow(Texts):
    """One registered text. `campaign_id` None: global, else for that campaign only. `locale` names the
    language of `content`; empty: the practice's own. `times_used`: versions of campaigns made with it."""

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


class TemplateVersion(Texts):
    """One saved state of a template. `restored`: the version it was brought back from."""

    version: int
    name: str
    created_by: UUID
    created_by_name: str
    created_at: datetime
    restored: int | None = None


class Preview(Strict):
    """Words as one person would read them; `problem` says why they cannot be written. `language`: the
    locale of the words, empty for those everybody gets."""

    channel: Channel
    subject: str = ""
    preheader: str = ""
    body: str = ""
    is_html: bool = False
    sms_parts: int = 0
    language: str = ""
    problem: str = ""
