"""Logs carry what happened, never a secret or a person."""

import io
import json
import logging
import re

import pytest

from services.kit import telemetry
from services.kit.crypto import Keyring
from services.kit.data_keys import DataKeys
from services.kit.ids import new_id, new_token


@pytest.fixture
def stream():
    """The log of this test; pytest's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    telemetry.configure("test", stream=stream, as_json=True)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    telemetry._hidden.clear()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


TOKEN = new_token()
SECRETS = [
    ("password", "Tr0ub4dor"),
    ("session_token", "abc123def456"),
    ("Authorization", "Bearer abcdefgh12345678"),
    ("note", "Authorization: Bearer abcdefgh12345678"),
    ("url", "postgresql://cm_app:hunter2hunter2@db.internal/cm"),
    ("url", "redis://:hunter2hunter2@bus.internal:6379/0"),
    ("note", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("note", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"),
    pytest.param("note", f"opened with {TOKEN}Aa1", id="note-token"),
    ("note", "password=Tr0ub4dor and more"),
    ("nested", {"deep": [{"api_key": "k-123456789"}]}),
    ("note", "wrote to ada.byron@example.co.uk today"),
    ("note", "rang +44 7700 900123 twice"),
    ("note", "rang 07700900123 twice"),
    ("url", "http://127.0.0.1:3001/outbox/1?key=0123456789abcdef&page=2"),
    ("first_name", "Ada"),
    ("date_of_birth", "1815-12-10"),
]
NEVER = (
    "Tr0ub4dor", "abc123def456", "abcdefgh12345678", "hunter2", "MfKQ9r8G", "eyJhbGci", TOKEN,
    "k-123456789", "0123456789abcdef", "ada.byron", "7700", "Ada\"", "1815",
)  # fmt: skip


@pytest.mark.covers("GOV-6", "OPS-1")
@pytest.mark.parametrize(("key", "value"), SECRETS)
def test_a_secret_or_a_person_never_appears(stream, key: str, value):
    log = telemetry.logger()
    log.info("signed in", **{key: value})
    log.info(f"message with {key}={value}" if key == "password" else f"message with {value}")
    logging.getLogger("library").warning("it said %s", value if key == "note" else {key: value})
    try:
        raise RuntimeError(str(value) if key in ("note", "url") else str({key: value}))
    except RuntimeError:
        log.exception("failed")
    # Microseconds may spell any four digits; nothing secret is in a timestamp.
    logged = re.sub(r'"timestamp": ?"[^"]*"', "", stream.getvalue())
    bare = key in ("note", "url", "password")  # a bare name or number alone cannot be known
    for secret in NEVER:
        if bare or secret not in json.dumps(value):
            assert secret not in logged
    assert secret_free(lines(stream)[0])


def secret_free(line: dict) -> bool:
    told = json.dumps({key: value for key, value in line.items() if key != "timestamp"})
    return not any(secret in told for secret in NEVER)


def test_a_known_secret_is_hidden_wherever_it_turns_up(stream):
    telemetry.hide("correct horse battery")
    telemetry.logger().info("it was correct horse battery staple")
    assert "correct horse" not in stream.getvalue()


def test_what_helps_is_kept(stream):
    campaign, practice = new_id(), new_id()
    with telemetry.context(practice_id=practice, request_id="r-1"):
        telemetry.logger().info(
            "dispatched",
            campaign_id=campaign,
            rows=5000,
            content_ref="ab" * 32,
            address="http://127.0.0.1:3001",
        )
    (line,) = lines(stream)
    assert line["campaign_id"] == str(campaign)
    assert line["practice_id"] == str(practice)
    assert (line["rows"], line["content_ref"], line["request_id"]) == (5000, "ab" * 32, "r-1")
    assert (line["event"], line["level"], line["process"]) == ("dispatched", "info", "test")
    assert line["timestamp"].startswith("20")
    assert line["address"] == "http://127.0.0.1:3001"


def test_a_line_outside_the_context_no_longer_carries_it(stream):
    with telemetry.context(practice_id="p"):
        pass
    telemetry.logger().info("later")
    assert "practice_id" not in lines(stream)[0]


def test_a_keyring_never_shows_its_keys():
    shown = repr(Keyring(b"root-of-all-keys", DataKeys((b"root-of-all-before",))))
    assert "root-of-all" not in shown
    assert telemetry.redact({"data_keys": "one"}) == {"data_keys": "[secret]"}
    line = telemetry.redact("started with CM_DATA_KEYS=one-key,another-key in the end")
    assert line == "started with CM_DATA_KEYS=[secret] in the end"
    made = new_token(48)  # as `cm keys rotate` makes them
    assert made not in telemetry.redact(f"the file holds {made}")
