"""The API's description (OpenAPI 3.1): what every route takes, gives and refuses, with examples.

What crosses all routes is said here once, from what the routes are made of: their permissions, parameters,
bodies and conditions. So a route cannot leave it out, and a test fails where words of its own are missing.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from cm_app.api import conditions
from cm_app.api.errors import TITLES
from cm_app.api.examples import ENVELOPE, example
from cm_app.api.routing import Accepts
from cm_app.api.security import Needs

PROBLEM = "application/problem+json"
WHY = {
    400: "The cursor is not of this list, or the body cannot be read.",
    401: "Nobody is signed in, or the API key is unknown or revoked.",
    403: "The permission is missing, a fresh one-time code is, or another site asked.",
    404: "It is not there, or belongs to another practice.",
    409: "It does not go with what is there; `code` says why.",
    412: "Somebody changed it since; nothing was overwritten.",
    413: "The body is too large.",
    415: "The body has another content type.",
    422: "Something that was sent is not valid; `errors` says what and where.",
    428: "`If-Match` is missing.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "Something broke on our side; it is in the log.",
    503: "A server or neighbour does not answer; nothing was changed.",
}
CODES = {
    400: "bad_cursor", 401: "not_signed_in", 403: "forbidden", 404: "not_found", 409: "conflict", 412: "stale",
    413: "too_large", 415: "unsupported_media_type", 422: "invalid", 428: "if_match_missing",
    429: "too_many_requests", 500: "broken", 503: "unavailable",
}  # fmt: skip
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An RFC 9457 problem. `code` is stable; `detail` says what to do.",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z_]+$"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "parameter": {"type": "string"},
                    "header": {"type": "string"},
                },
            },
        },
    },
}
LOGIN = {
    "type": "object",
    "required": ["login", "password"],
    "properties": {
        "login": {"type": "string"},
        "password": {"type": "string"},
        "next": {"type": "string"},
    },
}
CODE = {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}}
BODIES: dict[str, tuple[dict[str, Any], Any]] = {
    "sessions_sign_in": (LOGIN, {"login": "maya", "password": "a-long-password"}),
    "sessions_step_up": (CODE, {"code": "123456"}),
    "sessions_sign_out_form": ({"type": "object"}, {}),
    "events_ingress": ({"$ref": "#/components/schemas/Envelope"}, ENVELOPE),
    "suppression_take_file": ({"type": "string", "format": "binary"}, "email\nsomeone@example.com\n"),
}
"""Bodies that a handler reads itself."""
FILES = {
    "stored_stored": ("text/plain",),
    "prometheus_metrics": ("text/plain",),
    "proofs_files": ("application/zip",),
    "audit_export": ("application/jsonl", "text/csv"),
    "audit_the_verifier": ("text/x-python",),
}
LOCAL_TIME = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?$"
FORM_ANSWERS = ("sessions_sign_in", "sessions_step_up", "sessions_sign_out_form")
KEYLESS = ("Session", "QA mode", "Events")
"""Tags whose POSTs take no Idempotency-Key."""


def describe(made: FastAPI, routes: Sequence[APIRoute]) -> dict[str, Any]:
    """The document of `routes`; deterministic."""
    document = get_openapi(
        title=made.title,
        version=made.version,
        summary=made.summary,
        description="Rules that hold everywhere, such as errors, pages, tags and limits: docs/operate/api.md.",
        routes=made.routes,
    )
    schemas = document["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    # `Problem` is taken: that is what keeps a journey from being approved.
    schemas["ProblemDetails"] = PROBLEM_SCHEMA
    document["components"]["responses"] = {f"Problem{status}": _problem(status) for status in WHY}
    schemas.setdefault("Envelope", {"type": "object"})
    described = [
        (route, method, document["paths"][route.path_format][method])
        for route in routes
        for method in sorted(m.lower() for m in route.methods or ())
    ]
    for route, method, operation in described:
        _complete(route, method, operation, schemas)
    _local_times(document)
    _link(described, schemas)
    tags = dict.fromkeys(tag for _, _, operation in described for tag in operation["tags"])
    document["tags"] = [{"name": tag} for tag in tags]
    return document


def needs(route: APIRoute) -> tuple[str, ...] | None:
    """Permissions of which a caller must hold one; empty: whoever is signed in; None: everybody, or a
    check of its own (a signature, the QA key)."""
    found = [one.call for one in _every(route.dependant) if isinstance(one.call, Needs)]
    return tuple(found[0].permissions) if found else None


def operation_id(route: APIRoute) -> str:
    return f"{route.endpoint.__module__.rsplit('.', 1)[1]}_{route.endpoint.__name__}"


def words_of(route: APIRoute) -> tuple[str, str]:
    """(summary, description) of a route: the first sentence of its docstring, and the rest."""
    text = inspect.getdoc(route.endpoint) or ""
    first, _, rest = text.partition("\n\n")
    first = " ".join(first.split())
    cut = re.search(r"[.:] (?=[A-Z`])", first)
    summary, more = (first[: cut.start()], first[cut.end() :]) if cut else (first.rstrip("."), "")
    return summary, "\n\n".join(part for part in (more, " ".join(rest.split())) if part)


def _every(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _every(inner)


def _complete(route: APIRoute, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    name = operation_id(route)
    permissions = needs(route)
    summary, more = words_of(route)
    operation |= {"operationId": name, "summary": summary}
    operation["description"] = "\n\n".join(part for part in (more, _permission_words(permissions)) if part)
    if permissions is not None:
        operation["x-permissions"] = list(permissions)
    _body(route, name, operation, schemas)
    _parameters(route, method, operation, schemas, permissions)
    _answers(method, name, operation, schemas)
    for status in _refusals(route, method, operation, permissions):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _permission_words(permissions: tuple[str, ...] | None) -> str:
    if permissions is None:
        return "Takes no session and no key."
    if not permissions:
        return "For whoever is signed in."
    return f"Needs {' or '.join(f'`{one}`' for one in permissions)}."


def _body(route: APIRoute, name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    takes: Accepts | None = getattr(route.endpoint, "accepts", None)
    if name in BODIES and takes is not None:
        schema, given = BODIES[name]
        operation["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": schema, "example": given} for kind in takes.kinds},
        }
    for media in operation.get("requestBody", {}).get("content", {}).values():
        if "example" not in media:
            media["example"] = example(media["schema"], schemas)


def _parameters(
    route: APIRoute,
    method: str,
    operation: dict[str, Any],
    schemas: dict[str, Any],
    permissions: tuple[str, ...] | None,
) -> None:
    given = operation.setdefault("parameters", [])
    if method == "post" and permissions is not None and not set(route.tags) & set(KEYLESS):
        given.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
                "description": "A request sent again with its key is done once and answered alike for a day.",
            }
        )
    for one in given:
        if one["in"] == "cookie" or one.get("example") is not None:
            continue
        if one["in"] == "path" or one.get("required"):
            one["example"] = example(one["schema"], schemas, one["name"])
    if not given:
        del operation["parameters"]


def _answers(method: str, name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    for status, answer in answers.items():
        answer["description"] = {"204": "Done.", "303": "Sent on."}.get(status, "As asked.")
        if name in FILES:
            answer["content"] = {
                kind: {"schema": {"type": "string", "format": "binary"}, "example": "…"}
                for kind in FILES[name]
            }
        for media in answer.get("content", {}).values():
            media.setdefault("example", example(media.get("schema", {}), schemas))
        if method == "get" and status == "200":
            answer["headers"] = {"ETag": {"schema": {"type": "string"}, "description": "What was read."}}
    if name in FORM_ANSWERS:
        answers["303"] = {"description": "A form is sent on to a page."}
    if name == "followups_create":
        answers["200"] = {**answers["201"], "description": "Planned before under this `external_key`."}
    if name == "health_readyz":
        answers["503"] = {**answers["200"], "description": "Not ready; says what does not answer."}


def _refusals(
    route: APIRoute, method: str, operation: dict[str, Any], permissions: tuple[str, ...] | None
) -> list[int]:
    """The statuses of every problem that this route can answer with."""
    if "Health" in route.tags:
        return [401, 422] if operation_id(route) == "prometheus_metrics" else [422]
    calls = {one.call for one in _every(route.dependant)}
    found = {422, 429, 500}
    found |= {401, 403}
    if _has_cursor(operation):
        found |= {400}
    if "{" in route.path_format:
        found |= {404}
    if method != "get":
        found |= {404, 409}
    if "requestBody" in operation:
        found |= {400, 413, 415}
    if conditions.must_match in calls:
        found |= {412, 428}
    if conditions.may_match in calls:
        found |= {412} | ({428} if method == "post" and route.path_format.endswith("/steps") else set())
    if set(route.tags) & {"Imports", "QA mode", "Events"}:
        found |= {503}
    if set(route.tags) & {"Privacy", "Test messages"} or "oidc" in operation_id(route):
        found |= {503}
    if "oidc" in operation_id(route):
        found |= {404}  # no provider is set up
    if permissions is None and "Events" not in route.tags:
        found |= {400}
    return sorted(found)


def _has_cursor(operation: dict[str, Any]) -> bool:
    return any(one["name"] == "cursor" for one in operation.get("parameters", []))


def _problem(status: int) -> dict[str, Any]:
    shown = {
        "type": f"urn:campaign-manager:problem:{CODES[status]}",
        "title": TITLES[status],
        "status": status,
        "detail": WHY[status],
        "instance": "/api/v1/campaigns",
        "code": CODES[status],
    }
    answer: dict[str, Any] = {
        "description": WHY[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "example": shown}},
    }
    if status == 429:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer


def _local_times(node: Any) -> None:
    """Times of day are the practice's own and name no zone, which the format `time` would ask for."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _local_times(inner)
    if isinstance(node, dict) and node.get("format") == "time":
        del node["format"]
        node["pattern"] = LOCAL_TIME


def _link(described: list[tuple[APIRoute, str, dict[str, Any]]], schemas: dict[str, Any]) -> None:
    """From what makes an object to what reads, changes and acts on it."""
    for route, _, operation in described:
        made = operation["responses"].get("201", {}).get("content", {}).get("application/json")
        schema = made["schema"] if made else {}
        fields = schemas.get(str(schema.get("$ref", "")).rsplit("/", 1)[-1], {}).get("properties", {})
        links = {}
        for target, _, other in described:
            wanted = [one["name"] for one in other.get("parameters", []) if one["in"] == "path"]
            if len(wanted) == 1 and wanted[0] in fields and target.tags == route.tags:
                links[other["operationId"]] = {
                    "operationId": other["operationId"],
                    "parameters": {wanted[0]: f"$response.body#/{wanted[0]}"},
                }
        if links:
            operation["responses"]["201"]["links"] = links
