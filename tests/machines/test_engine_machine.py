"""Who gets which step when, and why not: any order of events, waits and crashes against a plain model."""

from collections.abc import Callable

import pytest

from services.engine import enrol, signals
from services.engine import service as engine
from services.gates import gates, statement
from services.gates.reasons import Reason
from services.intake import hub_status
from services.kit.embedded import Servers
from services.kit.settings import Settings
from services.suppression import queries as suppression
from tests.factories.proof.drive import explore, explore_together

SEEDS, EXAMPLES, ACTS = (1, 2), 10, 100
Patch = pytest.MonkeyPatch
Lie = Callable[[Patch], None]


@pytest.mark.covers("ENG-1", "ENG-2", "ENG-4", "ENG-7", "SUP-1", "SUP-3", "SUP-7")
def test_the_engine_does_what_the_plain_model_says(config: Settings, servers: Servers, database_url: str):
    done = explore_together(config, database_url, servers.redis_url, SEEDS, EXAMPLES, ACTS)
    print(f"{done.total():,} acts: {dict(done.most_common())}")
    assert done.total() == len(SEEDS) * EXAMPLES * ACTS


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


# Lies told to the product. The machine is worth something only if it hears them, and soon.
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
}


# Where in life a lie shows, when life as a whole comes by there too seldom.
ABOUT = {
    "one hold is released by another": ("staff_stops", "recall", "concierge"),
    "an older event lifts a newer stop": ("consent",),
    "nobody is woken": ("visit",),
    "statuses go back": ("reports", "relay", "proposal"),
    "a complaint is no gate": ("reports", "relay", "proposal", "visit"),
}


@pytest.mark.covers("ENG-1", "ENG-7", "SUP-1", "SUP-7")
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_heard(config: Settings, servers: Servers, database_url: str, monkeypatch: Patch, lie: str):
    LIES[lie](monkeypatch)
    with pytest.raises(AssertionError, match="only the product has"):
        explore(config, database_url, servers.redis_url, 1, 20, ACTS, shrink=False, about=ABOUT.get(lie, ()))
