"""What the harness itself did, on the disk before it goes on: the other side of the books.

Three kinds of lines: `asked` (before an event is handed in), `acknowledged` (after the product or
the bus said yes), and `seen` (an event that closes a person for good was found in effect, and in
which snapshot of the database). An event that was asked and never acknowledged may have happened
or not: the answer was lost with whoever was killed.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson


@dataclass
class Asked:
    """One event handed in. `final` closes its contact for good, so nothing may be sent after it."""

    event_id: str
    type: str
    contact_id: str
    way: str
    final: bool = False
    malformed: bool = False
    acknowledged: bool = False
    snapshot: str = ""


@dataclass
class Journal:
    """`events` in memory, the same on disk. `path` is appended to and fsynced line by line."""

    path: Path
    events: dict[str, Asked] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def asked(self, event: Asked) -> None:
        self.events[event.event_id] = event
        self._write({"asked": vars(event)})

    def acknowledged(self, event_ids: list[str]) -> None:
        for event_id in event_ids:
            self.events[event_id].acknowledged = True
        self._write({"acknowledged": event_ids})

    def seen(self, event_id: str, snapshot: str) -> None:
        self.events[event_id].snapshot = snapshot
        self._write({"seen": event_id, "snapshot": snapshot})

    def unseen(self) -> list[str]:
        """Acknowledged events that close somebody for good and are not known to be in effect yet."""
        return [e.event_id for e in self.events.values() if e.final and e.acknowledged and not e.snapshot]

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, orjson.dumps(line) + b"\n")
        os.fsync(self._file)
