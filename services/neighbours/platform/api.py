"""The platform's HTTP API: imports, people search, the simulator. For the portal, on loopback or TLS.

Every call carries the bearer token both sides derive from the root secret; who the person is and
what they may do was decided by the portal before it called.
"""

import hmac
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Form, Header, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from services.contracts.platform_api import (
    ConfirmImport,
    ContactHit,
    EraseContact,
    ImportBatch,
    ImportDetail,
    ImportKind,
    LeadRows,
    Rectify,
    Settled,
    Simulate,
    Simulated,
    Unconfirmed,
)
from services.kit.actor import system
from services.kit.crypto import Keyring
from services.kit.errors import AppError, NotSignedIn
from services.kit.uow import UnitOfWork
from services.neighbours.platform import rights, search
from services.neighbours.platform.imports import service as imports
from services.neighbours.platform.imports import unconfirmed
from services.neighbours.platform.simulator.service import simulate

MEDIA = "application/problem+json"


def token(keyring: Keyring) -> str:
    """The bearer token of this installation's platform API."""
    return keyring.sign("platform-api", b"v1")


def create_api(uow: UnitOfWork, *, wake: Callable[[], None] = lambda: None) -> FastAPI:
    """The application. `wake` is called after each change, so that the relay need not be waited for."""
    expected = token(uow.keyring)

    def guard(authorization: Annotated[str, Header()] = "") -> None:
        given = authorization.removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise NotSignedIn("The Practice Platform does not know this caller.")

    api = FastAPI(title="Practice Platform", version="1", docs_url=None, redoc_url=None)
    api.add_exception_handler(AppError, _problem)
    api.add_exception_handler(RequestValidationError, _malformed)
    guarded = [Depends(guard)]

    @api.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @api.post("/imports", dependencies=guarded)
    async def upload(
        file: list[UploadFile],
        kind: Annotated[ImportKind, Form()],
        practice_id: Annotated[UUID, Form()],
        uploaded_by: Annotated[str, Form(max_length=200)],
    ) -> ImportBatch:
        imports.check_size(sum(one.size or 0 for one in file))
        files = [(_name(one.filename), await one.read()) for one in file]
        async with uow(system(practice_id, "platform")) as u:
            return await imports.upload(u, kind=kind, files=files, uploaded_by=uploaded_by)

    @api.post("/imports/{batch_id}/confirm", dependencies=guarded)
    async def confirm(batch_id: UUID, practice_id: UUID, confirmed: ConfirmImport) -> ImportDetail:
        async with uow(system(practice_id, "platform")) as u:
            detail = await imports.confirm(u, batch_id, confirmed)
        wake()
        return detail

    @api.post("/imports/rows", dependencies=guarded)
    async def rows(given: LeadRows) -> ImportDetail:
        async with uow(system(given.practice_id, "platform")) as u:
            detail = await imports.import_rows(u, given)
        wake()
        return detail

    @api.get("/imports", dependencies=guarded)
    async def batches(practice_id: UUID) -> list[ImportBatch]:
        async with uow(system(practice_id, "platform")) as u:
            return await imports.page(u)

    @api.get("/imports/unconfirmed", dependencies=guarded)
    async def unconfirmed_files(before: AwareDatetime) -> list[Unconfirmed]:
        return await unconfirmed.older(uow, before)

    @api.delete("/imports/unconfirmed", dependencies=guarded)
    async def forget_unconfirmed(practice_id: UUID, before: AwareDatetime) -> int:
        async with uow(system(practice_id, "platform")) as u:
            return await unconfirmed.forget(u, before)

    @api.get("/imports/{batch_id}", dependencies=guarded)
    async def batch(batch_id: UUID, practice_id: UUID) -> ImportDetail:
        async with uow(system(practice_id, "platform")) as u:
            return await imports.get(u, batch_id)

    @api.get("/contacts/search", dependencies=guarded)
    async def contacts(practice_id: UUID, q: str = "", kind: str = "", limit: int = 20) -> list[ContactHit]:
        async with uow(system(practice_id, "platform")) as u:
            return await search.contacts(u, q, kind=kind, limit=limit)

    @api.post("/simulate", dependencies=guarded)
    async def happen(asked: Simulate) -> Simulated:
        async with uow(system(asked.practice_id, "platform")) as u:
            done = await simulate(u, asked)
        wake()
        return done

    @api.post("/contacts/rectify", dependencies=guarded)
    async def rectify(asked: Rectify) -> Settled:
        async with uow(system(asked.practice_id, "platform")) as u:
            return await rights.rectify(u, asked)

    @api.post("/contacts/erase", dependencies=guarded)
    async def erase(asked: EraseContact) -> Settled:
        async with uow(system(asked.practice_id, "platform")) as u:
            done = await rights.erase(u, asked)
        wake()
        return done

    return api


def _name(file_name: str | None) -> str:
    """The file's own name without folders, short enough to show."""
    return (file_name or "file").replace("\\", "/").rpartition("/")[2][-120:]


async def _problem(_: Request, error: Exception) -> JSONResponse:
    """RFC 9457: what is wrong, in words, with our code and the details the caller may need."""
    if not isinstance(error, AppError):
        raise error
    body = {
        "type": f"about:{error.code}", "title": error.code.replace("_", " ").capitalize(),
        "status": error.status, "detail": error.message, "code": error.code, **error.details,
    }  # fmt: skip
    return JSONResponse(body, status_code=error.status, media_type=MEDIA)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    problems = [{"field": ".".join(map(str, e["loc"][1:])), "problem": e["msg"]} for e in found]
    sentence = "; ".join(f"{p['field']}: {p['problem']}" for p in problems) or "The request is malformed."
    body = {
        "type": "about:invalid", "title": "Invalid", "status": 422, "detail": sentence,
        "code": "invalid", "problems": problems,
    }  # fmt: skip
    return JSONResponse(body, status_code=422, media_type=MEDIA)
