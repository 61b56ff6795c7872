"""What callers see of audiences: compiled SQL, field descriptions, segments, previews."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.contracts.segment import Audience, Operator


@dataclass(frozen=True, slots=True)
class Fragment:
    """A boolean SQL expression over `c` (`canonical.contact`) that is never NULL, and its values.

    Parameter names start with the prefix given to the compiler, so that several fragments fit
    in one statement.
    """

    sql: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One row of the catalogue, as an editor needs it."""

    name: str
    label: str
    group: str
    type: str
    operators: tuple[tuple[Operator, str], ...]
    choices: tuple[tuple[str, str], ...]
    open_choices: bool
    help: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    segment_id: UUID
    name: str
    description: str
    audience: Audience
    sentence: str
    size: int | None
    counted_at: datetime | None
    updated_at: datetime
    archived: bool


@dataclass(frozen=True, slots=True)
class SizePoint:
    counted_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """A member shown as an example: first name and initial only."""

    contact_id: UUID
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why some of the audience would not be reached; `reason` is a gate's reason code."""

    reason: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class AudiencePreview:
    """`count` people match; `reachable` of them pass every gate; the rest are in `excluded`,
    each person under the first gate that refuses them."""

    count: int
    reachable: int
    sample: list[SamplePerson]
    excluded: list[Exclusion]
    sentence: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    snapshot_id: UUID
    execution_id: UUID
    taken_at: datetime
    size: int
