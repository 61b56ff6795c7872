"""The rules of a follow-up's short life (003): pure."""

from datetime import datetime, timedelta

from services.contracts.journey import CampaignType
from services.followups.contracts import FollowupState

MOVES: dict[FollowupState, frozenset[FollowupState]] = {
    "pending": frozenset({"sent", "failed", "cancelled"}),
    "sent": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
"""The one table. Asking for the state it already has is an accepted no-op (003)."""

JUDGED_AS: CampaignType = "nurture"
"""A message written by hand is no way around a rule: it is judged as the type that most rules
exclude (recall precedence and emergency exclusion, 000 §4.3 and D19)."""

TOPIC = "marketing"
STEP = "follow_up"
"""What stands where a journey has its step: in dispatches, refusals and metrics."""

GRACE = timedelta(minutes=10)
FARTHEST = timedelta(days=366)
PER_PERSON = 10
PER_PRACTICE = 500
"""Pending at once. More than this is a campaign, and a campaign needs an approval (D9)."""


def refusal_of_move(current: FollowupState, to: FollowupState) -> str | None:
    """Why a move is not allowed, naming both states; None when it is, or is a no-op."""
    if current == to or to in MOVES[current]:
        return None
    return f"This message is {current}, which is final, so it cannot become {to}. Plan a new one."


def bad_moment(due_at: datetime, now: datetime) -> str | None:
    """Why a message cannot be planned for this moment; None when it can."""
    if due_at < now - GRACE:
        return "That moment has passed. Choose one from now on."
    if due_at > now + FARTHEST:
        return "Choose a moment within the next year."
    return None
