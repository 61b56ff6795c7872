"""What callers see of the audit."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Format = Literal["jsonl", "csv"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act. `contact_id` is None for rows about nobody and for people erased since (D27)."""

    audit_id: UUID
    at: datetime
    tag: str
    actor: str
    actor_name: str
    campaign_id: UUID | None
    campaign_name: str | None
    enrolment_id: UUID | None
    contact_id: UUID | None
    pseudonym: UUID | None
    reason: str
    detail: dict[str, Any]
    seal_no: int | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """`next` is the cursor of the following page, for `before`; None on the last."""

    rows: list[AuditRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What the database says about its own chain; `first_problem` names the first wrong row."""

    ok: bool
    rows: int
    batches: int
    unsealed: int
    head: str
    first_problem: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for. `tag` may end in `.` to mean a family (`campaign.`); `until` is exclusive."""

    tag: str | None = None
    actor: str | None = None
    campaign_id: UUID | None = None
    contact_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def given(self) -> dict[str, Any]:
        """Only what was asked for."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


EVERYTHING = Asked()


@dataclass(frozen=True, slots=True)
class ExportHead:
    """What an export states about itself before its first row, in its file's order.

    `filter` is what was asked for as the file says it (people by pseudonym); `first` and `previous`
    are the number of its first batch and the seal before it; `left_out` counts rows of its batches
    that were not asked for.
    """

    practice_id: UUID
    exported_at: str
    exported_by: str
    filter: dict[str, str]
    first: int
    previous: str
    batches: int
    rows: int
    left_out: int
    head: str
