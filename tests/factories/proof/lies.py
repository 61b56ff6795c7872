"""Lies told to the product: the machine is worth something only if it hears them, and soon."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from services.engine import enrol, signals
from services.engine import service as engine
from services.gates import gates, statement
from services.gates.reasons import Reason
from services.intake import hub_status
from services.intake import service as intake
from services.kit.settings import Settings
from services.kit.uow import Unit
from services.suppression import queries as suppression
from tests.factories.proof.drive import explore

Patch = pytest.MonkeyPatch
Lie = Callable[[Patch], None]
PRACTICES, ACTS = 40, 100
"""A lie that is not heard in so many practices of so many acts is not heard."""


def _words(module: object, name: str, truth: str, lie: str) -> Lie:
    def tell(patch: Patch) -> None:
        before = getattr(module, name)
        assert truth in before
        patch.setattr(module, name, before.replace(truth, lie))

    return tell


def _without(reason: Reason) -> Lie:
    """A gate that was forgotten."""

    def tell(patch: Patch) -> None:
        left = tuple(gate for gate in gates.GATES if gate.reason is not reason)
        patch.setattr(gates, "GATES", left)
        patch.setattr(statement, "GATES", left)

    return tell


def _one_more(patch: Patch) -> None:
    """A cap that is one too high."""
    facts = statement.FACTS.replace("coalesce(touch.touches, 0)", "coalesce(touch.touches, 0) - 1")
    assert facts != statement.FACTS
    patch.setattr(statement, "FACTS", facts)


def _anyone_again(patch: Patch) -> None:
    """Re-entry rules that nobody asks."""
    for module in (engine, signals, enrol):  # asked again once the locks are held
        patch.setattr(module, "reentry_sql", lambda rule, binding: "true")


def _acknowledged_early(patch: Patch) -> None:
    """A consumer that remembers an event before it has acted on it, and dies in between."""
    before = intake._remember

    async def early(u: Unit, taken: Sequence[Any]) -> set[tuple[str, str]]:
        fresh = await before(u, taken)
        await u.execute("COMMIT")
        await u.execute("SELECT set_config('cm.practice_id', :practice, true)", practice=str(u.practice_id))
        return fresh

    patch.setattr(intake, "_remember", early)


def _done_again(patch: Patch) -> None:
    """A consumer that dies after its commit and before its acknowledgement, and does all of it again."""
    before = intake._remember

    async def again(u: Unit, taken: Sequence[Any]) -> set[tuple[str, str]]:
        await before(u, taken)
        return {t.key for t in taken}

    patch.setattr(intake, "_remember", again)


LIES: dict[str, Lie] = {
    "what was requested is not taken back": _words(
        suppression,
        "PENDING",
        "THEN coalesce(c.campaign_type, :judged_as) = ANY (t.types)",
        "THEN false",
    ),
    "nobody is woken": _words(signals, "WAKE", "due_at = least(due_at, :now)", "due_at = due_at"),
    "one hold is released by another": _words(
        suppression, "RELEASE", "s.reason = ANY (:holding)", "s.reason = ANY (:holding) AND false"
    ),
    "a release is forgotten": _words(suppression, "RELEASE", "e.state = 'held'", "e.state = 'none'"),
    "an older event lifts a newer stop": _words(
        suppression,
        "LIFT",
        "s.event_at <= t.event_at AND NOT (t.older_only AND s.event_at = t.event_at)",
        "true",
    ),
    "statuses go back": _words(hub_status, "APPLY", "WHEN f.rank > (", "WHEN f.rank > 0 AND f.rank <> ("),
    "the gap is no gate": _without(Reason.MINIMUM_GAP),
    "a complaint is no gate": _without(Reason.COMPLAINT),
    "a household gets two": _without(Reason.DUPLICATE_DESTINATION),
    "a cap is one too high": _one_more,
    "re-entry is not asked": _anyone_again,
    "an event is acknowledged before it is acted on": _acknowledged_early,
    "an event that comes twice is acted on twice": _done_again,
}


SEEDS: dict[str, int] = {}
"""Where a lie is heard soonest, when it is not the first."""

# Where in life a lie shows, when life as a whole comes by there too seldom.
ABOUT = {
    "one hold is released by another": ("staff_stops", "recall", "concierge"),
    "an older event lifts a newer stop": ("consent",),
    "nobody is woken": ("visit",),
    "statuses go back": ("reports", "relay", "proposal"),
    "a complaint is no gate": ("reports", "relay", "proposal", "visit"),
}


def heard(lie: str, config: Settings, database_url: str, redis_url: str) -> str | None:
    """How the machine tells that this lie was told to it; None when it does not notice."""
    with Patch.context() as patch:
        LIES[lie](patch)
        try:
            explore(
                config,
                database_url,
                redis_url,
                SEEDS.get(lie, 1),
                PRACTICES,
                ACTS,
                False,
                about=ABOUT.get(lie, ()),
            )
        except AssertionError as disagreement:
            if "only the product has" in str(disagreement):
                return str(disagreement)
            raise
    return None
