"""Email through an SMTP server.

At most once: a message is marked before its words go out, and when the connection breaks between
the words and the server's answer nobody can tell whether it was taken, so it is not repeated.
A 250 to the words counts as sent and as delivered: SMTP promises no more, and a later bounce
comes back as its own report.
"""

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.neighbours.hub.contracts import Begin, Later, Never, Outcome, Outgoing, Sent, Unknown, unmarked
from services.neighbours.hub.mime import BadAddress, build, envelope_address

TIMEOUT = 30.0
CONNECTIONS = 4
DEAD_ADDRESS = {550, 551, 553}
NOT_THE_ADDRESS = re.compile(r"5\.[23457]\.")
"""Enhanced codes (RFC 3463) about mailbox state, system, network, content or policy."""


class SmtpAdapter:
    name = "smtp"
    idempotent = False
    metered = True
    simulated = False

    def __init__(self, url: str, mail_from: str) -> None:
        """`url`: smtp://user:password@host:port; smtps:// for TLS from the first byte,
        smtp+starttls:// for TLS or nothing after the greeting."""
        parts = urlsplit(url)
        self.tls, self.start_tls = parts.scheme == "smtps", parts.scheme == "smtp+starttls"
        self.host, self.port = parts.hostname or "localhost", parts.port or (465 if self.tls else 25)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.mail_from = mail_from

    async def hand_over(self, batch: Sequence[Outgoing], begin: Begin = unmarked, /) -> list[Outcome]:
        """A few connections side by side, each reused for its share."""
        outcomes: list[Outcome] = [Later("Not tried.")] * len(batch)
        shares = [range(n, len(batch), CONNECTIONS) for n in range(min(CONNECTIONS, len(batch)))]
        await asyncio.gather(*(self._share(batch, share, outcomes, begin) for share in shares))
        return outcomes

    async def _share(
        self, batch: Sequence[Outgoing], share: range, outcomes: list[Outcome], begin: Begin
    ) -> None:
        client = self._client()
        try:
            for place in share:
                if not client.is_connected:
                    await client.connect()
                outcomes[place] = await self._one(client, batch[place], begin)
        except (aiosmtplib.SMTPException, OSError) as error:
            for place in share:  # connecting failed: the rest of this share waits
                if outcomes[place] == Later("Not tried."):
                    outcomes[place] = Later(f"The mail server could not be reached ({type(error).__name__}).")
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            use_tls=self.tls,
            start_tls=self.start_tls,
            timeout=TIMEOUT,
        )

    async def _one(self, client: aiosmtplib.SMTP, message: Outgoing, begin: Begin) -> Outcome:
        try:
            to, data = envelope_address(message.to), build(message, self.mail_from).as_bytes()
        except BadAddress as error:
            return Never(str(error), address_dead=True)
        try:
            await client.mail(message.return_path or self.mail_from)
            await client.rcpt(to)
        except aiosmtplib.SMTPRecipientRefused as error:
            await self._reset(client)
            return _refused(error.code, error.message, recipient=True)
        except aiosmtplib.SMTPException as error:  # also a refused sender: ours to repair, not theirs
            client.close()
            return Later(f"The mail server did not take the envelope ({type(error).__name__}).")
        await begin(message)
        try:
            answer = await client.data(data)
        except aiosmtplib.SMTPDataError as error:
            await self._reset(client)
            return _refused(error.code, error.message, recipient=False)
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            return Unknown(
                f"The connection broke while the message was handed over ({type(error).__name__})."
            )
        return Sent(provider_id=answer.message[:200])

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            client.close()  # the next message opens a fresh connection


def _refused(code: int, said: str, *, recipient: bool) -> Outcome:
    """4xx passes, 5xx stays (RFC 5321 §4.2.1). Only a refused recipient makes an address dead."""
    sentence = f"The mail server answered {code}: {' '.join(said.split())[:200]}"
    if code < 500:
        return Later(sentence)
    dead = recipient and code in DEAD_ADDRESS and not NOT_THE_ADDRESS.match(said)
    return Never(sentence, address_dead=dead)
