"""What a step takes for granted about the steps before it, and what sticky notes say (BLD-4).

A piece of a journey that was pasted elsewhere may wait for an answer to a message that did not come
along: the link is open and shows itself, the missing message is said here.
"""

from collections.abc import Iterator

from services.builder.contracts import Problem
from services.builder.graph import graph_of, reachable
from services.content.rules import placeholders
from services.contracts.journey import Branch, EventMatch, Journey, Message, Step, WaitEvent
from services.contracts.step_names import name_of

_ABOUT_MESSAGES = "hub.message."


def check_references(journey: Journey) -> Iterator[Problem]:
    """Steps that ask about a message nobody can have had, then leftovers in notes."""
    graph = graph_of(journey)
    told = reachable(
        graph, [t for step in journey.steps if isinstance(step, Message) for t in graph[step.id]]
    )
    for step in journey.steps:
        if step.id not in told and any(m.type.startswith(_ABOUT_MESSAGES) for m in _asked(step)):
            yield Problem(
                step_id=step.id,
                code="no_message_before",
                severity="warning",
                sentence=f"{name_of(step)} looks for what people did with a message, but no message comes "
                "before it in this journey. Add one, or connect it behind one.",
            )
    for note in journey.notes:
        for found in placeholders(note.text):
            yield Problem(
                note_id=note.id,
                code="placeholder_in_note",
                severity="warning",
                sentence=f"A note on the canvas still says “{found}”. Settle it, or remove the note.",
            )


def _asked(step: Step) -> list[EventMatch]:
    match step:
        case WaitEvent():
            return [step.event]
        case Branch():
            return [path.event for path in step.paths if path.event]
        case _:
            return []
