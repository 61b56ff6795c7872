"""Small valid journeys for tests; explicit, no randomness."""

from typing import Any
from uuid import UUID

from services.builder.step_edits import set_field
from services.contracts.journey import Journey
from services.kit.actor import PERMISSIONS, Actor, Permission
from services.kit.ids import new_id

FOOTER = '<p>{{ practice.name }}, {{ practice.address }}. <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'


def person(practice_id: UUID, *permissions: Permission) -> Actor:
    """A member of staff with these permissions; all of them when none is named."""
    person_id = new_id()
    return Actor(practice_id, f"person:{person_id}", frozenset(permissions or PERMISSIONS), person_id)


def email(subject: str = "Hello", body: str = "<p>Hello {{ contact.first_name }}</p>") -> dict[str, Any]:
    return {"email": {"subject": subject, "body": body + FOOTER}}


def journey(subject: str = "Hello", *, how: str = "segment", **changes: Any) -> Journey:
    """Entry, one email, a wait, a second email, exit; patients only."""
    value: dict[str, Any] = {
        "campaign_type": "reactivation",
        "audience": {
            "kinds": ["patient"],
            "include": [{"node": "did", "what": "attended", "at_least": 1, "days": 0}],
        },
        "steps": [
            {"id": "start", "kind": "entry", "how": how, "next": "hello"},
            {
                "id": "hello",
                "kind": "message",
                "title": "Hello",
                "channels": ["email"],
                "variants": [{"content": email(subject)}],
                "next": "pause",
            },
            {"id": "pause", "kind": "wait", "until": {"how": "duration", "minutes": 4320}, "next": "again"},
            {
                "id": "again",
                "kind": "message",
                "title": "Reminder",
                "channels": ["email"],
                "variants": [{"content": email("Still here")}],
                "next": "done",
            },
            {"id": "done", "kind": "exit"},
        ],
        **changes,
    }
    if how == "event":
        value["steps"][0]["event"] = {"type": "proposal.stalled"}
    if how == "schedule":
        value["steps"][0]["cron"] = "0 9 * * 1"
    return Journey.model_validate(value)


def changed(before: Journey, **steps: dict[str, object] | None) -> Journey:
    """The journey with steps changed by id; None takes a step out, and whoever led to it goes past it."""
    value = before.model_dump(mode="json")
    for step_id, change in steps.items():
        step = next(s for s in value["steps"] if s["id"] == step_id)
        if change is None:
            value["steps"].remove(step)
            for other in value["steps"]:
                if other.get("next") == step_id:
                    other["next"] = step["next"]
        else:
            step.update(change)
    return Journey.model_validate(value)


def revised(journey: Journey, step_id: str, **fields: Any) -> Journey:
    """The journey with these fields of one step changed, as the side panel changes them."""
    for name, value in fields.items():
        journey = set_field(journey, step_id, name, value)
    return journey
