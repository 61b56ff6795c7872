"""The API's description as a page shows it: rows by tag, and one operation in full. Nothing here is asked of
anybody: what comes in is the OpenAPI document that this process serves."""

import json
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.access.rules import KEY_SCOPES

METHODS = ("get", "post", "put", "patch", "delete")
TONES = {"get": "info", "post": "ok", "put": "warn", "patch": "warn", "delete": "danger"}
PLACES = {"path": "in the address", "query": "in the query", "header": "header", "cookie": "cookie"}
KEY = '"Authorization: Bearer $CM_API_KEY"'
"""A key is named, never shown: what is copied here is pasted into tickets and scripts."""
SESSION = '"cm_session=$CM_SESSION"'
SIGNATURE = (
    '-H "webhook-id: $WEBHOOK_ID"', '-H "webhook-timestamp: $WEBHOOK_TIMESTAMP"',
    '-H "webhook-signature: $WEBHOOK_SIGNATURE"',
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """A row. `key` is the operation's id in the document; `permission` in the document's own words."""

    key: str
    method: str
    tone: str
    path: str
    summary: str
    permission: str


@dataclass(frozen=True)
class Group:
    name: str
    count: str
    operations: list[Operation]


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str
    kind: str
    needed: bool
    says: str


@dataclass(frozen=True)
class Refusal:
    status: str
    code: str
    says: str


@dataclass(frozen=True)
class Detail:
    """One operation in full; an empty text is nothing to show. `people_only`: no API key may do it."""

    says: str
    people_only: bool
    parameters: list[Parameter]
    takes: str
    request: str
    fields: list[Parameter]
    answers: str
    response: str
    problems: list[Refusal]
    curl: str


class Description:
    """Reads one OpenAPI document. `address` is the portal's, for the curl lines."""

    def __init__(self, document: dict[str, Any], address: str = "") -> None:
        self._document, self._address = document, address
        self._found = {
            operation["operationId"]: (method, path, operation)
            for path, methods in document.get("paths", {}).items()
            for method, operation in methods.items()
            if method in METHODS
        }
        self._rows = [self._row(*one) for one in self._found.values()]
        self._words = {row.key: self._searched(row) for row in self._rows}

    @property
    def count(self) -> int:
        return len(self._found)

    def groups(self, looking: str = "") -> list[Group]:
        """By tag, in the document's order; only operations in which every word of `looking` occurs."""
        wanted = looking.lower().split()
        by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in self._document.get("tags", [])}
        for row in self._rows:
            if all(word in self._words[row.key] for word in wanted):
                by_tag.setdefault(self._found[row.key][2]["tags"][0], []).append(row)
        return [Group(tag, str(len(rows)), rows) for tag, rows in by_tag.items() if rows]

    def detail(self, key: str) -> Detail | None:
        """None when the document has no such operation."""
        if key not in self._found:
            return None
        method, path, operation = self._found[key]
        kind, body = self._body(operation)
        status, media, answer = _answer(operation)
        return Detail(
            says=_without_permission(operation), people_only=_people_only(operation),
            parameters=[self._parameter(one) for one in _parameters(operation)],
            takes=kind, request=_shown(body.get("example")) if kind else "",
            fields=self._fields(body.get("schema", {})),
            answers=" ".join(part for part in (status, media) if part), response=_shown(answer),
            problems=[self._refusal(s) for s in operation["responses"] if s[0] in "45"],
            curl=self._curl(method, path, operation, kind, body.get("example")),
        )  # fmt: skip

    def _row(self, method: str, path: str, operation: dict[str, Any]) -> Operation:
        return Operation(
            operation["operationId"], method.upper(), TONES[method], path, _plain(operation["summary"]),
            _permission(operation),
        )  # fmt: skip

    def _searched(self, row: Operation) -> str:
        operation = self._found[row.key][2]
        said = (
            row.method, row.path, row.summary, row.permission, operation["tags"][0], operation.get("description", ""),
        )  # fmt: skip
        return " ".join(said).lower()

    def _of(self, schema: dict[str, Any]) -> dict[str, Any]:
        name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
        return self._document["components"]["schemas"].get(name, {}) if name else schema

    def _body(self, operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        content = operation.get("requestBody", {}).get("content", {})
        kind = next(iter(content), "")
        return kind, content.get(kind, {})

    def _parameter(self, one: dict[str, Any]) -> Parameter:
        says = one.get("description", "")
        needed = bool(one.get("required")) or "Needed." in says
        return Parameter(
            one["name"], PLACES[one["in"]], self._kind(one.get("schema", {})), needed,
            _plain(says.replace("Needed.", "").strip()),
        )  # fmt: skip

    def _fields(self, schema: dict[str, Any]) -> list[Parameter]:
        whole = self._of(schema)
        needed = whole.get("required", [])
        return [
            Parameter(name, "", self._kind(one), name in needed, _plain(one.get("description", "")))
            for name, one in whole.get("properties", {}).items()
        ]

    def _kind(self, schema: dict[str, Any]) -> str:
        """What a value may be, in words: `date-time`, `list of text`, `one of: a, b`."""
        if "$ref" in schema:
            inner = self._of(schema)
            return self._kind(inner) if "enum" in inner else _named(schema["$ref"])
        choices = schema.get("anyOf") or schema.get("oneOf") or []
        several = [self._kind(x) for x in choices if x.get("type") != "null"]
        if several:
            return " or ".join(dict.fromkeys(several))
        if "enum" in schema or "const" in schema:
            return "one of: " + ", ".join(map(str, schema.get("enum", [schema.get("const")])))
        if schema.get("type") == "array":
            return f"list of {self._kind(schema.get('items', {}))}"
        plain = {"string": "text", "integer": "whole number", "boolean": "true or false"}
        kind = schema.get("type", "anything")
        said = str(schema.get("format") or plain.get(kind, kind))
        least, most = schema.get("minimum"), schema.get("maximum")
        return f"{said}, {least:g} to {most:g}" if least is not None and most is not None else said

    def _refusal(self, status: str) -> Refusal:
        answer = self._document["components"]["responses"].get(f"Problem{status}", {})
        media = next(iter(answer.get("content", {}).values()), {})
        code = media.get("example", {}).get("code", "")
        return Refusal(status, code, _plain(answer.get("description", "")))

    def _curl(self, method: str, path: str, operation: dict[str, Any], kind: str, body: Any) -> str:
        parts = [f"curl -X {method.upper()} {shlex.quote(self._address + _filled(path, operation))}"]
        if _signed(operation):
            parts += SIGNATURE
        elif operation.get("x-permissions") is not None:
            parts.append(f"-b {SESSION}" if _people_only(operation) else f"-H {KEY}")
        parts += [
            f"-H {shlex.quote('If-Match: *')}"
            for one in _parameters(operation)
            if one["name"].lower() == "if-match" and "Needed." in one.get("description", "")
        ]
        return " \\\n  ".join([*parts, *_data(kind, body)])


def _parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """A session's cookie is how somebody signs in, not what an operation takes."""
    return [one for one in operation.get("parameters", []) if one["in"] != "cookie"]


def _permission(operation: dict[str, Any]) -> str:
    needed = operation.get("x-permissions")
    if needed is None:
        return "signed" if _signed(operation) else "open"
    return " or ".join(needed) or "signed in"


def _signed(operation: dict[str, Any]) -> bool:
    return operation["operationId"] == "events_ingress"


def _people_only(operation: dict[str, Any]) -> bool:
    """Every permission it could be done with is one that no API key may hold."""
    needed = operation.get("x-permissions")
    return bool(needed) and not KEY_SCOPES.intersection(needed)


def _without_permission(operation: dict[str, Any]) -> str:
    """What it says of itself, without the sentence about permissions that the page shows beside it."""
    said = str(operation.get("description", "")).split("\n\n")
    return _plain(" ".join(part for part in said if not part.startswith(("Needs `", "For whoever"))))


def _plain(said: str) -> str:
    """Without Markdown's marks, which a page would show as they are."""
    return said.replace("`", "").replace("**", "")


def _named(reference: str) -> str:
    """A schema's own name: what FastAPI adds to tell two of a name apart is nobody's business."""
    return reference.rsplit("/", 1)[-1].rsplit("__", 1)[-1].removesuffix("-Input").removesuffix("-Output")


def _answer(operation: dict[str, Any]) -> tuple[str, str, Any]:
    """(status, content type, example) of what it answers when all is well."""
    status = min(s for s in operation["responses"] if s[0] in "23")
    content = operation["responses"][status].get("content", {})
    kind = next(iter(content), "")
    return status, kind, content.get(kind, {}).get("example")


def _shown(example: Any) -> str:
    if example is None or example == {}:
        return ""
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)


def _filled(path: str, operation: dict[str, Any]) -> str:
    """The address with the examples of what it needs in it."""
    asked = []
    for one in _parameters(operation):
        given = str(one.get("example", ""))
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", quote(given, safe=""))
        elif one["in"] == "query" and one.get("required"):
            asked.append(f"{one['name']}={quote(given, safe='')}")
    return path + ("?" + "&".join(asked) if asked else "")


def _data(kind: str, body: Any) -> list[str]:
    """The options of curl that send the example of a body."""
    if not kind:
        return []
    if kind == "multipart/form-data" and isinstance(body, dict):
        return [
            "-F " + shlex.quote(f"{name}=@leads.csv" if isinstance(given, list) else f"{name}={given}")
            for name, given in body.items()
        ]
    said = [f"-H {shlex.quote(f'Content-Type: {kind}')}"]
    if isinstance(body, str):
        return [*said, "--data-binary @entries.csv"]
    return [*said, f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
