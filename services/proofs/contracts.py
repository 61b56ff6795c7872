"""Proof runs as callers see them (ENG-6)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.contracts.envelope import Strict

ProofState = Literal["asked", "running", "done", "failed"]


class ProofRow(Strict):
    """`summary` is `summary.json` of the artefacts once done; `progress` a sentence while running."""

    proof_id: UUID
    campaign_id: UUID
    state: ProofState
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    progress: str
    content_hash: str
    summary: dict[str, Any]
    manifest_sha256: str
    failure: str


@dataclass
class Summary:
    """The totals of a run. Times are UTC; counts are people unless named otherwise."""

    started_at: datetime
    ended_at: datetime
    coarse_minutes: int
    entered: int = 0
    messages: int = 0
    people_written_to: int = 0
    by_step: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    by_day: list[dict[str, Any]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Proof:
    """A finished run: its files by name, and the hash of the manifest that lists them."""

    summary: dict[str, Any]
    files: dict[str, bytes]
    manifest_sha256: str
