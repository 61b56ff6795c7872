"""Import batches: upload, confirm, look back (AUD-7). Each function takes the unit of work first."""

import asyncio
from typing import Any
from uuid import UUID

import orjson

from services.contracts.platform_api import (
    ConfirmImport,
    ImportBatch,
    ImportDetail,
    ImportKind,
    ImportProblem,
    LeadRows,
)
from services.kit.errors import Conflict, Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.neighbours.platform.imports import rules
from services.neighbours.platform.imports.leads import LeadReader, Problem
from services.neighbours.platform.imports.reading import MAX_BYTES, as_csv, fingerprint, pack, read_table
from services.neighbours.platform.imports.synthea import read_patients, tables
from services.neighbours.platform.imports.writing import write_leads, write_patients

SAMPLE = 5
GONE = "This file is not here any more. One that nobody imports is deleted after a day; bring it again."
COLUMNS = (
    "batch_id, kind, state, file_name, file_hash, uploaded_by, confirmed_by, created_at, finished_at, total_rows,"
    " imported, duplicates, errors, warnings, mapping, consent"
)


async def upload(
    u: Unit, *, kind: ImportKind, files: list[tuple[str, bytes]], uploaded_by: str
) -> ImportBatch:
    """Keep a file, sealed (D28), and say how it was understood; nothing is imported yet.

    Raises Invalid when it cannot be read, Conflict when the same file was imported before. The same
    file uploaded twice before it is imported is one batch.
    """
    check_size(sum(len(content) for _, content in files))
    name, content = _one(kind, files)
    digest = fingerprint(content)
    await _refuse_repeat(u, digest)
    batch = await _row(u, "file_hash = :digest AND state = 'uploaded'", digest=digest)
    if batch is not None:
        return _batch(batch, content)
    total, mapping = await asyncio.to_thread(_understand, kind, content)
    batch_id = new_id()
    await u.execute(
        "INSERT INTO platform.import_batch (practice_id, batch_id, kind, file_name, file_hash, state,"
        " mapping, total_rows, content, uploaded_by, created_at) VALUES (:practice, :batch, :kind, :name,"
        " :digest, 'uploaded', CAST(:mapping AS jsonb), :total, :content, :by, :now)",
        practice=u.practice_id, batch=batch_id, kind=kind, name=name, digest=digest,
        mapping=orjson.dumps(mapping).decode(), total=total, by=uploaded_by, now=u.now,
        content=u.keyring.lasting.seal(content, place=_place(batch_id)),
    )  # fmt: skip
    row = await _row(u, "batch_id = :batch", batch=batch_id)
    return _batch(row, content)


async def confirm(u: Unit, batch_id: UUID, confirmed: ConfirmImport) -> ImportDetail:
    """Import a batch as confirmed; all of it in this transaction.

    Raises NotFound, Conflict (already imported), Invalid (a mapping that cannot work).
    """
    await u.execute(  # one import a practice at a time: two files may name the same person
        "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"platform/import/{u.practice_id}"
    )
    await u.execute(
        "SELECT 1 FROM platform.import_batch WHERE batch_id = :batch AND practice_id = :practice FOR UPDATE",
        batch=batch_id, practice=u.practice_id,
    )  # fmt: skip
    row = await _row(u, "batch_id = :batch", "content", batch=batch_id)
    if row is None:
        raise NotFound(GONE)
    if row.state != "uploaded":
        raise Conflict("This file is already imported.")
    await _refuse_repeat(u, row.file_hash)
    if row.kind == "leads":
        counts, problems = await _leads(u, row, confirmed)
    else:
        counts, problems = await _patients(u, row)
    await _keep_problems(u, batch_id, problems)
    await u.execute(
        "UPDATE platform.import_batch SET state = 'done', imported = :imported, duplicates = :duplicates,"
        " errors = :errors, warnings = :warnings, mapping = CAST(:mapping AS jsonb),"
        " consent = CAST(:consent AS jsonb), content = NULL, finished_at = :now, confirmed_by = :by"
        " WHERE batch_id = :batch AND practice_id = :practice AND state = 'uploaded'",
        mapping=orjson.dumps(confirmed.mapping or row.mapping).decode(),
        consent=confirmed.consent.model_dump_json() if confirmed.consent else None,
        now=u.now, by=confirmed.confirmed_by, batch=batch_id, practice=u.practice_id, **counts,
    )  # fmt: skip
    return await get(u, batch_id)


async def import_rows(u: Unit, given: LeadRows) -> ImportDetail:
    """Import leads that came without a file: kept, de-duplicated and refused like one (AUD-7).

    Raises Conflict when exactly these rows were imported before, Invalid when they name nobody.
    """
    files = [(given.source, as_csv([{str(k): v for k, v in row.items()} for row in given.rows]))]
    batch = await upload(u, kind="leads", files=files, uploaded_by=given.uploaded_by)
    confirmed = ConfirmImport(
        mapping={field: field for row in given.rows for field in row},
        consent=given.consent,
        default_region=given.default_region,
        confirmed_by=given.uploaded_by,
    )
    return await confirm(u, batch.batch_id, confirmed)


async def page(u: Unit, *, limit: int = 100) -> list[ImportBatch]:
    """The newest batches first, without headers and sample."""
    rows = await u.execute(
        f"SELECT {COLUMNS} FROM platform.import_batch WHERE practice_id = :practice"
        " ORDER BY created_at DESC, batch_id DESC LIMIT :n",
        practice=u.practice_id, n=limit,
    )  # fmt: skip
    return [_batch(row, None) for row in rows]


async def get(u: Unit, batch_id: UUID) -> ImportDetail:
    """One batch and every problem of its rows, in file order. Raises NotFound."""
    row = await _row(u, "batch_id = :batch", "content", batch=batch_id)
    if row is None:
        raise NotFound(GONE)
    problems = await u.execute(
        "SELECT row_number, field, severity, problem FROM platform.import_error"
        " WHERE practice_id = :practice AND batch_id = :batch ORDER BY row_number, field LIMIT 10000",
        practice=u.practice_id, batch=batch_id,
    )  # fmt: skip
    return ImportDetail(
        batch=_batch(row, _file(u, row) if row.state == "uploaded" else None),
        problems=[ImportProblem.model_validate(dict(p._mapping)) for p in problems],
    )


def check_size(size: int) -> None:
    """Refuse what is too large to read at once, before it is read. Raises Invalid."""
    if size > MAX_BYTES:
        raise Invalid(f"Choose a file of at most {MAX_BYTES // 1_000_000} MB, or split it.")


def _one(kind: ImportKind, files: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """The name and bytes a batch keeps: a lead file as it is, Synthea's files as one archive."""
    if not files:
        raise Invalid("Choose a file.")
    if kind == "leads":
        if len(files) > 1:
            raise Invalid("Import lead files one at a time.")
        return files[0]
    if len(files) == 1 and files[0][1][:2] == b"PK":
        return files[0]
    return "synthea.zip", pack(files)


def _understand(kind: ImportKind, content: bytes) -> tuple[int, dict[str, str]]:
    """Rows in the file and the guessed mapping. Raises Invalid."""
    if kind == "leads":
        table = read_table(content)
        return len(table.rows), {str(k): v for k, v in rules.guess_mapping(table.headers).items()}
    patients, visits = tables(content)
    return len(patients.rows) + (len(visits.rows) if visits else 0), {}


async def _refuse_repeat(u: Unit, digest: str) -> None:
    done = await _row(u, "file_hash = :digest AND state = 'done'", digest=digest)
    if done is not None:
        raise Conflict(
            f"This very file was already imported on {done.finished_at:%-d %B %Y} as “{done.file_name}”"
            f" ({done.imported} people). Nothing was imported again.",
            batch_id=str(done.batch_id),
        )


async def _leads(u: Unit, row: Any, confirmed: ConfirmImport) -> tuple[dict[str, int], list[Problem]]:
    table = read_table(_file(u, row))
    mapping = confirmed.mapping or row.mapping
    confirmed = ConfirmImport.model_validate({**confirmed.model_dump(), "mapping": mapping})
    wrong = rules.mapping_problems(confirmed.mapping, table.headers)
    if "consent" in confirmed.mapping and confirmed.consent is None:
        wrong.append("Say which channels the consent column covers, and how and when consent was given.")
    if confirmed.consent and confirmed.consent.date > u.now.date():
        wrong.append("The date of consent lies in the future.")
    if wrong:
        raise Invalid(" ".join(wrong), [{"problem": sentence} for sentence in wrong])
    reader = LeadReader(confirmed, row.file_name, u.now)
    # Off the event loop: a hundred thousand rows of phone numbers take a while.
    reading = await asyncio.to_thread(reader.read, table.records())
    await write_leads(u, reading, confirmed, row.file_name)
    counts = {
        "imported": len(reading.leads), "duplicates": reading.duplicates, "errors": reading.errors,
        "warnings": reading.warned_rows,
    }  # fmt: skip
    return counts, list(reading.problems.values())


async def _patients(u: Unit, row: Any) -> tuple[dict[str, int], list[Problem]]:
    found = read_patients(*tables(_file(u, row)), u.now, row.file_name)
    people, known = await write_patients(u, found)
    counts = {"imported": people, "duplicates": known, "errors": found.errors, "warnings": 0}
    return counts, found.problems


async def _keep_problems(u: Unit, batch_id: UUID, problems: list[Problem]) -> None:
    if problems:
        await u.execute(
            "INSERT INTO platform.import_error (practice_id, batch_id, row_number, field, severity, problem)"
            " SELECT :practice, :batch, row_number, field, severity, problem"
            " FROM jsonb_populate_recordset(NULL::platform.import_error, CAST(:rows AS jsonb))",
            practice=u.practice_id, batch=batch_id, rows=orjson.dumps(problems).decode(),
        )  # fmt: skip


async def _row(u: Unit, where: str, *more: str, **values: Any) -> Any:
    columns = ", ".join((COLUMNS, *more))
    found = await u.execute(
        f"SELECT {columns} FROM platform.import_batch WHERE practice_id = :practice AND {where}"
        " ORDER BY created_at DESC LIMIT 1",
        practice=u.practice_id,
        **values,
    )
    return found.one_or_none()


def _file(u: Unit, row: Any) -> bytes:
    """The file of a batch that waits for its import. Raises SealBroken."""
    return u.keyring.lasting.open(bytes(row.content), place=_place(row.batch_id))


def _place(batch_id: UUID) -> str:
    return f"import_batch.content:{batch_id}"


def _batch(row: Any, content: bytes | None) -> ImportBatch:
    """A row as callers see it; headers and sample only while the file is still there."""
    known: dict[str, Any] = {key: value for key, value in row._mapping.items() if key != "content"}
    if content is not None and row.state == "uploaded":
        table = read_table(content) if row.kind == "leads" else tables(content)[0]
        known |= {"headers": table.headers, "sample": table.rows[:SAMPLE], "read_as": table.read_as}
    return ImportBatch.model_validate(known)
