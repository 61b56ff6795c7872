"""How batches are chained, and how an export is written. Pure; `verifier.py` repeats it."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from uuid import UUID

FORMAT = "campaign-manager-audit"
VERSION = 2
GENESIS = bytes(32)
"""What stands in the place of the seal before the first."""

COLUMNS = (
    "record", "format", "version", "practice_id", "exported_at", "exported_by", "covers", "filter", "first",
    "previous", "batches", "rows", "left_out", "head", "seal_no", "batch_id", "digest", "seal", "count", "leaves",
    "n", "at", "audit_id", "tag", "actor", "campaign_id", "enrolment_id", "pseudonym", "reason", "detail",
    "leaf", "sha256",
)  # fmt: skip
"""The columns of the CSV form, in order; a record fills its own and leaves the others empty."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""A cell that starts with one of these gets a leading apostrophe, so that no spreadsheet runs it
(OWASP CSV injection). The apostrophe itself is in the list: taking one off always gives the original."""

Record = dict[str, str | int]


def seal(previous: bytes, batch_id: UUID, rows: int, digest: bytes) -> bytes:
    """seal_n = sha256(seal_{n-1} ‖ batch id, 16 bytes ‖ rows, 4 bytes big-endian ‖ digest)."""
    return hashlib.sha256(previous + batch_id.bytes + rows.to_bytes(4, "big") + digest).digest()


def chain(previous: bytes, batches: Iterable[tuple[UUID, int, bytes]]) -> Iterator[bytes]:
    """The seals of batches in order, after `previous`."""
    for batch_id, rows, digest in batches:
        previous = seal(previous, batch_id, rows, digest)
        yield previous


def jsonl(record: Record) -> bytes:
    return (json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def csv_line(record: Record) -> bytes:
    return _csv([cell(str(record.get(column, ""))) for column in COLUMNS])


def csv_head() -> bytes:
    return _csv(list(COLUMNS))


def cell(value: str) -> str:
    return "'" + value if value.startswith(FORMULA) else value


def _csv(cells: list[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()
