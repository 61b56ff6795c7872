"""Time is an argument (house rule 7): the only module that asks the machine what time it is."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current instant, UTC, aware."""
        ...


class SystemClock:
    """The machine's clock, plus an offset that QA mode may move forward."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def set_offset(self, offset: timedelta) -> None:
        self._offset = offset


class VirtualClock:
    """Stands still until told to move; for tests and Forecast."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("A virtual clock starts at an aware time; give it a time zone.")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, **delta: float) -> datetime:
        """Move forward by `timedelta(**delta)`; time never runs backwards."""
        step = timedelta(**delta)
        if step < timedelta():
            raise ValueError("Time moves forward only.")
        self._now += step
        return self._now
