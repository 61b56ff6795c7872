"""What a run's codes mean to people."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.engine.runs import Because, RunRow, Silence
from services.gates.reasons import sentence
from state import words

OUTCOMES: dict[str, tuple[str, words.Tone]] = {
    "running": ("Going on", "info"),
    "delivered": ("Delivered", "ok"),
    "partial": ("Partly delivered", "warn"),
    "failed": ("Failed", "danger"),
    "empty": ("Nobody to write to", "neutral"),
    "stopped": ("Stopped", "neutral"),
    "completed": ("Completed", "ok"),
}
STATUSES = {
    "failed": "It could not be delivered; the Hub gave no reason.",
    "bounced": "It came back; the Hub gave no reason.",
    "cancelled": "It was called back before it was sent.",
    "cancel_requested": "It is being called back.",
}


@dataclass(frozen=True)
class Reason:
    sentence: str
    count: str
    where: str = ""


def outcome_words(run: RunRow) -> tuple[str, words.Tone]:
    """A run of a paused campaign goes on later, and says so."""
    if run.outcome == "running" and run.campaign_state == "paused":
        return "Paused", "warn"
    return OUTCOMES[run.outcome]


def began_words(run: RunRow) -> str:
    """Who or what opened it, to follow “by”."""
    match run.began:
        case "schedule":
            return "its schedule" if run.planned_at else "the planned time"
        case "event":
            return "events, one person at a time"
        case "one_by_one":
            return "staff or another system, one person at a time"
        case "api":
            return f"another system: {run.by}" if run.by else "another system"
        case "person":
            return run.by or "somebody who left the team"


def refused_reasons(found: Sequence[Because]) -> list[Reason]:
    """Gates' reasons, each with its sentence; where they were refused, if it is known."""
    return [
        Reason(sentence(one.reason), words.count(one.count), "not let in" if one.at_entry else "message held back")
        for one in found
    ]  # fmt: skip


def failed_reasons(found: Sequence[Because]) -> list[Reason]:
    """The Hub's own words, or ours for a code."""
    return [
        Reason(
            STATUSES.get(one.reason) or (sentence(one.reason) if one.reason.isupper() else one.reason),
            words.count(one.count),
        )
        for one in found
    ]


def silence_words(silence: Silence, requested: int, zone: str) -> tuple[str, words.Tone]:
    """What the Hub has not told yet, and whether it is being asked (002)."""
    if not requested:
        return "No message has been handed over yet.", "neutral"
    asked = (
        f" {words.plural(silence.by_asking, 'report')} came only because the Hub was asked."
        if silence.by_asking
        else ""
    )
    if not silence.waiting:
        return "The Hub has reported on every message." + asked, "ok"
    if silence.unanswered:
        still = silence.waiting - silence.unanswered
        return (
            f"The Hub was asked about {words.plural(silence.unanswered, 'message')} for half an hour and said "
            "nothing final. Whether they arrived is not known."
            + (f" It is still being asked about {words.count(still)} more." if still else "") + asked,
            "warn",
        )  # fmt: skip
    return (
        f"{words.plural(silence.waiting, 'message')} on the way. Where the Hub says nothing by itself, it is asked "
        f"until {words.moment(silence.asks_until, zone)}." + asked,
        "info",
    )
