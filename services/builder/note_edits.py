"""Sticky notes: adding, rewording, moving and removing them (BLD-1). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from services.contracts.journey import Journey, Note, Position
from services.kit.errors import Invalid, NotFound

MOST = 100


def add_note(journey: Journey, position: Position) -> tuple[Journey, str]:
    """An empty note at a place, and its id. Raises Invalid when there are a hundred."""
    if len(journey.notes) >= MOST:
        raise Invalid(f"A journey takes {MOST} notes at most. Remove one first.")
    taken = {note.id for note in journey.notes}
    new = next(f"note-{n}" for n in range(1, MOST + 2) if f"note-{n}" not in taken)
    note = Note(id=new, position=position)
    return journey.model_copy(update={"notes": [*journey.notes, note]}), new


def change_note(journey: Journey, note_id: str, **changes: Any) -> Journey:
    """Change a note's text, colour or position. Raises NotFound, Invalid."""
    if not any(note.id == note_id for note in journey.notes):
        raise NotFound("That note is no longer there.")
    notes = [_changed(note, changes) if note.id == note_id else note for note in journey.notes]
    return journey.model_copy(update={"notes": notes})


def remove_notes(journey: Journey, ids: Iterable[str]) -> Journey:
    """The journey without these notes; one that is gone already is no mistake."""
    gone = set(ids)
    return journey.model_copy(update={"notes": [note for note in journey.notes if note.id not in gone]})


def _changed(note: Note, changes: dict[str, Any]) -> Note:
    try:
        return Note.model_validate({**note.model_dump(), **changes})
    except ValidationError as error:
        raise Invalid("A note holds 500 characters at most. Nothing was changed.") from error
