"""Who gets which step when, and why not: any order of events, waits and crashes against a plain model."""

import asyncio
from collections import Counter

import pytest
from hypothesis.stateful import run_state_machine_as_test

from services.bootstrap import bootstrap
from services.engine import signals
from services.kit.clock import VirtualClock
from services.kit.embedded import Servers
from services.kit.settings import Settings
from services.suppression import queries as suppression
from tests.conftest import START
from tests.factories.practice import run
from tests.factories.proof.machine import effort, machine
from tests.factories.proof.world import Rig

EXAMPLES, STEPS = 12, 101

# Small lies told to the product. The machine is worth something only if it hears them.
LIES = [
    (suppression, "PENDING", "THEN c.campaign_type = ANY (CAST(:types AS text[]))", "THEN false"),
    (signals, "WAKE", "due_at = least(due_at, :now)", "due_at = due_at"),
]


def drive(
    config: Settings, servers: Servers, database_url: str, examples: int, *, shrink: bool = True
) -> Counter[str]:
    """Run examples of the machine; returns how often each act was done."""
    run(database_url, "SELECT cm.ensure_partitions(:day, 18)", {"day": START.date()})
    app = bootstrap(
        config=config, clock=VirtualClock(START), database_url=database_url, redis_url=servers.redis_url
    )
    done = Counter[str]()
    with asyncio.Runner() as runner:
        rig = Rig(app, database_url, runner)
        try:
            made = machine(rig, lambda name: done.update([name]))
            run_state_machine_as_test(made, settings=effort(examples, STEPS, shrink=shrink))
        finally:
            rig.close()
            runner.run(app.close())
    return done


@pytest.mark.covers("ENG-1", "ENG-2", "ENG-7", "SUP-1", "SUP-3")
def test_the_engine_does_what_the_plain_model_says(config: Settings, servers: Servers, database_url: str):
    done = drive(config, servers, database_url, EXAMPLES, shrink=False)
    assert done.total() >= EXAMPLES * (STEPS - 1)
