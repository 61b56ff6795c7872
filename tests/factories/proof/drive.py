"""Running the machine: one seed is a fixed batch of examples, here or in processes of their own."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from hypothesis import seed as seeded
from hypothesis.stateful import get_state_machine_test

from services.bootstrap import bootstrap
from services.kit.clock import VirtualClock
from services.kit.settings import Settings
from tests.conftest import START
from tests.factories.practice import let_go, run
from tests.factories.proof.machine import effort, machine
from tests.factories.proof.world import BEGINS, MONTHS, Rig


def make_room(database_url: str) -> None:
    """The tables of the months that an example's clock can reach; nothing when they are there."""
    run(database_url, "SELECT cm.ensure_partitions(:day, :months)", {"day": BEGINS.date(), "months": MONTHS})
    let_go()  # nobody copies a database that somebody is in


def explore(
    config: Settings,
    database_url: str,
    redis_url: str,
    seed: int,
    examples: int,
    acts: int,
    shrink: bool = True,
    acted: Callable[[str], None] = lambda _: None,
    about: Sequence[str] = (),
) -> Counter[str]:
    """One seed: `examples` practices of so many acts; returns how often each act was done. Raises
    AssertionError with the shortest list of acts that shows a disagreement."""
    make_room(database_url)
    app = bootstrap(config=config, clock=VirtualClock(START), database_url=database_url, redis_url=redis_url)
    done = Counter[str]()

    def count(name: str) -> None:
        done[name] += 1
        acted(name)

    with asyncio.Runner() as runner:
        rig = Rig(app, database_url, runner)
        try:
            for again in range(examples):
                left = examples - done.total() // acts
                if left <= 0:
                    break  # Hypothesis may be content with a few less than asked for
                test = get_state_machine_test(
                    machine(rig, count, about), settings=effort(left, acts + 1, shrink=shrink)
                )
                seeded(seed + again * 1_000_003)(test)()
        finally:
            rig.close()
            runner.run(app.close())
    return done


def explore_together(
    config: Settings, database_url: str, redis_url: str, seeds: Sequence[int], examples: int, acts: int
) -> Counter[str]:
    """Several seeds at once, each in a process of its own. Without `shrink`, the first disagreement
    is told as it was found, with its seed to look closer."""
    make_room(database_url)
    done = Counter[str]()
    with ProcessPoolExecutor(len(seeds), mp_context=get_context("spawn")) as pool:
        running = [
            pool.submit(explore, config, database_url, redis_url, seed, examples, acts, False)
            for seed in seeds
        ]
        for one in running:
            done += one.result()
    return done
