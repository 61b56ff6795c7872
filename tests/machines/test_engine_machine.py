"""Who gets which step when, and why not: any order of events, waits and stops against a plain model."""

import asyncio
from types import ModuleType

import pytest
from hypothesis.stateful import run_state_machine_as_test

from services.bootstrap import bootstrap
from services.engine import signals
from services.kit.clock import VirtualClock
from services.kit.embedded import Servers
from services.kit.settings import Settings
from services.suppression import queries as suppression
from tests.conftest import START
from tests.factories.engine_machine import effort, machine
from tests.factories.practice import run

EXAMPLES, STEPS = 24, 60

# Small lies told to the product. The machine is worth something only if it hears them.
LIES = [
    (suppression, "PENDING", "THEN c.campaign_type = ANY (CAST(:types AS text[]))", "THEN false"),
    (signals, "WAKE", "due_at = least(due_at, :now)", "due_at = due_at"),
]


def drive(
    config: Settings, servers: Servers, database_url: str, examples: int, *, shrink: bool = True
) -> None:
    run(database_url, "SELECT cm.ensure_partitions(:day, 12)", {"day": START.date()})
    app = bootstrap(
        config=config, clock=VirtualClock(START), database_url=database_url, redis_url=servers.redis_url
    )
    with asyncio.Runner() as runner:
        try:
            made = machine(app, database_url, runner)
            run_state_machine_as_test(made, settings=effort(examples, STEPS, shrink=shrink))
        finally:
            runner.run(app.close())


@pytest.mark.covers("ENG-1", "ENG-2", "ENG-7", "SUP-1", "SUP-3")
def test_the_engine_does_what_the_plain_model_says(config: Settings, servers: Servers, database_url: str):
    drive(config, servers, database_url, EXAMPLES)


@pytest.mark.covers("ENG-1", "SUP-1")
@pytest.mark.parametrize(("module", "name", "truth", "lie"), LIES, ids=[lie[1] for lie in LIES])
def test_a_lie_is_heard(
    config: Settings, servers: Servers, database_url: str, monkeypatch: pytest.MonkeyPatch,
    module: ModuleType, name: str, truth: str, lie: str,
):  # fmt: skip
    before = getattr(module, name)
    assert truth in before
    monkeypatch.setattr(module, name, before.replace(truth, lie))
    with pytest.raises(AssertionError):
        drive(config, servers, database_url, 60, shrink=False)
