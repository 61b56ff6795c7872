"""Signing and checking HTTP events by the Standard Webhooks scheme, version 1 (D4).

`v1,base64(HMAC-SHA256(secret, "id.timestamp.body"))`; several signatures are separated by spaces,
so that a secret can be changed without a gap.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.kit.errors import NotSignedIn

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
"""How far the sender's clock may be from ours: an older request may be a recorded one."""


class BadSignature(NotSignedIn):
    """The request is not what its headers promise, or not of this moment."""


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """The value of `webhook-signature` for a body sent `at`."""
    return "v1," + base64.b64encode(_digest(secret, message_id, str(int(at.timestamp())), body)).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """Check one request; returns its id. Header names may be of any case. Raises BadSignature."""
    given = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "").split()
    if not (message_id and stamp and signatures):
        raise BadSignature("Send webhook-id, webhook-timestamp and webhook-signature with every request.")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 11:
        raise BadSignature("webhook-timestamp is the time in whole seconds since 1970.")
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > TOLERANCE:
        raise BadSignature("The request was signed more than five minutes from now. Check the clock.")
    expected = _digest(secret, message_id, stamp, body)
    if not any(hmac.compare_digest(expected, found) for found in map(_version_one, signatures)):
        raise BadSignature("The signature does not fit. Sign the exact body with this practice's secret.")
    return message_id


def _version_one(signature: str) -> bytes:
    version, _, value = signature.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _digest(secret: str, message_id: str, stamp: str, body: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(PREFIX) + "==")
    return hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
