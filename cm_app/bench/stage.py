"""What several benchmarks stand on: private servers, people who may be written to, real worker processes."""

from __future__ import annotations

import math
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import create_engine, text

from services.bootstrap import App, bootstrap
from services.contracts.journey import ChannelContent, Entry, Exit, Journey, Message, Variant
from services.contracts.segment import Audience, Condition
from services.kit.clock import SystemClock
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import start_servers
from services.kit.ids import new_id
from services.kit.provision import provision
from services.kit.settings import Settings

WORKERS = 2
ROOT = Path(__file__).resolve().parents[2]

PRACTICE = (
    "INSERT INTO canonical.practice (practice_id, name, timezone, postal_address)"
    " VALUES (:practice, 'Bench', 'Europe/London', '1 High Street')",
    # A journey of many messages in a row must not run into its own frequency cap.
    "INSERT INTO cm.practice (practice_id, label, timezone, created_at, settings) VALUES (:practice, 'Bench',"
    ' \'Europe/London\', :now, \'{"caps": {"max_touches": null, "per_days": 7, "min_gap_hours": null}}\')',
)
PEOPLE = """
INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, app_user, registered_at)
SELECT :practice, uuidv7(), 'patient', 'Person', n::text, 'person' || n || '@example.com', true, :now
FROM generate_series(1, :people) n
"""
CONSENT = """
INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)
SELECT practice_id, contact_id, 'email', 'marketing', CASE WHEN last_name::int % 20 = 0 THEN 'revoked' ELSE 'granted' END, 'form', :now
FROM canonical.contact WHERE practice_id = :practice
"""
SUBJECTS = """
INSERT INTO cm.subject (practice_id, contact_id, pseudonym, first_seen_at, lane)
SELECT practice_id, contact_id, uuidv7(), :now, cm.lane(coalesce(household_id, contact_id)) FROM canonical.contact WHERE practice_id = :practice
"""
CAMPAIGN = (
    "INSERT INTO cm.campaign (practice_id, campaign_id, name, campaign_type, kind, state, active_version_id, created_by,"
    " created_at, updated_at, activated_at) VALUES (:practice, :campaign, :name, :type, :kind, :state, :version,"
    " :practice, :now, :now, :now)",
    "INSERT INTO cm.campaign_version (practice_id, version_id, campaign_id, number, content_hash, definition, editors,"
    " created_by, created_at) VALUES (:practice, :version, :campaign, 1, '-', :definition, '{}', :practice, :now)",
)
DUE = """
WITH e AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state, enrolled_at, moved_at)
  SELECT :practice, uuidv7(), :campaign, :version, s.contact_id, s.pseudonym, 'live', :now, :now
  FROM cm.subject s WHERE s.practice_id = :practice RETURNING *
)
INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane)
SELECT :practice, e.enrolment_id, :version, :step, :now, contact_id, 0, e.enrolled_at, s.pseudonym, s.lane
FROM e JOIN cm.subject s USING (practice_id, contact_id)
"""


@dataclass(frozen=True)
class Stage:
    """Running servers with the product's schema, and what a process needs to reach them."""

    config: Settings
    database_url: str
    redis_url: str

    def app(self) -> App:
        return bootstrap(
            config=self.config, clock=SystemClock(), database_url=self.database_url, redis_url=self.redis_url
        )

    def run(self, *statements: str, **values: Any) -> None:
        """Execute as the owner, outside row-level security, in one transaction."""
        engine = create_engine(owner(self.database_url))
        with engine.begin() as connection:
            for sql in statements:
                connection.execute(text(sql), values)
        engine.dispose()

    def ask(self, sql: str, **values: Any) -> list[Any]:
        engine = create_engine(owner(self.database_url))
        with engine.connect() as connection:
            rows = list(connection.execute(text(sql), values))
        engine.dispose()
        return rows

    def settle(self) -> None:
        """Statistics and a checkpoint, so that a run does not pay for its own preparation."""
        engine = create_engine(owner(self.database_url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
        engine.dispose()

    def environment(self) -> dict[str, str]:
        """For child processes: these servers, and no service manager's settings."""
        return {
            **os.environ,
            "CM_HOME": str(self.config.home),
            "CM_DATABASE_URL": self.database_url,
            "CM_REDIS_URL": self.redis_url,
            "CM_LOG_LEVEL": "warning",
        }

    @contextmanager
    def processes(
        self, commands: Sequence[Sequence[str]], name: str
    ) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Children for the length of the block: SIGTERM at its end, and waited for."""
        logs = self.config.home / "logs"
        logs.mkdir(exist_ok=True)
        running = []
        try:
            for number, command in enumerate(commands):
                with (logs / f"{name}-{number}.log").open("wb") as log:
                    running.append(
                        subprocess.Popen(
                            [sys.executable, "-m", *command], cwd=ROOT, env=self.environment(),
                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                        )
                    )  # fmt: skip
            yield running
        finally:
            for process in running:
                process.terminate()
            for process in running:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class Ended(RuntimeError):
    """A worker process ended in the middle of a measurement; the message holds its last words."""


def alive(stage: Stage, running: Sequence[subprocess.Popen[bytes]], name: str) -> None:
    """Raise Ended when one of the processes is gone."""
    for number, process in enumerate(running):
        if process.poll() is not None:
            words = (stage.config.home / "logs" / f"{name}-{number}.log").read_text(errors="replace")
            raise Ended(f"{name} {number} ended with {process.returncode}:\n{words[-2000:]}")


@contextmanager
def private_stage(*, database: Sequence[str] = ()) -> Iterator[Stage]:
    """Private servers in a temporary folder; `database` holds PostgreSQL settings as `name = value`."""
    with tempfile.TemporaryDirectory(prefix="cmb", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        config = Settings(home=home)
        servers = start_servers(home)
        try:
            if database:  # some need a restart
                engine = create_engine(owner(servers.database_url), isolation_level="AUTOCOMMIT")
                with engine.connect() as connection:
                    for setting in database:
                        connection.exec_driver_sql(f"ALTER SYSTEM SET {setting}")
                engine.dispose()
                servers.stop()
                servers = start_servers(home)
            provision(owner(servers.database_url), load_keyring(config))
            yield Stage(config, servers.database_url, servers.redis_url)
        finally:
            servers.stop()


def people(stage: Stage, number: int) -> tuple[UUID, list[UUID]]:
    """A practice of so many people; one in twenty has withdrawn consent to e-mail."""
    practice, now = new_id(), SystemClock().now()
    stage.run(*PRACTICE, PEOPLE, CONSENT, SUBJECTS, practice=practice, people=number, now=now)
    rows = stage.ask(
        "SELECT contact_id FROM canonical.contact WHERE practice_id = :practice ORDER BY last_name::int",
        practice=practice,
    )
    return practice, [row.contact_id for row in rows]


def messages(number: int, *, entry: Entry | None = None) -> Journey:
    """A journey of so many messages, each due as soon as the one before it is requested."""
    content = {"email": ChannelContent(subject="Hello", body="Hello")}
    names = [f"m{n}" for n in range(number)] + ["end"]
    return Journey(
        audience=Audience(include=[Condition(field="contact.kind", op="is", value="patient")]),
        steps=[
            entry or Entry(id="entry", next="m0"),
            *(
                Message(id=name, channels=["email"], variants=[Variant(content=content)], next=names[n + 1])
                for n, name in enumerate(names[:-1])
            ),
            Exit(id="end"),
        ],
    )


def campaign(
    stage: Stage,
    practice: UUID,
    journey: Journey,
    *,
    kind: str = "one_off",
    state: str = "active",
    due: str = "",
) -> UUID:
    """A campaign as the database holds it; `due` puts everybody at that step, due now."""
    made = {"practice": practice, "campaign": new_id(), "version": new_id(), "now": SystemClock().now()}
    sealed = load_keyring(stage.config).seal(
        journey.model_dump_json().encode(), place=f"campaign.version:{made['version']}"
    )
    stage.run(
        *CAMPAIGN, *([DUE] if due else []),
        **made, name=f"Bench {made['campaign']}", type=journey.campaign_type, kind=kind, state=state,
        definition=sealed, step=due,
    )  # fmt: skip
    return made["campaign"]


def free_port() -> int:
    """A port with two free ones behind it, as the product wants them."""
    while True:
        with ExitStack() as held:
            first = held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            try:
                for beside in (1, 2):
                    held.enter_context(socket.create_server(("127.0.0.1", first + beside)))
            except OSError:
                continue  # one of the row is taken: try another place
            return int(first)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that `share` (0 to 1) of all are not above. 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def monitor() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def show(
    bench: str, title: str, rows: Sequence[tuple[str, ...]], figures: dict[str, Any], *head: str
) -> None:
    """A table for people, then one JSON line with the figures and the machine (house rule 15)."""
    table = Table(title=title)
    for number, name in enumerate(head or ("what", "figure")):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    machine = {"cores": psutil.cpu_count(), "python": platform.python_version(), "workers": WORKERS}
    print(orjson.dumps({"bench": bench, **figures, "machine": machine}, default=_plain).decode())


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)
