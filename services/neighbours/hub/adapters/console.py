"""Adapters that reach nobody: into files and the log for demos, into nothing for measurements."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.kit.telemetry import logger
from services.neighbours.hub.contracts import Begin, Never, Outcome, Outgoing, Sent, unmarked
from services.neighbours.hub.mime import BadAddress, build

log = logger("hub.console")


@dataclass(frozen=True)
class ConsoleAdapter:
    """Writes each message to `<folder>/<practice>/<dispatch>.eml` (or .txt) and one log line a batch.

    The same dispatch overwrites its own file, so repeating is harmless.
    """

    folder: Path
    mail_from: str
    name: str = "console"
    idempotent: bool = True
    metered: bool = False
    simulated: bool = True

    async def hand_over(self, batch: Sequence[Outgoing], _begin: Begin = unmarked, /) -> list[Outcome]:
        outcomes = await asyncio.to_thread(lambda: [self._write(message) for message in batch])
        log.info("console_messages", count=len(batch), folder=str(self.folder))
        return outcomes

    def _write(self, message: Outgoing) -> Outcome:
        path = self.path(message)
        try:
            data = self._bytes(message)
        except BadAddress as error:
            return Never(str(error), address_dead=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return Sent(provider_id=path.name)

    def path(self, message: Outgoing) -> Path:
        kind = "eml" if message.channel == "email" else "txt"
        return self.folder / str(message.practice_id) / f"{message.dispatch_id}.{kind}"

    def _bytes(self, message: Outgoing) -> bytes:
        if message.channel == "email":
            return build(message, self.mail_from).as_bytes()
        head = f"Channel: {message.channel}\nTo: {message.to}\nFrom: {message.sender}\n"
        subject = f"Subject: {message.subject}\n" if message.subject else ""
        return f"{head}{subject}\n{message.text}\n".encode()


@dataclass(frozen=True)
class NullAdapter:
    """Takes everything, keeps nothing."""

    name: str = "null"
    idempotent: bool = True
    metered: bool = False
    simulated: bool = False

    async def hand_over(self, batch: Sequence[Outgoing], _begin: Begin = unmarked, /) -> list[Outcome]:
        return [Sent() for _ in batch]
