"""The stand-alone verifier finds whatever was done to an export, and says where."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
        "version": 2,
        "practice_id": PRACTICE,
        "exported_at": "2026-06-01T11:00:00.000000Z",
        "exported_by": "person:1",
        "covers": verifier.covers({}),
        "filter": "{}",
        "first": 1,
        "previous": GENESIS.hex(),
        "batches": len(batches),
        "rows": sum(map(len, batches)),
        "left_out": 0,
        "head": previous.hex(),
    }
    return [header, *found]


def _part(
    batches: list[list[Record]], asked: dict[str, str], previous: bytes = GENESIS, first: int = 1
) -> list[Record]:
    """The export of those rows only that fit, made from the whole: the others become their leaves."""
    header, *whole = _records(batches)
    found: list[Record] = []
    shown = left = 0
    for at, rows in enumerate(batches):
        batch = next(r for r in whole if r["record"] == "batch" and r["seal_no"] == at + 1)
        fitting = [verifier.fits(asked, {k: str(v) for k, v in row.items()}) for row in rows]
        found.append(batch)
        left += len(rows) - sum(fitting)
        shown += sum(fitting)
        if any(fitting):
            for row, fits in zip(rows, fitting, strict=True):
                out: Record = {"record": "left_out", "n": row["n"], "count": 1, "leaves": row["leaf"]}
                found.append(row if fits else out)
    return [
        {
            **header, "covers": verifier.covers(asked), "filter": json.dumps(asked, separators=(",", ":")),
            "first": first, "previous": previous.hex(), "rows": shown, "left_out": left,
        },
        *found,
    ]  # fmt: skip


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


def partial(write: Callable[[Record], bytes]) -> list[bytes]:
    """Rows of one moment: the first batch shows one and leaves two out, the second is bare."""
    batches = [[_row(1, 0), _row(2, 1), _row(3, 2)], [_row(1, 3)], [_row(1, 1)]]
    return _lines(_part(batches, {"since": "2026-06-01T10:00:01.", "until": "2026-06-01T10:00:02."}), write)


MADE = {"whole": honest, "part": partial}


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
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
@WRITERS
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_is_found_in_its_own_line(tmp_path: Path, write, made, data):
    lines = made(write)
    whole = b"".join(lines)
    place = data.draw(st.integers(0, len(whole) - 1), label="place")
    flipped = whole[place] ^ data.draw(st.integers(1, 255), label="bits")
    result = check(tmp_path, [whole[:place] + bytes([flipped]) + whole[place + 1 :]])
    assert not result.ok
    # Header and end only hold each other, and hashes of what is left out only their batch: a change in
    # one may be reported as the other's.
    owner = next(n for n in range(len(lines)) if place < len(b"".join(lines[: n + 1])))
    head = {0, 1} if write is csv_line else {0}
    if owner not in head | {len(lines) - 1} and b"left_out" not in lines[owner]:
        assert result.line == b"".join(lines[:owner]).count(b"\n") + 1, result.first_problem


@pytest.mark.covers("GOV-4")
@WRITERS
def test_an_export_of_a_part_holds_and_says_what_it_covers(tmp_path: Path, write):
    result = check(tmp_path, partial(write))
    assert (result.first_problem, result.rows, result.left_out, result.batches) == (None, 2, 3, 3)
    assert "from 2026-06-01T10:00:01." in result.covers


@pytest.mark.covers("GOV-4")
@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ("a row outside the filter", "not among what the header says"),
        ("a bare batch dropped", "batch 3 stands where batch 2 should"),
        ("a row hidden among those left out", "states"),
        ("another proof", "does not follow"),
        ("more than it covers", "not what it was asked for"),
        ("a part that calls itself everything", "left out where none may be"),
    ],
)
def test_a_part_that_was_tampered_with_is_named(tmp_path: Path, deed: str, sentence: str):
    asked = {"since": "2026-06-01T10:00:01.", "until": "2026-06-01T10:00:02."}
    records = _part([[_row(1, 0), _row(2, 1), _row(3, 2)], [_row(1, 3)], [_row(1, 1)]], asked)
    match deed:
        case "a row outside the filter":
            records[4] = _row(3, 2)
        case "a bare batch dropped":
            del records[5]
        case "a row hidden among those left out":
            records[3] = {"record": "left_out", "n": 2, "count": 1, "leaves": records[3]["leaf"]}
        case "another proof":
            records[5] = {**records[5], "seal": records[1]["seal"]}
        case "more than it covers":
            records[0] = {**records[0], "covers": verifier.covers({})}
        case _:
            records[0] = {**records[0], "covers": verifier.covers({}), "filter": "{}"}
    problem = str(check(tmp_path, _lines(records, jsonl)).first_problem)
    assert sentence in problem


def test_a_slice_of_the_chain_begins_with_the_seal_before_it(tmp_path: Path):
    asked = {"tag": "campaign."}
    records = _part([[_row(1, 0)], [_row(1, 1)]], asked)
    slice_ = [
        {**records[0], "first": 2, "previous": records[1]["seal"], "batches": 1, "rows": 1},
        *records[3:],
    ]
    assert check(tmp_path, _lines(slice_, jsonl)).ok
    slice_[0] = {**slice_[0], "previous": GENESIS.hex()}
    assert "does not follow" in str(check(tmp_path, _lines(slice_, jsonl)).first_problem)


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
