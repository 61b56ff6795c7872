"""The ids of practices, campaigns, people and messages that tests make: the same whenever a test runs.

Who is held out, which arm of a split somebody takes and when a spread message goes are hashes of such
ids (D24), and lanes are cut from their time. With new ids in every run each of these would be another
throw of dice, and a test would fail once in so many runs for no reason that anybody could find again.
"""

from itertools import count
from uuid import UUID

from services.kit.chance import id_at, seeded

FIRST, APART = 1_780_308_000.0, 0.02
"""The first id's moment (Unix seconds) and how far each is from the one before: people come one by
one, and not all into the same lane."""


class Ids:
    """What the running test draws from; outside of any test, what comes first."""

    def __init__(self) -> None:
        self.begin("")

    def begin(self, test: str) -> None:
        """From here on they are those of this test, named by its node id."""
        self._chance, self._numbers = seeded("ids of a test", test), count()

    def draw(self) -> UUID:
        return id_at(self._chance, FIRST + APART * next(self._numbers))


ids = Ids()


def fixed_id() -> UUID:
    """The next id of this test: later than the one before, and different in every test."""
    return ids.draw()
