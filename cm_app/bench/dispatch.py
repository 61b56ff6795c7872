"""`cm bench dispatch`: due enrolments through the real engine, every gate on, sealed audit included.

Its limit is measured in the same run: the same rows copied by raw `INSERT … SELECT` into empty
tables of the same shape and indexes, on the same server.
"""

import asyncio
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import orjson
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import create_engine, text

from services.audit.service import seal_once
from services.bootstrap import App, bootstrap
from services.contracts.journey import ChannelContent, Entry, Exit, Journey, Message, Variant, Wait, WaitFor
from services.contracts.segment import Audience, Condition
from services.engine.service import Engine
from services.kit.actor import system
from services.kit.clock import SystemClock
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import start_servers
from services.kit.ids import new_id
from services.kit.provision import provision
from services.kit.settings import Settings

WORKERS = 2
COPIED = ("dispatch", "outbox", "audit")

PEOPLE = """
INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, phone, app_user, household_id, registered_at)
SELECT :practice, uuidv7(), 'patient', 'Person', n::text, 'person' || n || '@example.com', NULL, n % 3 = 0,
  CASE WHEN n % 4 = 0 THEN gen_random_uuid() END, :now FROM generate_series(1, :rows) n
"""
CONSENT = """
INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)
SELECT practice_id, contact_id, channel, 'marketing', 'granted', 'form', :now
FROM canonical.contact CROSS JOIN (VALUES ('email'), ('in_app')) c(channel) WHERE practice_id = :practice
"""
SUPPRESSED = """
INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, channel, applied_by, applied_at)
SELECT practice_id, uuidv7(), contact_id, 'STOP', 'channel', 'sms', 'bench', :now FROM canonical.contact
WHERE practice_id = :practice AND last_name::int % 20 = 0
"""
ENROLLED = """
WITH s AS (
  INSERT INTO cm.subject (practice_id, contact_id, pseudonym, first_seen_at)
  SELECT practice_id, contact_id, uuidv7(), :now FROM canonical.contact WHERE practice_id = :practice RETURNING *
), e AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state, step_id, enrolled_at, moved_at)
  SELECT :practice, uuidv7(), :campaign, :version, contact_id, pseudonym, 'live', 'hello', :now, :now FROM s RETURNING *
)
INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no)
SELECT :practice, enrolment_id, :version, 'hello', :now, contact_id, 0 FROM e
"""


@dataclass(frozen=True)
class Figures:
    """What one run measured. Rates are a minute; `ratio` is engine over raw."""

    rows: int
    requested: int
    seconds: float
    steps_per_minute: float
    raw_seconds: float
    raw_rows_per_minute: float
    ratio: float
    sealed_batches: int
    peak_memory_mb: float


def main(rows: int = 100_000) -> Figures:
    """Run on private servers in a temporary folder; print a table and one JSON line."""
    with tempfile.TemporaryDirectory(prefix="cmb", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        config = Settings(home=home)
        servers = start_servers(home)
        try:
            provision(owner(servers.database_url), load_keyring(config))
            figures = asyncio.run(_measure(config, servers.database_url, servers.redis_url, rows))
        finally:
            servers.stop()
    _show(figures)
    return figures


async def _measure(config: Settings, database_url: str, redis_url: str, rows: int) -> Figures:
    app = bootstrap(config=config, clock=SystemClock(), database_url=database_url, redis_url=redis_url)
    practice = await _prepare(app, database_url, rows)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("Dispatching", total=rows)
        stop = asyncio.Event()
        sealer = asyncio.create_task(_seal(app, practice, stop))
        begun = time.perf_counter()
        requested = sum(
            await asyncio.gather(
                *(_work(app, practice, lambda n: progress.advance(bar, n)) for _ in range(WORKERS))
            )
        )
        stop.set()
        sealed = await sealer
        seconds = time.perf_counter() - begun
    await app.close()
    raw = _raw(database_url, rows)
    return Figures(
        rows, requested, seconds, requested / seconds * 60, raw, rows / raw * 60, raw / seconds, sealed,
        psutil.Process().memory_info().rss / 2**20,
    )  # fmt: skip


async def _work(app: App, practice: UUID, advance) -> int:
    engine, total = Engine(app.uow), 0
    while done := await engine.run_once(practice):
        total += done.requested
        advance(done.requested)
    return total


async def _seal(app: App, practice: UUID, stop: asyncio.Event) -> int:
    """The scheduler's tick, beside the work, and once more after it."""
    sealed = 0
    while True:
        last = stop.is_set()
        async with app.uow(system(practice, "scheduler")) as u:
            sealed += await seal_once(u)
        if last:
            return sealed
        await asyncio.sleep(0.2)


async def _prepare(app: App, database_url: str, rows: int) -> UUID:
    practice, campaign, version = new_id(), new_id(), new_id()
    now = app.clock.now()
    content = {c: ChannelContent(subject="Hello", body="Hello") for c in ("email", "in_app")}
    journey = Journey(
        audience=Audience(include=[Condition(field="contact.kind", op="is", value="patient")]),
        steps=[
            Entry(id="entry", next="hello"),
            Message(
                id="hello", channels=["email", "in_app"], variants=[Variant(content=content)], next="pause"
            ),
            Wait(id="pause", until=WaitFor(minutes=1440), next="end"),
            Exit(id="end"),
        ],
    )
    sealed = app.keyring.seal(journey.model_dump_json().encode(), place=f"campaign.version:{version}")
    engine = create_engine(owner(database_url))
    bind = {"practice": practice, "campaign": campaign, "version": version, "now": now, "rows": rows}
    with engine.begin() as c:
        c.execute(
            text(
                "INSERT INTO canonical.practice (practice_id, name, timezone, postal_address) VALUES (:practice, 'Bench', 'Europe/London', '1 High Street')"
            ),
            bind,
        )
        c.execute(
            text(
                "INSERT INTO cm.practice (practice_id, label, timezone, created_at) VALUES (:practice, 'Bench', 'Europe/London', :now)"
            ),
            bind,
        )
        c.execute(
            text(
                "INSERT INTO cm.campaign (practice_id, campaign_id, name, campaign_type, kind, state, active_version_id, created_by, created_at, updated_at, activated_at) VALUES (:practice, :campaign, 'Bench', 'nurture', 'one_off', 'active', :version, :practice, :now, :now, :now)"
            ),
            bind,
        )
        c.execute(
            text(
                "INSERT INTO cm.campaign_version (practice_id, version_id, campaign_id, number, content_hash, definition, editors, created_by, created_at) VALUES (:practice, :version, :campaign, 1, '-', :definition, '{}', :practice, :now)"
            ),
            {**bind, "definition": sealed},
        )
        for sql in (PEOPLE, CONSENT, SUPPRESSED, ENROLLED):
            c.execute(text(sql), bind)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.exec_driver_sql("VACUUM ANALYZE")
        c.exec_driver_sql("CHECKPOINT")
    engine.dispose()
    return practice


def _raw(database_url: str, rows: int) -> float:
    """Seconds to copy what the engine wrote, in batches of 5,000, by two connections' worth of work."""
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as c:
        for name in COPIED:
            c.exec_driver_sql(f"CREATE TABLE raw_{name} (LIKE cm.{name} INCLUDING ALL)")
            c.exec_driver_sql(
                f"CREATE TEMP TABLE src_{name} AS SELECT *, row_number() OVER () AS nth FROM cm.{name}"
            )
            c.exec_driver_sql(f"CREATE INDEX ON src_{name} (nth)")
        c.exec_driver_sql("CHECKPOINT")
        columns = {
            name: ", ".join(
                r[0]
                for r in c.execute(
                    text(
                        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'cm' AND table_name = :n ORDER BY ordinal_position"
                    ),
                    {"n": name},
                )
            )
            for name in COPIED
        }
        begun = time.perf_counter()
        for low in range(0, rows, 5_000):
            for name in COPIED:
                c.exec_driver_sql(
                    f"INSERT INTO raw_{name} ({columns[name]}) SELECT {columns[name]} FROM src_{name}"
                    f" WHERE nth > {low} AND nth <= {low + 5_000}"
                )
        seconds = time.perf_counter() - begun
    engine.dispose()
    return seconds


def _show(figures: Figures) -> None:
    table = Table(title="Dispatch, every gate on, audit sealed")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_row("due enrolments", f"{figures.rows:,}")
    table.add_row("requested", f"{figures.requested:,}")
    table.add_row("seconds", f"{figures.seconds:.2f}")
    table.add_row("steps a minute", f"{figures.steps_per_minute:,.0f}")
    table.add_row("raw INSERT … SELECT, rows a minute into each table", f"{figures.raw_rows_per_minute:,.0f}")
    table.add_row("ratio to raw", f"{figures.ratio:.2f}")
    screen = Console()
    screen.print(table)
    machine = {"cores": psutil.cpu_count(), "python": platform.python_version(), "workers": WORKERS}
    print(orjson.dumps({"bench": "dispatch", **vars(figures), "machine": machine}).decode())
