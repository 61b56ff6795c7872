"""What intake makes of one entry of a stream."""

from dataclasses import dataclass
from typing import Literal

from services.contracts.envelope import Envelope
from services.contracts.events import EventData
from services.kit.bus import Received


@dataclass(frozen=True, slots=True)
class Understood:
    """A valid envelope. `data` is None when nobody knows the type (D17: kept, never fatal)."""

    received: Received
    event: Envelope
    data: EventData | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """What cannot be understood goes to the dead letters with this sentence."""

    received: Received
    reason: str


Outcome = Literal["handled", "unknown", "duplicate", "late", "ignored"]
"""`late`: too old to start a journey, but it suppressed what it had to. `ignored`: understood, and
nothing was to be done; the audit says why."""
