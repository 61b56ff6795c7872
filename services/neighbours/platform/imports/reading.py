"""Files as they come: any encoding, any delimiter; read whole, in memory, up to a limit."""

import csv
import hashlib
import io
import warnings
import zipfile
from dataclasses import dataclass

import clevercsv
from charset_normalizer import from_bytes

from services.kit.errors import Invalid

MAX_BYTES = 25_000_000
MAX_ROWS = 100_000
SNIFFED = 20_000  # characters the dialect is judged by: sniffing costs more than reading
_DELIMITERS = [",", ";", "\t", "|"]
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Table:
    headers: list[str]
    rows: list[list[str]]
    read_as: str

    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.headers, row, strict=False)) for row in self.rows]


def read_table(content: bytes) -> Table:
    """Rows under the header line, padded to its width; empty lines are left out. Raises Invalid."""
    text, encoding = _decode(content)
    if "\0" in text:  # no text of a person has it, and no database takes it
        raise Invalid("This is not a text file. Save the spreadsheet as CSV and upload that.")
    delimiter, quote = _dialect(text)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote) if any(cell.strip() for cell in line)]  # fmt: skip
    except csv.Error as error:
        raise Invalid(f"This file cannot be read as a table: {error}. Export it again as CSV.") from error
    if len(lines) < 2:
        raise Invalid("This file has no rows under its header line.")
    if len(lines) - 1 > MAX_ROWS:
        raise Invalid(f"This file has more than {MAX_ROWS:,} rows. Split it and import the parts.")
    headers = _headers(lines[0])
    width = len(headers)
    rows = [[cell.strip() for cell in (line + [""] * width)[:width]] for line in lines[1:]]
    return Table(headers, rows, f"{encoding}, separated by {_NAMES.get(delimiter, repr(delimiter))}")


def _decode(content: bytes) -> tuple[str, str]:
    if not content.strip():
        raise Invalid("This file is empty.")
    if content[:4] == b"PK\x03\x04" or b"\0\0\0" in content[:4_000]:
        raise Invalid("This is not a text file. Save the spreadsheet as CSV and upload that.")
    try:
        return content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        found = from_bytes(content, cp_isolation=["cp1252", "utf_16", "cp1250", "latin_1"]).best()
    if found is None:
        raise Invalid("The file's text encoding cannot be told. Save it as CSV UTF-8 and upload that.")
    return str(found).lstrip("\ufeff"), found.encoding.replace("_", "-")


def _dialect(text: str) -> tuple[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns about columns of one value
        try:
            found = clevercsv.Sniffer().sniff(text[:SNIFFED], delimiters=_DELIMITERS)
        except clevercsv.Error:
            return ",", '"'
    return found.delimiter or ",", found.quotechar or '"'


def _headers(line: list[str]) -> list[str]:
    """Column names, each once: a repeated or empty one gets its position."""
    names: list[str] = []
    for place, cell in enumerate(line, 1):
        name = cell.strip().lstrip("\ufeff") or f"Column {place}"
        names.append(f"{name} ({place})" if name in names else name)
    return names


def as_csv(rows: list[dict[str, str]]) -> bytes:
    """Rows of named values as a file of their own: the same rows always give the same bytes."""
    columns = sorted({name for row in rows for name in row})
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, columns, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue().encode()


def pack(files: list[tuple[str, bytes]]) -> bytes:
    """Several files as one: the same files always give the same bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return held.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Base name → bytes of an archive, within the size limit. Raises Invalid."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > 4 * MAX_BYTES:
                raise Invalid("This archive is too large when unpacked.")
            return {entry.filename.rpartition("/")[2].lower(): archive.read(entry) for entry in entries}
    except zipfile.BadZipFile as error:
        raise Invalid(
            "Upload patients.csv together with encounters.csv, or a zip that holds both."
        ) from error


def fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
