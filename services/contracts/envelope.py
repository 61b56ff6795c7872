"""The CloudEvents 1.0 JSON envelope every module speaks (D4)."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Base of every contract: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Envelope(BaseModel):
    """CloudEvents 1.0 with the `practiceid` and `traceparent` extensions.

    `subject` is the contact the event is about, when there is one: order is kept by it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=200)
    type: str = Field(min_length=1, max_length=200, pattern=r"^[a-z0-9_.-]+$")
    time: AwareDatetime
    practiceid: UUID
    subject: str | None = Field(None, max_length=200)
    traceparent: str | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any] = Field(default_factory=dict)

    def wire(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()


def envelope(
    *,
    id: UUID | str,
    source: str,
    type: str,
    time: datetime,
    practice_id: UUID,
    data: BaseModel | dict[str, Any],
    subject: UUID | str | None = None,
    traceparent: str | None = None,
) -> Envelope:
    """Build an envelope; `data` may be a contract or plain JSON values."""
    body = data.model_dump(mode="json", exclude_none=True) if isinstance(data, BaseModel) else data
    return Envelope(
        id=str(id),
        source=source,
        type=type,
        time=time,
        practiceid=practice_id,
        subject=str(subject) if subject else None,
        traceparent=traceparent,
        data=body,
    )


class EventData(BaseModel):
    """Neighbours may add fields; we read what we know. A number that is none is refused."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
