"""Undo and redo over every edit (BLD-5): journeys never change, so history is a list of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from services.contracts.journey import Journey

DEPTH = 200
"""Edits remembered in one sitting. Steps are shared between neighbours, so this is cheap."""


@dataclass(frozen=True)
class Moment:
    """A journey before an edit, and the words for that edit ("Undo: add a message")."""

    journey: Journey
    what: str
    key: str


@dataclass(frozen=True)
class History:
    past: tuple[Moment, ...] = ()
    future: tuple[Moment, ...] = ()

    def remember(self, before: Journey, what: str, key: str = "") -> History:
        """Keep `before`. Edits in a row with the same non-empty `key` (typing in one field) count
        as one. A new edit ends the future."""
        if key and self.past and self.past[-1].key == key and not self.future:
            return self
        past = (*self.past, Moment(before, what, key))[-DEPTH:]
        return History(past, ())

    def sealed(self) -> History:
        """Stop counting further edits of the same field into the last one."""
        if not self.past or not self.past[-1].key:
            return self
        return replace(self, past=(*self.past[:-1], replace(self.past[-1], key="")))

    def undo(self, now: Journey) -> tuple[Journey, History] | None:
        """The journey before the last edit; None when there is nothing to undo."""
        if not self.past:
            return None
        last = self.past[-1]
        return last.journey, History(self.past[:-1], (Moment(now, last.what, ""), *self.future))

    def redo(self, now: Journey) -> tuple[Journey, History] | None:
        """The journey after the edit undone last; None when there is nothing to redo."""
        if not self.future:
            return None
        first = self.future[0]
        return first.journey, History((*self.past, Moment(now, first.what, "")), self.future[1:])
