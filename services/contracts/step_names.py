"""What a step is called, on every page, in every report and sentence: one answer."""

import re

from services.contracts.journey import Step

KINDS: dict[str, str] = {
    "entry": "Start",
    "message": "Message",
    "wait": "Wait",
    "wait_event": "Wait for event",
    "branch": "Branch",
    "split": "Split",
    "sub_campaign": "Another campaign",
    "goal": "Goal reached",
    "exit": "End",
}
"""What people call each kind of step."""
_OURS = re.compile(rf"({'|'.join(KINDS)})-([1-9][0-9]{{0,3}})")
"""An id that the builder gave: the kind and a number. Others come by the API, and mean something to whoever
chose them."""


def step_name(step: Step) -> str:
    """The step's own title, else its kind with its number: “Message 2”. There is only one start."""
    return step.title or _numbered(step.id) or KINDS[step.kind]


def name_of(step: Step) -> str:
    """How a sentence names a step: “Welcome” in quotes, Message 2, or Message “sms-for-leads” by its id."""
    if step.title:
        return f"“{step.title}”"
    return _numbered(step.id) or f"{KINDS[step.kind]} “{step.id}”"


def name_by_id(step_id: str) -> str:
    """The same where no more is known of a step than its id."""
    return _numbered(step_id) or f"Step “{step_id}”"


def _numbered(step_id: str) -> str:
    ours = _OURS.fullmatch(step_id)
    if ours is None:
        return ""
    return KINDS["entry"] if ours[1] == "entry" else f"{KINDS[ours[1]]} {ours[2]}"
