"""Structured logs: one JSON object a line, or coloured text on a terminal; secrets never pass.

Everything the process logs goes through here, the libraries' own `logging` records and tracebacks
included. Redaction is by key name, by shape of the value, and by the exact values a process knows
to be secret (`hide`). D28: secrets never enter a log; D2: no personal data either.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

SECRET_KEY = re.compile(
    r"passw|secret|token|authori[sz]ation|cookie|api_?key|totp|otp\b|private|credential|signature|keyring|data_?keys?",
    re.IGNORECASE,
)
PERSONAL_KEY = re.compile(
    r"^(phone|mobile|(first|last|full|display)_name|date_of_birth|birth_date|dob"
    r"|(postal|street|email|to)_address|postcode|recipient|destination|subject|body)$",
    re.IGNORECASE,
)
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@"), r"\1[secret]@"),
    (re.compile(r"(?i)([?&](?:key|sig|signature|token|code)=)[^&\s]+"), r"\1[secret]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [secret]"),
    (re.compile(r"\bwhsec_[\w+/=-]+"), "[secret]"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), "[secret]"),
    # Keys may be several with commas between: all of them go.
    (re.compile(r"(?i)\b((?:cm_)?(?:secret_key|data_keys)['\"]?\s*[=:]\s*['\"]?)[^\s'\";}]+"), r"\1[secret]"),
    (
        re.compile(r"(?i)\b(password|secret|token|api_?key)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;}]+"),
        r"\1\2[secret]",
    ),
    # Random text of 256 bits or more. Plain lower-case hex stays: content references are hashes.
    (re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{40,}(?![\w-])"), "[secret]"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "[email]"),
    (re.compile(r"(?<![\w.])\+\d[\d\s().-]{6,}\d"), "[phone]"),
    (re.compile(r"(?<![\w.:-])0\d{2,4}[ -]?\d{3}[ -]?\d{3,4}(?![\w:-])"), "[phone]"),
)

CHATTY = ("apscheduler", "httpx", "httpcore", "asyncio", "alembic", "sqlalchemy.engine")
"""Libraries that tell every step they take: only their warnings are kept, unless debugging."""

_hidden: set[str] = set()


def hide(*values: str | None) -> None:
    """Never log these exact values again (root key, passwords of servers); short ones are ignored."""
    _hidden.update(value for value in values if value and len(value) >= 6)


def redact(value: Any, key: str = "") -> Any:
    """A copy of `value` that is safe to log. `key` is the name it is logged under."""
    if key and SECRET_KEY.search(key):
        return "[secret]"
    if key and PERSONAL_KEY.match(key):
        return "[personal]"
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _redact_text(value)
        case bytes():
            return f"[{len(value)} bytes]"
        case Mapping():
            return {str(k): redact(v, str(k)) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redact(item) for item in value]
    return _redact_text(str(value))


def _redact_text(text: str) -> str:
    for secret in _hidden:
        text = text.replace(secret, "[secret]")
    for shape, stand_in in SHAPES:
        text = shape.sub(stand_in, text)
    return text


PLAIN = frozenset({"event", "level", "timestamp", "logger", "process", "exception", "stack"})


def _redact_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {k: redact(v, "" if k in PLAIN else k) for k, v in event.items() if not k.startswith("_")}


def configure(
    process: str, *, level: str = "info", as_json: bool | None = None, stream: TextIO | None = None
) -> None:
    """Set logging up for this process, once, before anything logs.

    `process` names it in every line (web, engine, hub, platform). `as_json` None means JSON unless
    the stream is a terminal.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if as_json is None else as_json
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _named(process),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact_event]
    last.append(structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=last,
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _named(process: str) -> Processor:
    def name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return name


def logger(name: str = "cm") -> structlog.stdlib.BoundLogger:
    """A logger; call as `logger(__name__).info("what happened", figure=3)`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


@contextmanager
def context(**values: Any) -> Iterator[None]:
    """Every line logged inside carries these (request_id, practice_id, job …)."""
    with bound_contextvars(**{key: str(value) for key, value in values.items()}):
        yield
