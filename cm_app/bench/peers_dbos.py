"""The send as a DBOS workflow with one transaction, whose completion DBOS records in that transaction.

`python -m cm_app.bench.peers_dbos queue` queues everybody, `… work` is one worker. The queue is asked
every 50 ms instead of every second, or the waiting would be most of what is measured.
"""

import os
import signal
import sys
import threading

import psycopg
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource
from sqlalchemy import create_engine, make_url

from cm_app.bench.peers_work import everybody, send_one
from services.kit.clock import SystemClock

DATABASE = os.environ["CM_DATABASE_URL"]
URL = make_url(DATABASE).set(drivername="postgresql+psycopg")
SYSTEM = URL.set(database="peer_dbos").render_as_string(hide_password=False)
QUEUE, VERSION, CONCURRENCY = "sends", "bench", 20

clock = SystemClock()
store = SQLAlchemyDatasource.create(
    URL.render_as_string(hide_password=False), engine_kwargs={"pool_size": CONCURRENCY}
)


@store.transaction()
def record(practice: str, contact: str) -> None:
    driver = store.sql_session().connection().connection.driver_connection
    send_one(driver, practice, contact, clock.now())


@DBOS.workflow(name="send")
def send(practice: str, contact: str) -> None:
    record(practice, contact)


def launch(*queues: str, name: str) -> None:
    DBOS(
        config={
            "name": "peers", "system_database_url": SYSTEM, "application_version": VERSION,
            "executor_id": name, "log_level": "WARNING", "sys_db_pool_size": CONCURRENCY,
        }
    )  # fmt: skip
    DBOS.listen_queues(queues)
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=CONCURRENCY, polling_interval_sec=0.05)


def queue() -> None:
    launch(name="queueing")
    with psycopg.connect(DATABASE) as connection:
        people = everybody(connection)
    client = DBOSClient(system_database_url=SYSTEM, application_name="peers")
    with create_engine(SYSTEM).begin() as connection:
        for practice, contact in people:
            client.enqueue_in_transaction(
                connection,
                {"workflow_name": "send", "queue_name": QUEUE, "app_version": VERSION},
                practice,
                contact,
            )
    client.destroy()
    DBOS.destroy()


def work() -> None:
    launch(QUEUE, name=f"worker-{os.getpid()}")
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    stopping.wait()
    DBOS.destroy()


if __name__ == "__main__":
    queue() if sys.argv[1] == "queue" else work()
