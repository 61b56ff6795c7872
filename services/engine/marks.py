"""How far the claims of a step have come, so that they need not walk over what they moved before.

A transaction that keeps an old snapshot keeps every dead row since, and the index entries of moved
work with them: at the front of exactly the range where due work is looked for. A claim therefore
begins where the last one stopped. What became due in between with an earlier time is found by a look
at everything: whenever a batch is not full, and so often that those looks take a fortieth of the
time. An engine that has little to do always looks at everything (docs/decisions/0008, 0024).
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
SLACK = timedelta(seconds=1)
"""Work of transactions that began before the mark was set and committed after it."""
PATIENCE = 40
"""An answer serves for so many times as long as it took to find."""
SHORT = 0.05
"""Seconds. What is found as fast as this is looked for anew each time."""


@dataclass
class Age:
    """When something was looked for, and how long that took; real time, only to pace the work."""

    found: float = 0.0
    cost: float = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.found = time.perf_counter()
        self.cost = self.found - begun

    def serves(self, patience: int) -> bool:
        """May what was found be used again, instead of looking anew?"""
        return self.rest(patience) > 0

    def rest(self, patience: int) -> float:
        """For how many seconds more it may be used again."""
        return max(0.0, self.found + patience * self.cost - time.perf_counter()) if self.cost > SHORT else 0.0


class Marks:
    """One a version and step in each process: a time for each lane, and how old the last look at all
    of that lane is."""

    def __init__(self, lanes: int) -> None:
        self._reached = [EARLIEST] * lanes
        self._looked = [Age() for _ in range(lanes)]

    @property
    def reached(self) -> list[datetime]:
        """How far each lane was claimed."""
        return list(self._reached)

    def since(self) -> list[datetime]:
        """From when on to look, a time for each lane."""
        patience = PATIENCE * len(self._looked)
        return [
            reached if age.serves(patience) else EARLIEST
            for reached, age in zip(self._reached, self._looked, strict=True)
        ]

    def passed(self, since: list[datetime], latest: Iterable[tuple[int, datetime]], age: Age) -> None:
        """These lanes were claimed up to these times by a statement that looked `since` then."""
        for lane, at in latest:
            if since[lane] == EARLIEST:
                self._looked[lane] = age
            self._reached[lane] = at - SLACK


_MARKS: dict[tuple[UUID, UUID, str], Marks] = {}
KEPT = 4_096


def marks_of(practice_id: UUID, version_id: UUID, step_id: str, lanes: int) -> Marks:
    """The marks of a step in this process."""
    if len(_MARKS) >= KEPT:
        _MARKS.clear()
    return _MARKS.setdefault((practice_id, version_id, step_id), Marks(lanes))


def reached(practice_id: UUID) -> dict[str, list[datetime]]:
    """How far the lanes of a practice's steps were claimed in this process, by `version/step`."""
    return {f"{version}/{step}": m.reached for (of, version, step), m in _MARKS.items() if of == practice_id}
