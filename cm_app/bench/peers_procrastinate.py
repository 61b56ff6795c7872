"""The send as a Procrastinate task: asynchronous, ten at a time a process, its own connection pool.

`python -m cm_app.bench.peers_procrastinate queue` queues everybody, `… work` is one worker.
"""

import asyncio
import os
import sys

import psycopg
from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool

from cm_app.bench.peers_work import everybody, send_one_async
from services.kit.clock import SystemClock

DATABASE = os.environ["CM_DATABASE_URL"]
CONCURRENCY = 10

app = App(connector=PsycopgConnector(conninfo=DATABASE, min_size=2, max_size=CONCURRENCY))
pool = AsyncConnectionPool(DATABASE, min_size=2, max_size=CONCURRENCY, open=False)
clock = SystemClock()


@app.task(name="send")
async def send(practice: str, contact: str) -> None:
    async with pool.connection() as connection:
        await send_one_async(connection, practice, contact, clock.now())


async def queue() -> None:
    with psycopg.connect(DATABASE) as connection:
        people = everybody(connection)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for low in range(0, len(people), 1_000):
            part = people[low : low + 1_000]
            await send.batch_defer_async(*({"practice": p, "contact": c} for p, c in part))


async def work() -> None:
    async with pool, app.open_async():
        await app.run_worker_async(concurrency=CONCURRENCY)


if __name__ == "__main__":
    asyncio.run(queue() if sys.argv[1] == "queue" else work())
