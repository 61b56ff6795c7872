"""Every column that holds sealed bytes, and what each value in it is sealed for (D28).

The place is part of what was sealed: it never changes for stored data, so the words below repeat
those of the services that seal. A test fails for a column that keeps bytes and is not named here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sealed:
    """`key` finds a row within its practice. `rows` are re-sealed in one transaction."""

    table: str
    column: str
    key: tuple[str, ...]
    place: Callable[[Row], str]
    rows: int = 100

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


def _of(prefix: str, column: str) -> Callable[[Row], str]:
    return lambda row: f"{prefix}:{row[column]}"


COLUMNS = (
    Sealed("cm.person", "totp_secret", ("person_id",), _of("person.totp", "person_id")),
    Sealed("cm.api_answer", "answer", ("key_hash",), lambda row: f"cm.api_answer/{bytes(row['key_hash']).hex()}"),
    Sealed("cm.campaign", "draft", ("campaign_id",), _of("campaign.draft", "campaign_id")),
    Sealed("cm.campaign_version", "definition", ("version_id",), _of("campaign.version", "version_id")),
    Sealed("cm.content_template", "content", ("template_id",), _of("content_template", "template_id")),
    Sealed("cm.template_version", "content", ("template_id", "version"), _of("content_template", "template_id")),
    Sealed("cm.segment", "rule", ("segment_id",), _of("segment.rule", "segment_id")),
    Sealed(
        "cm.audience_snapshot", "members", ("taken_at", "snapshot_id"),
        _of("audience_snapshot.members", "snapshot_id"), rows=1,
    ),
    Sealed("cm.followup", "content", ("followup_id",), _of("followup", "followup_id")),
    Sealed("cm.proof", "files", ("proof_id",), _of("proof.files", "proof_id"), rows=1),
    Sealed("cm.webhook_endpoint", "secret", ("endpoint_id",), _of("webhook.secret", "endpoint_id")),
    Sealed("cm.webhook_endpoint", "old_secret", ("endpoint_id",), _of("webhook.secret", "endpoint_id")),
    Sealed("cm.leak_scan", "after", ("practice_id",), _of("leak_scan.after", "practice_id")),
)  # fmt: skip
