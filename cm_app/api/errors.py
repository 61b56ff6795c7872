"""Every error of the API as an RFC 9457 problem: a code, a status, a sentence that helps."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from cm_app.api.routing import rate_headers
from services.kit.errors import AppError
from services.kit.rates import Standing, TooMany

log = structlog.get_logger()
CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "That cannot be done",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "In conflict with what is there",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not in this form",
    422: "Not valid",
    428: "A condition is missing",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Not available now",
}


RESERVED = frozenset({"type", "title", "status", "detail", "instance", "code", "headers"})


def install(api: FastAPI) -> None:
    """Answer every kind of failure as a problem."""
    api.add_exception_handler(AppError, _app_error)
    api.add_exception_handler(RequestValidationError, _validation_error)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(Exception, _unexpected)


def problem(
    request: Request,
    status: int,
    code: str,
    sentence: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """`type` is a stable name for the code; `detail` says in words what to do; `errors` where."""
    body = {
        "type": f"urn:campaign-manager:problem:{code}",
        "title": TITLES.get(status, "That did not work"),
        "status": status,
        "detail": sentence,
        "instance": request.url.path,
        "code": code,
        **more,
    }
    return JSONResponse(
        jsonable_encoder(body),
        status_code=status,
        media_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", **rate_headers(request), **(headers or {})},
    )


async def _app_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    if error.status == 503:
        log.warning("request.unavailable", path=request.url.path, code=error.code)
    elif error.status >= 500:
        log.error("request.failed", path=request.url.path, code=error.code, exc_info=error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    more = {name: value for name, value in error.details.items() if name not in RESERVED}
    if isinstance(error, TooMany):
        standing: Standing = more.pop("standing")
        headers = {
            "Retry-After": str(standing.seconds),
            "RateLimit-Policy": standing.policy.words,
            "RateLimit": standing.words,
        }
    if found := more.pop("problems", None):
        more["errors"] = [_error(one) for one in found]
    return problem(request, error.status, error.code, error.message, headers=headers, **more)


def _error(found: Any) -> dict[str, Any]:
    """One wrong thing of an `Invalid`: where (a JSON pointer, a parameter or a header) and what."""
    if not isinstance(found, dict):
        return {"detail": str(found)}
    rest = {name: value for name, value in found.items() if name not in ("field", "message", "problem")}
    detail = str(found.get("message") or found.get("problem") or "")
    if (name := found.get("field")) is not None:
        rest = {"pointer": _pointer(str(name).split(".")), **rest}
    return {"detail": detail, **rest}


def _pointer(parts: Sequence[object]) -> str:
    """A JSON pointer as a URI fragment (RFC 6901 §6)."""
    return "#" + "".join(
        "/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts if part != ""
    )


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The input itself stays out of the answer: it may hold a password or personal data.
    return problem(
        request,
        422,
        "invalid",
        "Some of what was sent is not valid. `errors` says where; correct it and send it again.",
        errors=[_found(one["loc"], str(one["msg"])) for one in error.errors()],
    )


def _found(loc: Sequence[object], message: str) -> dict[str, Any]:
    where, *rest = loc
    if where == "body":
        return {"pointer": _pointer([part for part in rest if not _is_tag(part)]), "detail": message}
    name = {"query": "parameter", "path": "parameter"}.get(str(where), str(where))
    return {name: ".".join(str(part) for part in rest), "detail": message}


def _is_tag(part: object) -> bool:
    """Pydantic names the member of a union it tried; that is no place in the document."""
    return isinstance(part, str) and ("[" in part or "(" in part)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {400: "invalid_body", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(
        error.status_code, "error"
    )
    sentence = {
        400: "The body could not be read. Send what the description of this address asks for.",
        404: "There is nothing at this address. Check it against the API's description.",
        405: "This address exists, but not for this method. Allow names those it has.",
    }.get(error.status_code, str(error.detail))
    return problem(request, error.status_code, code, sentence, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.broke", path=request.url.path, exc_info=error)
    return problem(
        request, 500, "broken", "Something broke on our side, and it is in the log. Please try again."
    )
