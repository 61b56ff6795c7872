"""The rules of a campaign's life (D6, D7, D9): tables and pure functions, no I/O."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.campaigns.contracts import CampaignState, Kind
from services.contracts.journey import Entry, Journey

MOVES: dict[CampaignState, frozenset[CampaignState]] = {
    "draft": frozenset({"scheduled", "active"}),
    "scheduled": frozenset({"draft", "active", "cancelled"}),
    "active": frozenset({"paused", "completed", "cancelled"}),
    "paused": frozenset({"active", "completed", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""D6, the one table. Asking for the state it already has is an accepted no-op."""

EDITABLE: frozenset[CampaignState] = frozenset({"draft", "paused"})
LEAD_TIME = timedelta(minutes=5)

EVENT_OF: dict[tuple[CampaignState, CampaignState], str] = {
    ("draft", "scheduled"): "campaign.scheduled",
    ("draft", "active"): "campaign.activated",
    ("scheduled", "draft"): "campaign.updated",
    ("scheduled", "active"): "campaign.activated",
    ("scheduled", "cancelled"): "campaign.cancelled",
    ("active", "paused"): "campaign.paused",
    ("active", "completed"): "campaign.completed",
    ("active", "cancelled"): "campaign.cancelled",
    ("paused", "active"): "campaign.resumed",
    ("paused", "completed"): "campaign.completed",
    ("paused", "cancelled"): "campaign.cancelled",
}
_KINDS: dict[str, Kind] = {
    "segment": "one_off",
    "schedule": "recurring",
    "event": "event",
    "dynamic": "dynamic",
    "manual": "transactional",
}


def refusal_of_move(current: CampaignState, to: CampaignState) -> str | None:
    """Why a move is not allowed, naming both states; None when it is, or is a no-op."""
    if current == to or to in MOVES[current]:
        return None
    if not MOVES[current]:
        return (
            f"This campaign is {current}, which is final, so it cannot become {to}. Clone it to use it again."
        )
    ways = " or ".join(sorted(MOVES[current]))
    return f"A campaign that is {current} cannot become {to}; from {current} it can become {ways}."


def entry_of(journey: Journey) -> Entry | None:
    return next((step for step in journey.steps if isinstance(step, Entry)), None)


def kind_of(journey: Journey, *, scheduled: bool = False) -> Kind:
    """LIF-3: what kind of campaign the entry makes it."""
    entry = entry_of(journey)
    kind = _KINDS[entry.how] if entry else "one_off"
    return "scheduled" if scheduled and kind == "one_off" else kind


def is_journey(journey: Journey) -> bool:
    """D7: more than one step, or a sub-campaign. Coming in and leaving are not counted."""
    doing = [step for step in journey.steps if step.kind not in ("entry", "exit", "goal")]
    return len(doing) > 1 or any(step.kind == "sub_campaign" for step in doing)


def canonical(journey: Journey) -> bytes:
    """The meaning of a journey as sorted JSON: where steps lie on the canvas and sticky notes are
    left out, so that tidying the picture does not undo an approval."""
    value = journey.model_dump(mode="json", exclude={"notes"})
    for step in value["steps"]:
        step.pop("position", None)
        for variant in step.get("variants", ()):
            if not variant["translations"]:  # what has one language is what it was before there were several
                del variant["translations"]
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def content_hash(journey: Journey) -> str:
    """SHA-256 of the canonical JSON: what an approval is bound to (D9)."""
    return hashlib.sha256(canonical(journey)).hexdigest()


def too_soon(activate_at: datetime, now: datetime) -> bool:
    """LIF-3: a scheduled start lies at least five minutes ahead."""
    return activate_at < now + LEAD_TIME


def why_not_approve(
    person: UUID | None, *, created_by: UUID, editors: Collection[UUID], single_operator: bool
) -> str | None:
    """D9: why this person may not approve; None when they may. The exemption is the caller's to
    audit: `is_exemption` tells whether it was needed."""
    if person is None:
        return "Only a person can approve a campaign. Sign in as someone with the approver role."
    if single_operator or not is_own_work(person, created_by=created_by, editors=editors):
        return None
    what = "created" if person == created_by else "edited"
    return f"You {what} this campaign, so somebody else has to approve it."


def is_own_work(person: UUID, *, created_by: UUID, editors: Collection[UUID]) -> bool:
    return person == created_by or person in editors
