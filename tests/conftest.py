"""Real servers for every test: one private PostgreSQL and Valkey a run, one fresh database a test."""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as effort
from sqlalchemy import create_engine, make_url, text
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from services.access import passwords
from services.bootstrap import App, bootstrap
from services.engine.service import Engine
from services.intake.consumer import Intake
from services.kit.clock import VirtualClock
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import Servers, start_servers
from services.kit.provision import provision
from services.kit.settings import Settings
from tests.factories.databases import Databases
from tests.factories.ids import ids
from tests.factories.practice import let_go, make_practice
from tests.factories.world import World

START = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)  # a Monday, 11:00 in London


ONE_PRODUCT = re.compile(r"tests/e2e/(?!test_start\.py)")
"""Where tests share one running product; `test_start` starts its own."""


class Sides(LoadScopeScheduling):
    """Whichever process is free takes the next test, but those that share one product all go to one."""

    def _split_scope(self, nodeid: str) -> str:
        return "one product" if ONE_PRODUCT.match(nodeid) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sides:
    return Sides(config, log)


def pytest_configure() -> None:
    """Hypothesis draws the same examples in every run, and takes the time it takes: a test that fails is
    wrong, neither unlucky nor on a busy machine. `--hypothesis-profile default` looks further."""
    effort.register_profile(
        "the same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )  # fmt: skip
    effort.load_profile("the same")


def pytest_runtest_setup(item: pytest.Item) -> None:
    ids.begin(item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[PasswordHasher]:
    """Hashing one as in production takes a core a quarter of a second, and hundreds are hashed. Yields what
    hashes in production."""
    production = passwords._HASHER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield production


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cmt"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def config(home: Path) -> Settings:
    return Settings(
        home=home, secret_key="test-secret-test-secret-test-secret!", qa=True, api_per_stranger=10**6,
        _env_file=None,
    )  # fmt: skip


@pytest.fixture(scope="session")
def servers(home: Path, config: Settings) -> Iterator[Servers]:
    running = start_servers(home)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # a crash loses tests only
        _admin(running, f"ALTER SYSTEM SET {setting} = off")
    _admin(running, "SELECT pg_reload_conf()")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def template_database(servers: Servers, config: Settings) -> str:
    """A migrated database that every test's database is copied from."""
    name = "cm_template"
    _admin(servers, f"CREATE DATABASE {name}")
    url = owner(servers.database_url).set(database=name)
    provision(url, load_keyring(config))
    engine = create_engine(url)
    with engine.begin() as connection:  # the virtual clock's months
        connection.execute(text("SELECT cm.ensure_partitions(:day, 4)"), {"day": START.date()})
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def databases(servers: Servers, template_database: str) -> Iterator[Databases]:
    """Where tests' databases come from and go to."""
    made = Databases(owner(servers.database_url), template_database)
    yield made
    made.close()


@pytest.fixture
def database_url(servers: Servers, databases: Databases) -> Iterator[str]:
    """The owner's URL of a migrated database without a row."""
    name = databases.take()
    yield make_url(servers.database_url).set(database=name).render_as_string(hide_password=False)
    let_go()
    databases.give_back(name)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
async def app(
    config: Settings, servers: Servers, database_url: str, clock: VirtualClock
) -> AsyncIterator[App]:
    """The product's composition root on a fresh database, an empty bus and a virtual clock."""
    wired = bootstrap(config=config, clock=clock, database_url=database_url, redis_url=servers.redis_url)
    await wired.bus.redis.flushall()
    yield wired
    await wired.close()


@pytest.fixture
async def practice(app: App, database_url: str) -> UUID:
    """One empty practice known to `canonical` and to Campaign Manager."""
    return make_practice(database_url, app.clock.now())


def _admin(servers: Servers, sql: str) -> None:
    engine = create_engine(owner(servers.database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()


@pytest.fixture
async def world(app: App, practice: UUID, clock: VirtualClock) -> World:
    """One practice, an engine and an intake on the virtual clock."""
    intake = Intake(app.uow, app.bus, "test")
    await intake.prepare()
    return World(app, clock, practice, Engine(app.uow), intake)
