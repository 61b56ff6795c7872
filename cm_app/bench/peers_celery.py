"""The send as a Celery task over Valkey: prefork, late acknowledgement because it is idempotent, no
results kept, one pooled connection a process. `python -m cm_app.bench.peers_celery` queues everybody."""

import os
from typing import Any

import psycopg
from celery import Celery
from celery.signals import worker_process_init
from psycopg_pool import ConnectionPool

from cm_app.bench.peers_work import everybody, send_one
from services.kit.clock import SystemClock

BROKER = os.environ["CM_REDIS_URL"].replace("unix://", "redis+socket://", 1)
DATABASE = os.environ["CM_DATABASE_URL"]

app = Celery("peers", broker=BROKER)
app.conf.update(
    task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)  # fmt: skip
clock = SystemClock()
pools: list[ConnectionPool] = []


@worker_process_init.connect
def _open(**_: Any) -> None:
    pools.append(ConnectionPool(DATABASE, min_size=1, max_size=2, open=True))


@app.task(name="send")
def send(practice: str, contact: str) -> None:
    with pools[0].connection() as connection:
        send_one(connection, practice, contact, clock.now())


def main() -> None:
    with psycopg.connect(DATABASE) as connection:
        people = everybody(connection)
    with app.producer_pool.acquire(block=True) as producer:
        for person in people:
            send.apply_async(person, producer=producer)


if __name__ == "__main__":
    main()
