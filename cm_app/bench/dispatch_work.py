"""The engine's workers and the sealer, as `cm bench dispatch` drives them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.audit.service import seal_once
from services.bootstrap import App
from services.engine.service import Engine
from services.kit.actor import system

SEAL_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Done:
    moved: int
    requested: int
    seconds: float
    sealed: int


def engines(app: App, workers: int) -> list[Engine]:
    """They live as long as the benchmark, as those of a worker process do: what they know, they keep."""
    return [Engine(app.uow, name=f"engine-{n}") for n in range(workers)]


async def crew(
    app: App,
    practice: UUID,
    crewed: list[Engine],
    enough: Callable[[int, float], bool],
    *,
    advance: Callable[[int], object],
) -> Done:
    """The engines, a worker each, take due people until `enough(people moved, seconds)` or nobody is due;
    the last batch is sealed inside the measured time."""
    begun, moved, requested = time.perf_counter(), 0, 0

    async def work(engine: Engine) -> None:
        nonlocal moved, requested
        while not enough(moved, time.perf_counter() - begun):
            done = await engine.run_once(practice)
            if not done:
                return
            moved += done.moved
            requested += done.requested
            advance(done.moved)

    stop = asyncio.Event()
    sealer = asyncio.create_task(_seal(app, practice, stop))
    await asyncio.gather(*(work(engine) for engine in crewed))
    stop.set()
    sealed = await sealer
    return Done(moved, requested, time.perf_counter() - begun, sealed)


async def _seal(app: App, practice: UUID, stop: asyncio.Event) -> int:
    """The scheduler's tick, beside the work, and once more after it."""
    sealed = 0
    while True:
        last = stop.is_set()
        async with app.uow(system(practice, "scheduler")) as u:
            sealed += await seal_once(u)
        if last:
            return sealed
        try:
            await asyncio.wait_for(stop.wait(), SEAL_EVERY)
        except TimeoutError:
            continue
