"""Mail that comes back: delivery reports (RFC 3464) and complaints (RFC 5965, ARF), read with the
standard library alone. Pure: what came, about which message, and whether it is for good.

A report is matched by the address it was returned to (`bounces+TOKEN@…`, unguessable), else by the
Message-ID of the original, which is made of the dispatch.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import Literal
from uuid import UUID

What = Literal["bounced", "complained"]

# Enhanced codes (RFC 3463) that say the address is dead. A full mailbox, a policy, a network or a
# spam filter are about this message or this day, and the address stays open.
DEAD = re.compile(r"5\.(?:0\.0|1\.[0-689]|1\.10|2\.1)\b")
MESSAGE_ID = re.compile(r"<([0-9a-fA-F-]{36})@[^>]+>")
TOKEN = re.compile(r"\+([\w-]{20,64})@")
NO_COMPLAINT = ("not-spam", "auth-failure")
HEADERS = ("X-Original-To", "Delivered-To", "Envelope-To", "To")
QUOTED = re.compile(rb"^(?:>\s*)?(message-id:[^\r\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Returned:
    """`permanent`: the address is dead. `token` or `dispatch_id` name the message that came back."""

    what: What
    permanent: bool
    reason: str
    token: str
    dispatch_id: UUID | None


def read_returned(raw: bytes, recipient: str = "") -> Returned | None:
    """What a returned mail reports; None when it is no report, or only says that it takes longer.

    `recipient` is the address it was returned to, when the mail server told.
    """
    mail = message_from_bytes(raw, policy=default)
    report = str(mail.get_param("report-type") or "").lower()
    if mail.get_content_type() != "multipart/report":
        return None
    if report == "feedback-report":
        kind = _feedback(mail)
        return None if kind in NO_COMPLAINT else _found(mail, recipient, "complained", True, kind)
    if report != "delivery-status":
        return None
    for action, status, said in _recipients(mail):
        if action == "failed":
            reason = " ".join(f"{status} {said}".split())[:200]
            return _found(mail, recipient, "bounced", bool(DEAD.match(status)), reason)
    return None


def verp(bounce_address: str, token: str) -> str:
    """The return address of one message: `bounces@x.example` → `bounces+TOKEN@x.example`."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{token}@{domain}"


def _found(mail: Message, recipient: str, what: What, permanent: bool, reason: str) -> Returned | None:
    token = _token([recipient, *(str(value) for name in HEADERS for value in mail.get_all(name, []))])
    dispatch = _dispatch(mail)
    if not token and dispatch is None:
        return None
    return Returned(what, permanent, reason, token, dispatch)


def _token(addresses: Iterable[str]) -> str:
    return next((match[1] for address in addresses if (match := TOKEN.search(address))), "")


def _dispatch(mail: Message) -> UUID | None:
    """From the headers of the original, whichever way the report encloses them."""
    for part in mail.walk():
        if part is mail or part.get_content_type() == "message/delivery-status":
            continue
        match = MESSAGE_ID.search(str(part.get("Message-ID") or ""))
        if match is None and part.get_content_type() == "text/rfc822-headers":
            body = part.get_payload(decode=True)
            quoted = QUOTED.search(body) if isinstance(body, bytes) else None
            match = MESSAGE_ID.search(quoted[1].decode("ascii", "replace")) if quoted else None
        if match is not None:
            try:
                return UUID(match[1])
            except ValueError:
                continue  # a Message-ID of somebody else's that looks alike
    return None


def _recipients(mail: Message) -> Iterator[tuple[str, str, str]]:
    """(action, status, what the other server said) of each recipient of a delivery report."""
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if isinstance(block, Message) and block.get("Action"):
                said = str(block.get("Diagnostic-Code") or "").partition(";")[2]
                yield str(block["Action"]).strip().lower(), str(block.get("Status") or "").strip(), said


def _feedback(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() != "message/feedback-report":
            continue
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        if isinstance(inner, EmailMessage | Message):
            text = inner.as_string()
        else:
            decoded = part.get_payload(decode=True)
            text = decoded.decode("ascii", "replace") if isinstance(decoded, bytes) else str(payload)
        kind = re.search(r"^feedback-type:\s*([\w-]{1,40})", text, re.IGNORECASE | re.MULTILINE)
        if kind:
            return kind[1].lower()
    return "abuse"
