"""Understanding what people put on the block list: an address, a domain, an identity, a file of them.

Nothing here is stored: what is read becomes a keyed hash, and what cannot be read becomes a
sentence that does not repeat it.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from services.kit.errors import Invalid

Kind = Literal["address", "domain", "identity"]
Ground = Literal["asked", "hard_bounce", "complaint", "legal", "other"]

GROUNDS: dict[str, str] = {
    "asked": "They asked us not to write",
    "hard_bounce": "Messages come back",
    "complaint": "Reported a message as unwanted",
    "legal": "A legal or regulatory reason",
    "other": "Another reason",
}
KINDS: dict[str, str] = {"address": "Email or phone", "domain": "Whole domain", "identity": "Identity"}
MAX_BYTES = 5_000_000
MAX_ROWS = 100_000
MAX_PROBLEMS = 1_000

EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
DOMAIN = re.compile(r"@?((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_][\w-]{0,61}[^\W_])")
IDENTITY = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")
COLUMNS: dict[str, Kind | None] = {
    "address": None, "email": "address", "e-mail": "address", "email address": "address", "phone": "address",
    "mobile": "address", "telephone": "address", "value": None, "entry": None, "domain": "domain",
    "identity": "identity", "identity hash": "identity", "identity_hash": "identity",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Destination:
    """Where nobody shall be written to; `value` is normalised as the gates compare it."""

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class RowProblem:
    row_number: int
    problem: str


@dataclass(frozen=True, slots=True)
class ReadFile:
    destinations: tuple[Destination, ...]
    rows: int
    problems: tuple[RowProblem, ...]


def understand(text: str, country: str, kind: Kind | None = None) -> Destination | None:
    """One entry as a person typed it; None when it is nothing we could compare with.

    `country` is where a telephone number without a country code belongs.
    """
    given = text.strip().strip("<>").strip()
    if kind == "identity" or (kind is None and IDENTITY.fullmatch(given.lower())):
        found = given.lower()
        return Destination("identity", found) if IDENTITY.fullmatch(found) else None
    if kind != "domain":
        mail = given.lower().removeprefix("mailto:")
        if len(mail) <= 320 and EMAIL.fullmatch(mail):
            return Destination("address", mail)
        if number := _phone(given, country):
            return Destination("address", number)
    match = DOMAIN.fullmatch(given.lower())
    if kind != "address" and match and len(given) <= 253 and not match[1].replace(".", "").isdigit():
        return Destination("domain", match[1])
    return None


def read_file(content: bytes, country: str) -> ReadFile:
    """A CSV with a heading line of known columns, or plainly one entry a line. Raises Invalid."""
    if len(content) > MAX_BYTES:
        raise Invalid("This file is larger than 5 MB. Split it and import the parts.")
    lines = _lines(content)
    if len(lines) > MAX_ROWS:
        raise Invalid(f"This file has more than {MAX_ROWS:,} rows. Split it and import the parts.")
    heads = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    columns = {place: COLUMNS[name] for place, name in enumerate(heads) if name in COLUMNS}
    rows = lines[1:] if columns else lines
    if not rows:
        raise Invalid("This file has no rows.")
    found: dict[Destination, None] = {}
    problems: list[RowProblem] = []
    for number, cells in rows:
        for destination in _row(cells, columns or {0: None}, country):
            if isinstance(destination, str):
                problems.append(RowProblem(number, destination))
            else:
                found[destination] = None
    return ReadFile(tuple(found), len(rows), tuple(problems[:MAX_PROBLEMS]))


def masked(destination: Destination) -> str:
    """Enough to recognise, too little to write to: `a•••@e•••.com`, `•••• 123`."""
    match destination:
        case Destination("address", value) if "@" in value:
            local, _, domain = value.partition("@")
            name, _, rest = domain.rpartition(".")
            return f"{local[:1]}•••@{name[:1]}•••.{rest}"
        case Destination("address", value):
            return f"•••• {value[-3:]}"
        case Destination("domain", value):
            name, _, rest = value.rpartition(".")
            return f"anyone at {name[:1]}•••.{rest}"
        case _:
            return "one person, by identity"


def _row(cells: list[str], columns: dict[int, Kind | None], country: str) -> Iterator[Destination | str]:
    given = [(cells[n], kind) for n, kind in columns.items() if n < len(cells) and cells[n].strip()]
    if not given:
        yield "Nothing stands in this row."
    for text, kind in given:
        found = understand(text, country, kind)
        yield found or (
            "Not an identity of 16 hexadecimal digits."
            if kind == "identity"
            else "Neither an email address, a phone number nor a domain."
        )


def _lines(content: bytes) -> list[tuple[int, list[str]]]:
    """Rows that are not empty, with their number in the file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Invalid("This is not a text file. Save the spreadsheet as CSV and import that.")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Invalid(f"This file cannot be read as a table: {error}.") from error
    return [(number, cells) for number, cells in enumerate(rows, 1) if any(cell.strip() for cell in cells)]


def _phone(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
