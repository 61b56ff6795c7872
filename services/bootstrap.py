"""The composition root: the only door through which state, API and workers reach the services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson

from services.kit.bus import Bus
from services.kit.clock import Clock, SystemClock
from services.kit.crypto import Keyring, load_keyring
from services.kit.db import engine_for, role_url
from services.kit.errors import AppError
from services.kit.outbox import Relay
from services.kit.settings import Settings, settings
from services.kit.uow import UnitOfWork


@dataclass(frozen=True)
class App:
    """Everything a process needs. `uow(actor)` opens the one kind of transaction there is."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    bus: Bus
    uow: UnitOfWork
    relay: Relay

    async def close(self) -> None:
        await self.bus.close()
        await self.uow.engine.dispose()


def bootstrap(
    *,
    config: Settings | None = None,
    clock: Clock | None = None,
    database_url: str | None = None,
    redis_url: str | None = None,
    pooled: bool = True,
    role: str = "cm_app",
) -> App:
    """Wire one process. URLs come from the arguments, else the settings, else the running
    embedded servers' address file, which `cm up` writes into home."""
    config = config or settings()
    clock = clock or SystemClock()
    keyring = load_keyring(config)
    addresses = servers(config)
    url = role_url(database_url or addresses["database_url"], role, keyring)  # type: ignore[arg-type]
    engine = engine_for(url, pooled=pooled)
    bus = Bus(redis_url or addresses["redis_url"])
    schema = role.removeprefix("cm_").replace("app", "cm")
    uow = UnitOfWork(engine, clock, keyring, schema)
    return App(config, clock, keyring, bus, uow, Relay(engine, bus, keyring, schema))


def servers(config: Settings) -> dict[str, str]:
    """Addresses of database and bus: configured ones win, else those of the running `cm up`."""
    found: dict[str, str] = {}
    path = Path(config.home) / "servers.json"
    if path.exists():
        found = orjson.loads(path.read_bytes())
    if config.database_url:
        found["database_url"] = config.database_url.get_secret_value()
    if config.redis_url:
        found["redis_url"] = config.redis_url.get_secret_value()
    return found


@lru_cache
def app() -> App:
    """The app of this process, made once. Raises AppError when no server is known."""
    addresses = servers(settings())
    if {"database_url", "redis_url"} - addresses.keys():
        raise AppError(
            "No servers are running. Start them with `cm up`, or set CM_DATABASE_URL and CM_REDIS_URL."
        )
    return bootstrap()


@asynccontextmanager
async def opened(here: App | None = None) -> AsyncIterator[App]:
    """The app of this process for the length of a command, closed after it; one that is given stays
    open. Raises AppError when no server is known."""
    wired = here or app()
    try:
        yield wired
    finally:
        if here is None:
            await wired.close()
