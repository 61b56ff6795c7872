"""The stand-alone verifier finds whatever was done to an export, and says where."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from services.audit import verifier
from services.audit.rules import COLUMNS, GENESIS, Record, cell, csv_head, csv_line, jsonl, seal

PRACTICE = "0190c5a0-0000-7000-8000-000000000001"
REASONS = ["", '=HYPERLINK("http://x")', "+1", "-1", "@cmd", "'quoted", "two\r\nlines, \"said\" 'é'", "\tx"]


def _row(n: int, number: int) -> Record:
    row: Record = {
        "record": "row",
        "practice_id": PRACTICE,
        "n": n,
        "at": f"2026-06-01T10:00:{number:02d}.000001Z",
        "audit_id": f"0190c5a0-0000-7000-8000-0000000001{number:02d}",
        "tag": "campaign.edited",
        "actor": "engine",
        "campaign_id": "",
        "enrolment_id": "",
        "pseudonym": "",
        "reason": REASONS[number % len(REASONS)],
        "detail": '{"from":"draft","to":"active"}',
    }
    return {**row, "leaf": _leaf(row)}


def _leaf(row: Record) -> str:
    return hashlib.sha256("\x1f".join(str(row[key]) for key in verifier.LEAF).encode()).hexdigest()


def _records(batches: list[list[Record]]) -> list[Record]:
    """An honest export of these batches, without its end."""
    found: list[Record] = []
    previous = GENESIS
    for number, rows in enumerate(batches, 1):
        digest = hashlib.sha256(b"".join(bytes.fromhex(str(row["leaf"])) for row in rows)).digest()
        batch_id = UUID(f"0190c5a0-0000-7000-8000-0000000009{number:02d}")
        previous = seal(previous, batch_id, len(rows), digest)
        batch: Record = {
            "record": "batch",
            "rows": len(rows),
            "seal_no": number,
            "batch_id": str(batch_id),
            "digest": digest.hex(),
            "seal": previous.hex(),
        }
        found += [batch, *rows]
    header: Record = {
        "record": "header",
        "format": "campaign-manager-audit",
        "version": 1,
        "practice_id": PRACTICE,
        "exported_at": "2026-06-01T11:00:00.000000Z",
        "exported_by": "person:1",
        "batches": len(batches),
        "rows": sum(map(len, batches)),
        "head": previous.hex(),
    }
    return [header, *found]


def _lines(records: list[Record], write: Callable[[Record], bytes]) -> list[bytes]:
    """One item a record (a CSV record may be several lines of text), the end last."""
    lines = [csv_head()] * (write is csv_line) + [write(record) for record in records]
    return [*lines, _end(lines, write)]


def _end(lines: list[bytes], write: Callable[[Record], bytes]) -> bytes:
    return write({"record": "end", "sha256": hashlib.sha256(b"".join(lines)).hexdigest()})


def honest(write: Callable[[Record], bytes]) -> list[bytes]:
    batches = [[_row(1, 0), _row(2, 1), _row(3, 2)], [_row(1, 3)], [_row(1, 4), _row(2, 5), _row(3, 6)]]
    return _lines(_records(batches), write)


WRITERS = pytest.mark.parametrize("write", [jsonl, csv_line], ids=["jsonl", "csv"])


def check(folder: Path, lines: list[bytes], head: str | None = None) -> verifier.Result:
    path = folder / "export"
    path.write_bytes(b"".join(lines))
    return verifier.verify_file(path, head)


@pytest.mark.covers("GOV-4")
@WRITERS
def test_an_honest_export_holds(tmp_path: Path, write):
    result = check(tmp_path, honest(write))
    assert (result.first_problem, result.rows, result.batches) == (None, 7, 3)
    assert check(tmp_path, honest(write), head=result.head).ok
    assert not check(tmp_path, honest(write), head="00" * 32).ok
    assert check(tmp_path, _lines(_records([]), write)).ok


@pytest.mark.covers("GOV-4")
@WRITERS
def test_any_flipped_byte_is_found_in_its_own_line(tmp_path: Path, write):
    lines = honest(write)
    whole = b"".join(lines)
    starts = [b"".join(lines[:n]).count(b"\n") + 1 for n in range(len(lines))]
    owner = [n for n, line in enumerate(lines) for _ in line]
    head = {0, 1} if write is csv_line else {0}
    for place in range(len(whole)):
        bit = 1 << random.Random(place).randrange(8)
        result = check(tmp_path, [whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]])
        assert not result.ok, f"byte {place}"
        # Header and end only hold each other: a change in one may be reported as the other's.
        if owner[place] not in head | {len(lines) - 1}:
            assert result.line == starts[owner[place]], f"byte {place}: {result.first_problem}"


@pytest.mark.covers("GOV-4")
@WRITERS
@pytest.mark.parametrize("deed", ["drop", "swap", "double", "batch without rows", "whole batch"])
def test_rows_that_went_missing_or_moved_are_found(tmp_path: Path, write, deed: str):
    *lines, _ = honest(write)
    one = 2 + (write is csv_line)  # index of the first row
    match deed:
        case "drop":
            del lines[one]
        case "swap":
            lines[one], lines[one + 1] = lines[one + 1], lines[one]
        case "double":
            lines.insert(one, lines[one])
        case "batch without rows":
            del lines[one : one + 3]
        case _:
            del lines[one + 3 : one + 5]
    problem = str(check(tmp_path, [*lines, _end(lines, write)]).first_problem)
    assert "missing" in problem or "states 3 rows and 0 are here" in problem


@pytest.mark.covers("GOV-4")
def test_rows_swapped_with_their_numbers_rewritten_break_the_digest(tmp_path: Path):
    records = _records([[_row(1, 0), _row(2, 1)]])
    records[2], records[3] = {**records[3], "n": 1}, {**records[2], "n": 2}
    assert "exchanged or reordered" in str(check(tmp_path, _lines(records, jsonl)).first_problem)


@pytest.mark.covers("GOV-4")
def test_a_forged_row_with_a_fitting_hash_breaks_the_digest(tmp_path: Path):
    records = _records([[_row(1, 0), _row(2, 1)]])
    forged: Record = {**records[2], "actor": "somebody"}
    records[2] = {**forged, "leaf": _leaf(forged)}
    assert "batch 1" in str(check(tmp_path, _lines(records, jsonl)).first_problem)


@pytest.mark.covers("GOV-4")
@WRITERS
def test_a_cut_tail_is_found_by_what_the_header_states(tmp_path: Path, write):
    lines = honest(write)
    for kept in range(2, len(lines)):
        assert "the tail is missing" in str(check(tmp_path, lines[:kept]).first_problem)
    cut = lines[:-5]  # without the whole last batch, and with a fresh checksum
    assert "the tail is missing" in str(check(tmp_path, [*cut, _end(cut, write)]).first_problem)
    assert not check(tmp_path, [b"".join(lines)[:-1]]).ok
    assert not check(tmp_path, []).ok
    assert "follows the end" in str(check(tmp_path, [*lines, lines[-2]]).first_problem)


def test_no_cell_of_the_csv_can_be_a_formula():
    for reason in REASONS:
        assert not cell(reason).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert tuple(verifier.COLUMNS) == COLUMNS


@pytest.mark.covers("GOV-4")
def test_it_runs_by_itself_from_a_command_line(tmp_path: Path):
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(honest(jsonl)))
    command = [sys.executable, "-I", verifier.__file__, str(path)]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stderr) == (0, "")
    assert "7 rows in 3 batches" in good.stdout
    path.write_bytes(path.read_bytes().replace(b"active", b"paused", 1))
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "line 3: row 0190c5a0" in bad.stdout
