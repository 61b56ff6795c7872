"""Who gets which step when, and why not: any order of events, waits and stops against a plain model."""

import asyncio

import pytest
from hypothesis.stateful import run_state_machine_as_test

from services.bootstrap import bootstrap
from services.kit.clock import VirtualClock
from services.kit.embedded import Servers
from services.kit.settings import Settings
from tests.conftest import START
from tests.factories.engine_machine import effort, machine
from tests.factories.practice import run

EXAMPLES, STEPS = 25, 50


@pytest.mark.covers("ENG-1", "ENG-2", "ENG-7", "SUP-1", "SUP-3")
def test_the_engine_does_what_the_plain_model_says(config: Settings, servers: Servers, database_url: str):
    run(database_url, "SELECT cm.ensure_partitions(:day, 12)", {"day": START.date()})
    app = bootstrap(
        config=config, clock=VirtualClock(START), database_url=database_url, redis_url=servers.redis_url
    )
    with asyncio.Runner() as runner:
        made = machine(app, database_url, runner)
        run_state_machine_as_test(made, settings=effort(EXAMPLES, STEPS))
        runner.run(app.close())
