"""A way out that reaches nobody and remembers every hand-over: the witness of `cm chaos`.

One JSON line a hand-over, on the disk before the Hub hears that it went. Whoever reads the file
sees what left the building, whatever the database says.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.kit.clock import Clock
from services.neighbours.hub.contracts import Begin, Outcome, Outgoing, Sent, unmarked

ANSWER = 0.05
"""Seconds until the transport answers: it has the message, and the Hub does not know it yet."""


@dataclass(frozen=True)
class JournalAdapter:
    """`idempotent` false stands for a transport that cannot recognise a repetition, like SMTP."""

    path: Path
    clock: Clock
    idempotent: bool
    name: str = "journal"
    metered: bool = False
    simulated: bool = False

    async def hand_over(self, batch: Sequence[Outgoing], begin: Begin = unmarked, /) -> list[Outcome]:
        if not self.idempotent:
            for message in batch:
                await begin(message)
        at = self.clock.now().isoformat()
        lines = [
            orjson.dumps(
                {
                    "dispatch_id": str(message.dispatch_id),
                    "contact_id": str(message.contact_id),
                    "channel": message.channel,
                    "at": at,
                }
            )
            for message in batch
        ]
        await asyncio.to_thread(self._append, b"\n".join(lines) + b"\n")
        await asyncio.sleep(ANSWER)
        return [Sent() for _ in batch]

    def _append(self, text: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, text)
            os.fsync(handle)
        finally:
            os.close(handle)
