"""Every error of the API as an RFC 9457 problem: a code, a status, a sentence that helps."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.kit.errors import AppError

log = structlog.get_logger()
CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "That cannot be done",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "In conflict with what is there",
    413: "Too large",
    422: "Not valid",
    428: "A condition is missing",
    429: "Too many attempts",
    500: "Something broke on our side",
    503: "Not available now",
}


def install(api: FastAPI) -> None:
    """Answer every kind of failure as a problem."""
    api.add_exception_handler(AppError, _app_error)
    api.add_exception_handler(RequestValidationError, _validation_error)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(Exception, _unexpected)


def problem(
    status: int, code: str, sentence: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """`type` is a stable name for the code; `detail` is written for people."""
    body = {
        "type": f"urn:campaign-manager:problem:{code}",
        "title": TITLES.get(status, "That did not work"),
        "status": status,
        "detail": sentence,
        "code": code,
        **more,
    }
    return JSONResponse(
        jsonable_encoder(body), status_code=status, media_type=CONTENT_TYPE, headers=dict(headers or {})
    )


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    if error.status >= 500:
        log.error("request.failed", path=request.url.path, code=error.code, exc_info=error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    reserved = {"type", "title", "status", "detail", "code", "headers"}
    more = {name: value for name, value in error.details.items() if name not in reserved}
    return problem(error.status, error.code, error.message, headers=headers, **more)


async def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The input itself stays out of the answer: it may hold a password or personal data.
    problems = [
        {"field": ".".join(str(part) for part in found["loc"][1:]), "message": found["msg"]}
        for found in error.errors()
    ]
    return problem(422, "invalid", "Some of what was sent is not valid; see problems.", problems=problems)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
    sentence = {
        404: "There is nothing at this address. Check it against the API's description.",
        405: "This address exists, but not for this method.",
    }.get(error.status_code, str(error.detail))
    return problem(error.status_code, code, sentence, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.broke", path=request.url.path, exc_info=error)
    return problem(500, "broken", "Something broke on our side, and it is in the log. Please try again.")
