"""Checks an audit export of Campaign Manager without its database, its code or its makers.

    python verifier.py export.jsonl [--head HEX]

Python 3.11 or later, nothing else. It reads the export (JSON lines or CSV) once and recomputes:

  leaf   = sha256(practice, time, id, tag, actor, campaign, enrolment, pseudonym, reason, detail),
           the texts joined by the character U+001F, in UTF-8
  digest = sha256(the leaves of a batch, in order)
  seal   = sha256(seal before, batch id (16 bytes), number of rows (4 bytes, big-endian), digest);
           before the first seal: 32 zero bytes

and compares the last seal with the head the file states. An export of a part of the book holds, of
every batch between its first and its last, the rows asked for and of the others the leaves only (of a
batch without any, its digest only): the chain is whole, and what is left out cannot be read. That no
row was left out that had been asked for, only an export of the whole book proves.

Somebody who cut the end off and wrote a new header cannot be found out from the file alone: write the
head down somewhere else when you take an export, and give it with --head. Every sealing is also
announced outside this product, with its number (`audit.sealed`): compare the file's last one.
"""

import argparse
import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

FIELDS = {
    "header": (
        "format", "version", "practice_id", "exported_at", "exported_by", "covers", "filter", "first",
        "previous", "batches", "rows", "left_out", "head",
    ),
    "batch": ("rows", "seal_no", "batch_id", "digest", "seal"),
    "row": (
        "practice_id", "n", "at", "audit_id", "tag", "actor", "campaign_id", "enrolment_id", "pseudonym",
        "reason", "detail", "leaf",
    ),
    "left_out": ("n", "count", "leaves"),
    "end": ("sha256",),
}  # fmt: skip
COLUMNS = [
    "record", "format", "version", "practice_id", "exported_at", "exported_by", "covers", "filter", "first",
    "previous", "batches", "rows", "left_out", "head", "seal_no", "batch_id", "digest", "seal", "count", "leaves",
    "n", "at", "audit_id", "tag", "actor", "campaign_id", "enrolment_id", "pseudonym", "reason", "detail", "leaf",
    "sha256",
]  # fmt: skip
NUMBERS = {"version", "first", "batches", "rows", "left_out", "seal_no", "n", "count"}
ASKED = ("tag", "actor", "campaign_id", "pseudonym", "since", "until")
LEAF = (
    "practice_id", "at", "audit_id", "tag", "actor", "campaign_id", "enrolment_id", "pseudonym", "reason",
    "detail",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


class Wrong(Exception):
    """The first thing that does not fit: in which line of the file, and what."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


@dataclass(frozen=True)
class Result:
    """`first_problem` starts with the line of the file (CSV: its record's first line) that is wrong."""

    ok: bool
    rows: int
    batches: int
    head: str
    first_problem: str | None = None
    line: int | None = None
    left_out: int = 0
    covers: str = ""


@dataclass(frozen=True)
class Entry:
    """One record of the file: its first line, its raw bytes, its kind and its fields as text."""

    line: int
    raw: bytes
    kind: str
    values: dict[str, str]


@dataclass
class Chain:
    """What was read so far."""

    header: dict[str, str] = field(default_factory=dict)
    whole: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    asked: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    left_out: int = 0
    batches: int = 0
    seal: bytes = bytes(32)
    open_batch: Entry | None = None
    n: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    last_row: str = ""
    ended: bool = False


def verify_file(path: str | Path, head: str | None = None) -> Result:
    """Check one export; `head` is the seal you wrote down when you took it, if you did."""
    chain = Chain()
    try:
        for entry in entries(Path(path)):
            _take(chain, entry)
        _finish(chain, head)
    except Wrong as wrong:
        return Result(False, chain.rows, chain.batches, chain.seal.hex(), str(wrong), wrong.line)
    covers = chain.header["covers"]
    return Result(True, chain.rows, chain.batches, chain.seal.hex(), left_out=chain.left_out, covers=covers)


def _take(chain: Chain, entry: Entry) -> None:
    if entry.kind == "columns":
        chain.whole.update(entry.raw)
        return
    if chain.ended:
        raise Wrong(entry.line, "something follows the end of the export.")
    if bool(chain.header) == (entry.kind == "header"):
        raise Wrong(entry.line, "an export starts with its one header.")
    if entry.kind == "header":
        _header(chain, entry)
    elif entry.kind == "batch":
        _close_batch(chain)
        _open_batch(chain, entry)
    elif entry.kind == "row":
        _row(chain, entry)
    elif entry.kind == "left_out":
        _left_out(chain, entry)
    else:
        _close_batch(chain)
        _totals(chain)
        if entry.values["sha256"] != chain.whole.hexdigest():
            raise Wrong(1, "the header (or the last line) was altered: the file's checksum does not fit.")
        chain.ended = True
    chain.whole.update(entry.raw)


def _header(chain: Chain, entry: Entry) -> None:
    values = entry.values
    if (values["format"], values["version"]) != ("campaign-manager-audit", "2"):
        raise Wrong(entry.line, "this is no audit export of version 2.")
    try:
        asked = json.loads(values["filter"])
        chain.seal = bytes.fromhex(values["previous"])
    except ValueError as error:
        raise Wrong(entry.line, f"the header is not readable ({error}).") from error
    if (
        not isinstance(asked, dict)
        or not set(asked) <= set(ASKED)
        or any(type(value) is not str for value in asked.values())
    ):
        raise Wrong(entry.line, "the header asks for something an export cannot be asked for.")
    from_start = (values["first"], values["previous"]) == ("1", bytes(32).hex())
    if len(chain.seal) != 32 or not (asked or from_start):
        raise Wrong(entry.line, "an export of everything begins with the first batch, and this one does not.")
    if values["covers"] != covers(asked):
        raise Wrong(entry.line, "what the header says it covers is not what it was asked for.")
    chain.header, chain.asked = values, asked


def _open_batch(chain: Chain, entry: Entry) -> None:
    expected = int(chain.header["first"]) + chain.batches
    if entry.values["seal_no"] != str(expected):
        raise Wrong(
            entry.line,
            f"batch {entry.values['seal_no']} stands where batch {expected} should: one is missing.",
        )
    chain.open_batch, chain.n, chain.digest = entry, 0, hashlib.sha256()


def _row(chain: Chain, entry: Entry) -> None:
    values = entry.values
    name = f"row {values['audit_id']}"
    if chain.open_batch is None:
        raise Wrong(entry.line, f"{name} stands outside any batch.")
    leaf = hashlib.sha256("\x1f".join(values[key] for key in LEAF).encode()).digest()
    if leaf.hex() != values["leaf"]:
        raise Wrong(entry.line, f"{name} was altered: its words do not give its hash.")
    if values["practice_id"] != chain.header["practice_id"]:
        raise Wrong(1, f"the header names another practice than {name} in line {entry.line}.")
    if values["n"] != str(chain.n + 1):
        raise Wrong(
            entry.line,
            f"{name} is number {values['n']} of its batch where {chain.n + 1} should stand:"
            " a row is missing, doubled or out of order.",
        )
    if not fits(chain.asked, values):
        raise Wrong(entry.line, f"{name} is not among what the header says this file covers.")
    chain.n += 1
    chain.rows += 1
    chain.digest.update(leaf)
    chain.last_row = name


def covers(asked: dict[str, str]) -> str:
    """What an export of these rows holds and what it proves, in words."""
    if not asked:
        return "Every sealed row of the practice up to the stated head. Nothing is left out."
    named = {
        "tag": "what happened is {}", "actor": "who did it is {}", "campaign_id": "the campaign is {}",
        "pseudonym": "the person is {}", "since": "from {}", "until": "before {}",
    }  # fmt: skip
    rules = ", ".join(named[key].format(asked[key]) for key in ASKED if key in asked)
    return (
        f"Rows where {rules}, of the stated batches. The others of these batches are left out; their hashes"
        " are kept, so that the chain can be checked. That none was left out which had been asked for, only"
        " an export of everything proves."
    )


def fits(asked: dict[str, str], row: dict[str, str]) -> bool:
    """Is this row what the export was asked for? A tag that ends in a dot means its family."""
    for key, value in asked.items():
        if (key == "since" and row["at"] < value) or (key == "until" and row["at"] >= value):
            return False
        if key == "tag" and value.endswith("."):
            if not row["tag"].startswith(value):
                return False
        elif key not in ("since", "until") and row[key] != value:
            return False
    return True


def _left_out(chain: Chain, entry: Entry) -> None:
    values = entry.values
    if chain.open_batch is None or not chain.asked:
        raise Wrong(entry.line, "rows are left out where none may be.")
    name = f"batch {chain.open_batch.values['seal_no']}"
    count = int(values["count"])
    try:
        leaves = bytes.fromhex(values["leaves"])
    except ValueError as error:
        raise Wrong(entry.line, f"{name}: the hashes of rows left out are not readable.") from error
    if values["n"] != str(chain.n + 1) or len(leaves) != 32 * count or not count:
        raise Wrong(entry.line, f"{name}: the rows left out do not follow the row before; one is missing.")
    chain.n += count
    chain.left_out += count
    chain.digest.update(leaves)
    chain.last_row = f"{count} rows left out of {name}"


def _close_batch(chain: Chain) -> None:
    batch = chain.open_batch
    if batch is None:
        return
    name = f"batch {batch.values['seal_no']}"
    stated = int(batch.values["rows"])
    bare = bool(chain.asked) and chain.n == 0
    if chain.n != stated and not bare:
        after = f" The last one here is {chain.last_row}." if chain.n else ""
        raise Wrong(batch.line, f"{name} states {stated} rows and {chain.n} are here.{after}")
    digest = _digest(batch) if bare else chain.digest.digest()
    if digest.hex() != batch.values["digest"]:
        raise Wrong(batch.line, f"{name}: rows were exchanged or reordered; they do not give its digest.")
    batch_id = UUID(batch.values["batch_id"]).bytes
    seal = hashlib.sha256(chain.seal + batch_id + stated.to_bytes(4, "big") + digest).digest()
    if seal.hex() != batch.values["seal"]:
        raise Wrong(batch.line, f"{name}: its seal does not follow from the one before.")
    chain.seal = seal
    chain.batches += 1
    chain.left_out += stated if bare else 0
    chain.open_batch = None


def _digest(batch: Entry) -> bytes:
    """Of a batch none of whose rows were asked for, the digest itself is taken as stated."""
    try:
        return bytes.fromhex(batch.values["digest"])
    except ValueError as error:
        raise Wrong(batch.line, f"batch {batch.values['seal_no']}: its digest is not readable.") from error


def _totals(chain: Chain) -> None:
    stated = chain.header
    if (stated["rows"], stated["batches"]) != (str(chain.rows), str(chain.batches)):
        raise Wrong(
            1,
            f"the header states {stated['rows']} rows in {stated['batches']} batches, and {chain.rows} rows"
            f" in {chain.batches} batches are here: the tail is missing after {chain.last_row or 'the header'}.",
        )
    if stated["left_out"] != str(chain.left_out):
        raise Wrong(1, f"the header states {stated['left_out']} rows left out, and it is {chain.left_out}.")
    if stated["head"] != chain.seal.hex() and chain.batches:
        raise Wrong(1, "the header states another last seal than the rows give.")


def _finish(chain: Chain, head: str | None) -> None:
    if not chain.header:
        raise Wrong(1, "the file is empty.")
    if not chain.ended:
        raise Wrong(
            1,
            f"the file breaks off after {chain.rows} of the {chain.header['rows']} rows its header states:"
            f" the tail is missing after {chain.last_row or 'the header'}.",
        )
    if head is not None and head.strip().lower() != chain.seal.hex():
        raise Wrong(1, "the last seal is not the head you gave: rows were cut off, or it is another file.")


def entries(path: Path) -> Iterator[Entry]:
    """The records of a file, each in the one spelling an export has; another spelling is wrong."""
    with path.open("rb") as file:
        is_json = file.read(1) == b"{"
        file.seek(0)
        yield from _json_entries(file) if is_json else _csv_entries(file)


def _json_entries(file: io.BufferedReader) -> Iterator[Entry]:
    for line, raw in enumerate(file, 1):
        try:
            found = json.loads(raw.decode())
            spelled = json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n"
        except ValueError as error:
            raise Wrong(line, f"not readable ({error}).") from error
        if spelled != raw.decode() or not isinstance(found, dict):
            raise Wrong(line, "not written as an export writes it.")
        kind = str(found.pop("record", ""))
        if tuple(found) != FIELDS.get(kind) or any(
            type(value) is not (int if key in NUMBERS else str) for key, value in found.items()
        ):
            raise Wrong(line, "its fields are not those of an export.")
        yield _entry(line, raw, kind, {key: str(value) for key, value in found.items()})


def _csv_entries(file: io.BufferedReader) -> Iterator[Entry]:
    csv.field_size_limit(1 << 30)
    taken: list[bytes] = []
    # Unreadable bytes come through as a mark and then fail the comparison of spellings below.
    reader = csv.reader((_keep(raw, taken).decode(errors="replace") for raw in file), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Wrong(line, f"not readable ({error}).") from error
        raw = b"".join(taken)
        taken.clear()
        spelled = io.StringIO(newline="")
        csv.writer(spelled, lineterminator="\r\n").writerow(cells)
        if spelled.getvalue().encode(errors="replace") != raw:
            raise Wrong(line, "not written as an export writes it.")
        yield from _csv_entry(line, raw, cells)
        line += raw.count(b"\n")


def _csv_entry(line: int, raw: bytes, cells: list[str]) -> Iterator[Entry]:
    if line == 1:
        if cells != COLUMNS:
            raise Wrong(1, "its columns are not those of an export.")
        yield Entry(1, raw, "columns", {})
        return
    values = {column: _uncell(line, cell) for column, cell in zip(COLUMNS, cells, strict=False)}
    kind = values.pop("record", "")
    wanted = FIELDS.get(kind, ())
    if len(cells) != len(COLUMNS) or not wanted or any(values[key] for key in values if key not in wanted):
        raise Wrong(line, "its fields are not those of an export.")
    yield _entry(line, raw, kind, {key: values[key] for key in wanted})


def _keep(raw: bytes, taken: list[bytes]) -> bytes:
    taken.append(raw)
    return raw


def _uncell(line: int, cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a cell."""
    value = cell[1:] if cell.startswith("'") else cell
    if value.startswith(FORMULA) != cell.startswith("'"):
        raise Wrong(line, "a cell is not quoted as an export quotes it.")
    return value


def _entry(line: int, raw: bytes, kind: str, values: dict[str, str]) -> Entry:
    for key in NUMBERS & values.keys():
        number = values[key]
        if not (number.isascii() and number.isdigit() and str(int(number)) == number and len(number) < 12):
            raise Wrong(line, f"{key} is not a number an export would state.")
    if kind == "batch" and not _is_uuid(values["batch_id"]):
        raise Wrong(line, "the batch's id is not a UUID.")
    return Entry(line, raw, kind, values)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def main() -> int:
    options = argparse.ArgumentParser(description="Check an audit export of Campaign Manager.")
    options.add_argument("file")
    options.add_argument("--head", help="the last seal as you noted it when the export was taken")
    given = options.parse_args()
    result = verify_file(given.file, given.head)
    if result.ok:
        print(f"The export holds: {result.rows} rows in {result.batches} batches, head {result.head}.")
        print(result.covers)
        return 0
    print(f"The export does NOT hold: {result.first_problem}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
