"""Tables of this feature, for inserts and single rows; lists and moves are SQL in `queries`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, DateTime, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _at(*, nullable: bool = False) -> Column[datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class Campaign(SQLModel, table=True):
    """`state` is written by `lifecycle.move` alone; `draft` is a sealed Journey."""

    __tablename__ = "campaign"
    __table_args__ = {"schema": "cm"}

    practice_id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(primary_key=True)
    name: str
    campaign_type: str
    kind: str
    state: str = "draft"
    objective: str = "booking"
    is_journey: bool = True
    ai_generated: bool = False
    template_key: str | None = None
    external_key: str | None = None
    tags: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text)))
    draft: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    draft_revision: int = 0
    draft_hash: str = ""
    draft_editors: list[UUID] = Field(default_factory=list, sa_column=Column(ARRAY(Uuid)))
    active_version_id: UUID | None = None
    scheduled_at: datetime | None = Field(default=None, sa_column=_at(nullable=True))
    created_by: UUID
    created_at: datetime = Field(sa_column=_at())
    updated_at: datetime = Field(sa_column=_at())
    activated_at: datetime | None = Field(default=None, sa_column=_at(nullable=True))
    completed_at: datetime | None = Field(default=None, sa_column=_at(nullable=True))


class CampaignVersion(SQLModel, table=True):
    """Immutable: the database refuses updates and deletes."""

    __tablename__ = "campaign_version"
    __table_args__ = {"schema": "cm"}

    practice_id: UUID = Field(primary_key=True)
    version_id: UUID = Field(primary_key=True)
    campaign_id: UUID
    number: int
    content_hash: str
    definition: bytes
    editors: list[UUID] = Field(sa_column=Column(ARRAY(Uuid)))
    created_by: UUID
    created_at: datetime = Field(sa_column=_at())


class Approval(SQLModel, table=True):
    __tablename__ = "approval"
    __table_args__ = {"schema": "cm"}

    practice_id: UUID = Field(primary_key=True)
    approval_id: UUID = Field(primary_key=True)
    campaign_id: UUID
    version_id: UUID
    content_hash: str
    state: str = "requested"
    activate_at: datetime | None = Field(default=None, sa_column=_at(nullable=True))
    audience_count: int | None = None
    note: str = ""
    requested_by: UUID
    requested_at: datetime = Field(sa_column=_at())
    decided_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_column=_at(nullable=True))
    decision_note: str = ""
    exemption: bool = False
    impact: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSONB))
    valid_until: datetime | None = Field(default=None, sa_column=_at(nullable=True))
    reminded_at: datetime | None = Field(default=None, sa_column=_at(nullable=True))
