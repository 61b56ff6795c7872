"""What must hold before the product runs (ENG-5): a list of checks, each with its cure.

`machine` needs nothing running; `servers` talks to the database and the bus. In production the
settings are judged too: no QA mode, a secret key from the outside, TLS to every server that is not
on this machine (D28).
"""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from services.kit.crypto import wrong_with_data_keys, wrong_with_root
from services.kit.db import ROLES, owner
from services.kit.embedded import half_initialised
from services.kit.errors import AppError
from services.kit.settings import Settings

OLDEST_POSTGRES = 180000
LOOPBACK = {"", "localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `sentence` says what was found, `cure` what to do (empty when all is well)."""

    name: str
    ok: bool
    sentence: str
    cure: str = ""


class NotReady(AppError):
    """Preflight failed; the message holds every failing check's sentence and cure."""

    code = "not_ready"
    status = 503


def refuse(checks: list[Check]) -> None:
    """Raise NotReady when a check failed; otherwise do nothing."""
    failed = [check for check in checks if not check.ok]
    if failed:
        raise NotReady("\n".join(f"{c.sentence} {c.cure}".strip() for c in failed))


def machine(config: Settings, *, ports: bool = True) -> list[Check]:
    """Checks that need no server: Python, home, keys, ports and, in production, the settings."""
    checks = [_python(), _home(config), _keys(config), _data_keys(config)]
    if config.database_url is None:
        checks.append(_data_folder(config))
    if ports:
        checks += [_port(config.host, port, name) for port, name in _ports(config)]
    if config.environment == "production":
        checks += production(config)
    return checks


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "python",
        sys.version_info >= (3, 11),
        f"Python {found} is in use.",
        "" if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: install it and run again.",
    )


def _home(config: Settings) -> Check:
    folder = config.home if config.home.exists() else config.home.parent
    ok = not (config.home.exists() and not config.home.is_dir()) and os.access(folder, os.W_OK)
    return Check(
        "home folder",
        ok,
        f"Data, keys and logs live in {config.home}." if ok else f"{config.home} cannot be written.",
        "" if ok else "Give another folder with --home or CM_HOME.",
    )


def _keys(config: Settings) -> Check:
    if config.secret_key is None:
        return Check("secret key", True, "The root key is a private file in the home folder.")
    return _unless("secret key", wrong_with_root(config), "The root key comes from CM_SECRET_KEY.")


def _data_keys(config: Settings) -> Check:
    where = "come from CM_DATA_KEYS" if config.data_keys else "are made by `cm keys rotate`"
    return _unless("data keys", wrong_with_data_keys(config), f"Keys that data is sealed under {where}.")


def _unless(name: str, wrong: tuple[str, str] | None, well: str) -> Check:
    return Check(name, True, well) if wrong is None else Check(name, False, *wrong)


def _data_folder(config: Settings) -> Check:
    folder = config.home / "postgres"
    ok = not half_initialised(folder)
    return Check(
        "data folder",
        ok,
        "The private database's folder is in order."
        if ok
        else f"The data folder {folder} is half-initialised: a first start was cut off.",
        "" if ok else "It holds nothing yet. Start again with `cm up --fresh`.",
    )


def _ports(config: Settings) -> Iterator[tuple[int, str]]:
    yield config.port, "port"
    if config.hub == "bundled":
        yield config.hub_port, "hub_port"
    if config.platform == "bundled":
        yield config.platform_port, "platform_port"


def _port(host: str, port: int, setting: str) -> Check:
    free = _is_free(host, port)
    cure = "Choose another with `cm up --port 4000`" if setting == "port" else "Choose another with --port"
    return Check(
        f"port {port}",
        free,
        f"Port {port} is free." if free else f"Port {port} is taken by another program.",
        "" if free else f"{cure}, or set CM_{setting.upper()}.",
    )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of the last run in TIME_WAIT does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def production(config: Settings) -> list[Check]:
    """What only production refuses (D28)."""
    return [
        _rule("QA mode", not config.qa, "QA mode is on.", "Remove CM_QA: it can move the clock."),
        _rule(
            "secret key from outside",
            config.secret_key is not None,
            "No CM_SECRET_KEY is set.",
            "Set it from your secret store, so that the key does not live beside the data.",
        ),
        _rule(
            "database over TLS",
            _database_is_private(config),
            "The database is reached over the network without TLS.",
            "Add sslmode=verify-full (or require) to CM_DATABASE_URL.",
        ),
        _rule(
            "bus over TLS",
            _tls(_secret(config.redis_url), {"rediss", "unix"}),
            "The bus is reached over the network without TLS.",
            "Use a rediss:// address in CM_REDIS_URL.",
        ),
        _rule(
            "mail over TLS",
            _tls(_secret(config.smtp_url), {"smtps"}),
            "The mail server is reached over the network without TLS.",
            "Use an smtps:// address in CM_SMTP_URL.",
        ),
        _rule(
            "gateways over TLS",
            _tls(config.sms_gateway_url, {"https"}) and _tls(config.whatsapp_gateway_url, {"https"}),
            "An SMS or WhatsApp gateway is reached over the network without TLS.",
            "Use https:// in CM_SMS_GATEWAY_URL and CM_WHATSAPP_GATEWAY_URL.",
        ),
        _rule(
            "hub over TLS",
            _tls(config.hub_url, {"https"}),
            "The Communication Hub is asked over the network without TLS.",
            "Use https:// in CM_HUB_URL.",
        ),
        _rule(
            "hub token",
            not config.hub_url or config.hub_token is not None,
            "CM_HUB_URL is set, but no CM_HUB_TOKEN.",
            "Set the token that your Hub gave you, so that it answers.",
        ),
        _rule(
            "portal over TLS",
            _tls(config.public_url, {"https"}),
            "People would reach the portal without TLS.",
            "Set CM_PUBLIC_URL to the https:// address of your proxy.",
        ),
        _rule(
            "links over TLS",
            _tls(config.hub_public_url, {"https"}),
            "Links in messages would not use TLS.",
            "Set CM_HUB_PUBLIC_URL to the https:// address of your proxy.",
        ),
    ]


def _rule(name: str, ok: bool, problem: str, cure: str) -> Check:
    return Check(name, ok, f"{name[0].upper()}{name[1:]}: in order." if ok else problem, "" if ok else cure)


def _secret(value: object) -> str:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else ""


def _tls(url: str, schemes: set[str]) -> bool:
    parts = urlsplit(url)
    return parts.scheme in schemes or (parts.hostname or "") in LOOPBACK


def _database_is_private(config: Settings) -> bool:
    parts = urlsplit(_secret(config.database_url))
    options = parse_qs(parts.query)
    host = options.get("host", [parts.hostname or ""])[0]
    if host in LOOPBACK or host.startswith("/"):
        return True
    return options.get("sslmode", [""])[0] in {"require", "verify-ca", "verify-full"}


def servers(database_url: str, redis_url: str) -> list[Check]:
    """Checks of running servers: version, roles, migrations, the bus and its durability."""
    return [*_attempt("database", lambda: _database(database_url)), *_attempt("bus", lambda: _bus(redis_url))]


def _attempt(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    from redis.exceptions import RedisError

    try:
        return look()
    except (SQLAlchemyError, RedisError, OSError) as error:
        first = str(error).splitlines()[0]
        return [
            Check(
                name, False, f"The {name} does not answer: {first}.", "Is it running, is the address right?"
            )
        ]


def _database(url: str) -> list[Check]:
    engine = create_engine(owner(url))
    try:
        with engine.connect() as connection:
            version = int(connection.scalar(text("SHOW server_version_num")) or 0)
            roles = connection.scalar(
                text("SELECT count(*) FROM pg_roles WHERE rolname = ANY(:roles)"), {"roles": list(ROLES)}
            )
            table = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
            at = connection.scalar(text("SELECT version_num FROM alembic_version")) if table else None
    finally:
        engine.dispose()
    head = migration_head()
    return [
        _rule(
            "database version",
            version >= OLDEST_POSTGRES,
            f"PostgreSQL {version // 10000} is too old.",
            "PostgreSQL 18 or later is needed.",
        ),
        _rule("database roles", roles == len(ROLES), "The login roles are missing.", "`cm up` creates them."),
        _rule(
            "migrations",
            at == head,
            f"The database is at migration {at or 'none'}, the code at {head}.",
            "`cm up` migrates; run it once, or `alembic upgrade head`.",
        ),
    ]


def migration_head() -> str:
    """The newest migration of the code."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    root = Path(__file__).resolve().parents[2]
    return str(ScriptDirectory.from_config(Config(toml_file=str(root / "pyproject.toml"))).get_current_head())


def _bus(url: str) -> list[Check]:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with redis.Redis.from_url(url, socket_connect_timeout=3, retry=Retry(NoBackoff(), 0)) as client:
        alive = bool(client.ping())
        info = client.info("persistence")
    durable = bool(isinstance(info, dict) and info.get("aof_enabled"))
    return [
        _rule("bus", alive, "The bus does not answer.", "Is it running, is CM_REDIS_URL right?"),
        _rule(
            "bus durability",
            durable,
            "The bus keeps events in memory only.",
            "Switch its append-only file on (appendonly yes).",
        ),
    ]
