"""Imports over HTTP: files go to the Practice Platform, which owns people (D3, AUD-7).

Two steps: an upload is read and answered with what its columns seem to mean; confirming imports it. Rows hold
personal data: only their headers leave this API, and a row's problems name the column, not the value.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from pydantic import BaseModel

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route, accepts
from cm_app.api.security import Caller, caller
from services.contracts.envelope import Strict
from services.contracts.platform_api import (
    ConfirmImport,
    ConsentDeclaration,
    ImportBatch,
    ImportKind,
    ImportProblem,
    ImportState,
    LeadField,
)
from services.imports import service as imports
from services.imports.service import LARGEST

router = APIRouter(prefix="/api/v1/imports", tags=["Imports"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]


class Batch(BaseModel):
    """One file. `mapping` is field → column header, as guessed or confirmed."""

    batch_id: UUID
    kind: ImportKind
    state: ImportState
    file_name: str
    uploaded_by: str
    confirmed_by: str
    created_at: datetime
    finished_at: datetime | None
    total_rows: int
    imported: int
    duplicates: int
    errors: int
    warnings: int
    headers: list[str]
    mapping: dict[str, str]
    read_as: str


class BatchDetail(BaseModel):
    batch: Batch
    problems: list[ImportProblem]


class Confirmation(Strict):
    """An empty `mapping` means the guessed one. Without `consent` nobody imported may be marketed to."""

    mapping: dict[LeadField, str] = {}
    consent: ConsentDeclaration | None = None


@router.get("")
async def page(who: Reader, pages: Pages) -> Page[Batch]:
    """List imported files, the newest first."""
    found = [_shown(batch) for batch in await imports.batches(who.app, who.actor)]
    return paging.of_list(who, "imports", found, pages, lambda batch: batch.batch_id)


@router.post("", status_code=201)
@accepts("multipart/form-data", most=LARGEST)
async def upload(
    who: Author,
    response: Response,
    file: Annotated[
        list[UploadFile], File(description="CSV, or the files of a Synthea export.", max_length=20)
    ],
    kind: Annotated[ImportKind, Form()] = "leads",
) -> Batch:
    """Upload a file. Nothing is imported until it is confirmed."""
    files = [(one.filename or "upload.csv", await one.read()) for one in file]
    async with who.unit("imports"):
        made = await imports.upload(who.app, who.actor, kind, files)
    response.headers["Location"] = f"/api/v1/imports/{made.batch_id}"
    return _shown(made)


@router.get("/{batch_id}")
async def one(batch_id: UUID, who: Author) -> BatchDetail:
    """Read an import with the problems of its rows."""
    found = await imports.batch(who.app, who.actor, batch_id)
    return BatchDetail(batch=_shown(found.batch), problems=found.problems)


@router.post("/{batch_id}/confirm")
async def confirm(batch_id: UUID, who: Author, given: Confirmation) -> BatchDetail:
    """Confirm an import: its rows become people, with the consent that somebody declares for them."""
    wanted = ConfirmImport(mapping=given.mapping, consent=given.consent)
    async with who.unit("imports"):
        found = await imports.confirm(who.app, who.actor, batch_id, wanted)
    return BatchDetail(batch=_shown(found.batch), problems=found.problems)


def _shown(batch: ImportBatch) -> Batch:
    return Batch.model_validate(batch, from_attributes=True)
