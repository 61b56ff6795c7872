"""Importing leads: a file, the columns it has, what the importer states about consent, the result."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import reflex as rx
from pydantic import ValidationError

from services.bootstrap import app
from services.contracts.platform_api import (
    FIELD_LABELS,
    ConfirmImport,
    ConsentDeclaration,
    ImportBatch,
    ImportDetail,
)
from services.imports import service as imports
from services.kit.errors import AppError, Invalid
from state import words
from state.session import Session, changed, explain, permitted, uuid_of

FIELDS: list[list[str]] = [["", "Leave it out"], *([key, label] for key, label in FIELD_LABELS.items())]
STATES: dict[str, tuple[str, words.Tone]] = {
    "uploaded": ("To be confirmed", "warn"),
    "done": ("Imported", "ok"),
    "failed": ("Failed", "danger"),
}
CHANNELS = ("email", "sms", "whatsapp", "in_app")


@dataclass(frozen=True)
class Column:
    """One column of the file: what it seems to mean, and what is in it."""

    index: int
    header: str
    field: str
    example: str


@dataclass(frozen=True)
class Batch:
    id: str
    file: str
    state: str
    tone: str
    when: str
    by: str
    imported: str
    duplicates: str
    errors: str


@dataclass(frozen=True)
class Problem:
    row: str
    field: str
    sentence: str
    tone: str


class Imports(rx.State):
    loading: bool = True
    batches: list[Batch] = []
    step: str = "file"  # file → columns → result
    busy: bool = False

    batch_id: str = ""
    file: str = ""
    read_as: str = ""
    total: str = ""
    columns: list[Column] = []
    declared: bool = False

    imported: str = ""
    duplicates: str = ""
    errors: str = ""
    consent_words: str = ""
    problems: list[Problem] = []

    @rx.event
    async def load(self) -> None:
        self.step, self.busy = "file", False
        await self._read()

    @rx.event
    async def upload(self, files: list[rx.UploadFile]) -> Any:
        """One CSV file; the answer is a guess at its columns."""
        actor = await permitted(self, "author")
        if not files:
            return
        self.busy = True
        yield
        try:
            content = await files[0].read()
            if len(content) > imports.LARGEST:
                raise Invalid("This file is larger than 50 MB. Split it, or use the command line.")
            found = await imports.upload(app(), actor, "leads", [(files[0].name or "leads.csv", content)])
        except AppError as error:  # a raised one would leave the page waiting for ever
            self.busy = False
            yield explain(error)
            return
        self.busy = False
        self._columns(found)

    @rx.event
    async def open(self, batch_id: str) -> None:
        """Go on with a file that waits for confirmation, or look at a result again."""
        actor = await permitted(self, "author")
        found = await imports.batch(app(), actor, uuid_of(batch_id))
        if found.batch.state == "uploaded":
            self._columns(found.batch)
        else:
            self._result(found)

    @rx.event
    def map(self, index: int, key: str) -> None:
        """Say what a column means; a meaning belongs to one column only."""
        if key and key not in FIELD_LABELS:
            return
        self.columns = [
            Column(
                c.index, c.header, key if c.index == index else ("" if c.field == key else c.field), c.example
            )
            for c in self.columns
        ]

    @rx.event
    def declare(self, on: bool) -> None:
        self.declared = on

    @rx.event
    async def back(self) -> None:
        self.step = "file"
        await self._read()

    @rx.event
    async def confirm(self, form: dict[str, Any]) -> Any:
        """Import as mapped, with or without a declaration of consent."""
        actor = await permitted(self, "author")
        asked = ConfirmImport(
            mapping={c.field: c.header for c in self.columns if c.field},
            consent=_declaration(form) if self.declared else None,
        )
        self.busy = True
        yield
        try:
            found = await imports.confirm(app(), actor, uuid_of(self.batch_id), asked)
        except AppError as error:
            self.busy = False
            yield explain(error)
            return
        self.busy = False
        self._result(found)
        await changed(self, "people")
        yield rx.call_script("window.scrollTo(0, 0)")
        yield rx.toast.success(f"{words.plural(found.batch.imported, 'person', 'people')} imported.")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        found = await imports.batches(app(), await permitted(self, "author"))
        self.batches = [_batch(batch, zone) for batch in found]
        self.loading = False

    def _columns(self, batch: ImportBatch) -> None:
        guessed = {header: field for field, header in batch.mapping.items()}
        self.batch_id, self.file, self.read_as = str(batch.batch_id), batch.file_name, batch.read_as
        self.total, self.declared, self.step = words.plural(batch.total_rows, "row"), False, "columns"
        self.columns = [
            Column(n, header, guessed.get(header, ""), _example(batch.sample, n))
            for n, header in enumerate(batch.headers)
        ]

    def _result(self, found: ImportDetail) -> None:
        batch = found.batch
        self.file, self.step = batch.file_name, "result"
        self.imported, self.duplicates = words.count(batch.imported), words.count(batch.duplicates)
        self.errors = words.count(batch.errors)
        self.consent_words = _consent_words(batch.consent)
        self.problems = [
            Problem(words.count(p.row_number), words.plain(p.field), p.problem, _tone(p.severity))
            for p in found.problems[:500]
        ]


def _declaration(form: dict[str, Any]) -> ConsentDeclaration:
    channels = [channel for channel in CHANNELS if form.get(f"consent-{channel}")]
    try:
        return ConsentDeclaration(
            channels=channels,
            method=str(form.get("method", "")).strip(),
            date=date.fromisoformat(str(form.get("given_on", ""))),
            evidence=str(form.get("evidence", "")).strip(),
        )
    except (ValidationError, ValueError) as error:
        raise Invalid(
            "A declaration of consent needs at least one channel, how and when consent was given, "
            "and where the proof is kept."
        ) from error


def _batch(batch: ImportBatch, zone: str) -> Batch:
    state, tone = STATES[batch.state]
    return Batch(
        str(batch.batch_id), batch.file_name, state, tone, words.moment(batch.created_at, zone),
        batch.uploaded_by, words.count(batch.imported), words.count(batch.duplicates), words.count(batch.errors),
    )  # fmt: skip


def _example(sample: list[list[str]], column: int) -> str:
    found = [row[column] for row in sample if column < len(row) and row[column].strip()]
    return " · ".join(found[:2])[:80]


def _consent_words(consent: ConsentDeclaration | None) -> str:
    if consent is None:
        return "No declaration of consent: nobody is written to unless a column of the file says so."
    channels = ", ".join(words.CHANNELS[c] for c in consent.channels)
    return f"Consent declared for {channels}: {consent.method}, {consent.date:%d %b %Y}. {consent.evidence}"


def _tone(severity: str) -> words.Tone:
    return {"error": "danger", "warning": "warn"}.get(severity, "neutral")  # type: ignore[return-value]
