"""A real SMTP server for the run: what the Hub sends arrives here and can be waited for."""

import re
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.e2e.product import free_ports


class Mailbox:
    """Everything received, in order. `wait` returns when enough has come, or fails."""

    address: str = ""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._received: list[tuple[str, EmailMessage]] = []
        self._port = free_ports(1)[0]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    def start(self) -> str:
        """Listen; returns the smtp:// address."""
        self._controller.start()
        return f"smtp://127.0.0.1:{self._port}"

    def stop(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = message_from_bytes(cast(bytes, envelope.original_content), policy=policy.default)
        with self._changed:
            self._received += [(to, cast(EmailMessage, message)) for to in envelope.rcpt_tos]
            self._changed.notify_all()
        return "250 OK"

    def to(self, addresses: set[str]) -> list[tuple[str, EmailMessage]]:
        """Mail for these people, oldest first."""
        with self._changed:
            return [(to, message) for to, message in self._received if to.lower() in addresses]

    def wait(self, addresses: set[str], count: int, *, seconds: float = 90) -> list[tuple[str, EmailMessage]]:
        """Wait until `count` mails for these people are there."""
        enough: Callable[[], Any] = lambda: len(self.to(addresses)) >= count  # noqa: E731
        with self._changed:
            assert self._changed.wait_for(enough, seconds), (
                f"{len(self.to(addresses))} of {count} mails came within {seconds} s"
            )
        return self.to(addresses)


def links(message: EmailMessage) -> list[str]:
    """Addresses in the HTML part."""
    part = message.get_body(("html",))
    return re.findall(r'href="(http[^"]+)"', part.get_content() if part else "")
