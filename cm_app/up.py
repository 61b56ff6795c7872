"""`cm up`: from an empty machine to a running product, and back down again.

Phases run in order and each says what it did; the portal builds beside them. Everything that can
be wrong on a person's machine ends in a sentence that says what to do (ENG-5).
"""

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

from cm_app import portal_build
from cm_app.console import counting, phase, say, screen
from cm_app.home_folder import end_leftovers, note_processes, only_one, write_addresses, write_private
from cm_app.practice import Ready, ensure_practice
from cm_app.supervisor import Child, Supervisor
from services.kit import preflight
from services.kit.clock import SystemClock
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import Servers, ServerTrouble, start_servers
from services.kit.errors import AppError
from services.kit.provision import partitions, provision
from services.kit.settings import Settings

ROOT = portal_build.ROOT


class DidNotStart(AppError):
    code = "did_not_start"
    status = 503


@dataclass
class Site:
    """A product that is up. `stop` takes everything down, in order."""

    config: Settings
    servers: Servers
    practice: Ready
    supervisor: Supervisor

    def stop(self) -> None:
        try:
            self.supervisor.stop()
        finally:
            self.servers.stop()
            for name in ("servers.json", "processes.json", "site.json"):
                (self.config.home / name).unlink(missing_ok=True)


@contextlib.contextmanager
def running(config: Settings) -> Iterator[Site]:
    """The product, up for the length of the block. Raises AppError with a sentence that helps."""
    config.home.mkdir(parents=True, exist_ok=True)
    with only_one(config.home), contextlib.ExitStack() as undo:
        end_leftovers(config.home)
        with phase("Checking this machine"):
            preflight.refuse([*preflight.machine(config), _node()])
        portal = _begin_build(config)
        if portal is not None:
            undo.callback(portal.abandon)
        with phase("Keys"):
            keyring = load_keyring(config)
        with phase("PostgreSQL and Valkey") as done:
            servers = start_servers(
                config.home, database_url=_plain(config.database_url), redis_url=_plain(config.redis_url)
            )
            undo.callback(servers.stop)
            done(
                "PostgreSQL and Valkey: "
                + ("yours" if config.database_url else "private, in the home folder")
            )
        with phase("Database roles and migrations"):
            url = owner(servers.database_url)
            provision(url, keyring)
            partitions(url, SystemClock().now().date() - timedelta(days=31), months=5)
        practice = _practice(config, servers)
        write_addresses(config.home, servers)
        undo.callback((config.home / "servers.json").unlink, missing_ok=True)
        _finish_build(portal)
        site = Site(config, servers, practice, Supervisor(_children(config), say, lambda: _revive(servers)))
        undo.callback(site.stop)
        _start(site)
        write_private(config.home / "site.json", _description(site))
        yield site


KEPT = "Your data is kept; start again with `cm up`."


def up(config: Settings, *, farewell: str = KEPT) -> None:
    """Run until Ctrl-C or SIGTERM; a second one does not wait. `farewell` says what becomes of the data."""
    with _Interrupt() as interrupt:
        try:
            with running(config) as site:
                interrupt.supervisor = site.supervisor
                welcome(site)
                try:
                    site.supervisor.run()
                finally:
                    screen.print("Stopping …")
        except KeyboardInterrupt:
            screen.print(f"[green]✓[/green] Stopped. {farewell}")


def start_over(home: Path) -> None:
    """Delete the private servers' data. Keys and logs stay."""
    with only_one(home):
        end_leftovers(home)
        for name in ("postgres", "valkey"):
            shutil.rmtree(home / name, ignore_errors=True)


def _practice(config: Settings, servers: Servers) -> Ready:
    with phase("Practice") as done:
        with counting("Practice") as progress:
            ready = asyncio.run(
                ensure_practice(
                    config,
                    database_url=servers.database_url,
                    redis_url=servers.redis_url,
                    progress=progress,
                )
            )
        done(f"Practice with {ready.contacts:,} contacts")
    return ready


def _begin_build(config: Settings) -> portal_build.Build | None:
    if portal_build.is_fresh():
        return None
    return portal_build.Build(config.home / "logs" / "portal-build.log")


def _finish_build(portal: portal_build.Build | None) -> None:
    with phase("Building the portal (once, and when its code changes)") as done:
        if portal is not None:
            portal.finish()
        done("Portal built" if portal is not None else "Portal is already built")


def _start(site: Site) -> None:
    with phase("Starting web, notices, intake, journeys, relay, hub and platform"):
        site.supervisor.start()
        note_processes(site.config.home, site.supervisor.children)
        late = site.supervisor.wait_until_healthy()
        if late:
            raise DidNotStart(
                "\n".join(
                    f"{child.name} did not start. Its log, {child.log}, ends:\n{child.last_words()}"
                    for child in late
                )
            )


def _revive(servers: Servers) -> None:
    """A private server that died is started again, as any child; the workers wait for it."""
    try:
        for name in servers.revive():
            say(f"{name} stopped by itself and was started again.")
    except ServerTrouble as error:
        say(f"{error.message} Trying again.")


def _children(config: Settings) -> list[Child]:
    """In the order of stopping: what people reach first, what delivers last."""
    probe = config.host if config.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    health = {
        "web": f"http://{probe}:{config.port}/ping",
        "platform": f"http://{probe}:{config.platform_port}/health",
        "notices": "",  # by itself: whoever something came in about is left alone from that moment
        "intake": "",
        "journeys": "",
        "relay": "",
        "hub": f"http://{probe}:{config.hub_port}/healthz",
    }
    without = {name for name in ("hub", "platform") if getattr(config, name) == "external"}
    return [
        Child(
            name,
            [sys.executable, "-m", "cm_app.workers", name],
            config.home / "logs" / f"{name}.log",
            ROOT,
            health[name],
            _environment(config),
        )
        for name in health
        if name not in without
    ]


def _environment(config: Settings) -> dict[str, str]:
    """The settings that flags may have changed, as the children will read them."""
    return {
        "CM_HOME": str(config.home),
        "CM_HOST": config.host,
        "CM_PORT": str(config.port),
        "CM_HUB_PORT": str(config.hub_port),
        "CM_PLATFORM_PORT": str(config.platform_port),
        "CM_QA": str(config.qa).lower(),
        "CM_CONTACTS": str(config.contacts),
        "CM_API_PER_CALLER": str(config.api_per_caller),
        "CM_API_PER_PRACTICE": str(config.api_per_practice),
        "PATH": portal_build.tools_path(),
        "PYTHONUNBUFFERED": "1",
    }


def _node() -> preflight.Check:
    trouble = portal_build.node_problem()
    return preflight.Check("node", not trouble, trouble or "Node.js is here to build the portal.")


def _plain(value: object) -> str | None:
    return value.get_secret_value() if value is not None else None  # type: ignore[attr-defined]


def _description(site: Site) -> bytes:
    """What a tester or a script needs to find its way: addresses, practice, demo people."""
    return orjson.dumps(
        {
            "portal": site.config.address(),
            "hub": site.config.hub_address(),
            "platform": site.config.platform_address(),
            "practice_id": str(site.practice.practice_id),
            "people": {person.role: _person(site, person) for person in site.practice.people},
        }
    )


def _person(site: Site, person: Any) -> dict[str, str]:
    return {"login": person.login, "password": person.password, "name": person.display_name} | (
        {"totp_secret": person.totp_secret} if site.config.qa else {}
    )


class _Interrupt:
    """First Ctrl-C or SIGTERM: stop in order, from wherever we are. Second: kill the children."""

    def __init__(self) -> None:
        self.supervisor: Supervisor | None = None
        self._seen = False

    def __enter__(self) -> "_Interrupt":
        self._before = {number: signal.signal(number, self._on) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on(self, *_: object) -> None:
        if not self._seen:
            self._seen = True
            raise KeyboardInterrupt
        if self.supervisor is not None:
            self.supervisor.kill()


def welcome(site: Site) -> None:
    """Print where the product is and who may sign in."""
    screen.print()
    screen.print(f"  Campaign Manager is ready: [bold]{site.config.address()}[/bold]", soft_wrap=True)
    if site.practice.people:
        table = Table(title="People of the demonstration practice", title_justify="left", box=None)
        for column in ("sign-in name", "password", "who they are"):
            table.add_column(column, no_wrap=column != "who they are")
        for person in site.practice.people:
            role = person.role.replace("_", " ")
            table.add_row(person.login, person.password, f"{person.display_name}, {role}: {person.what}")
        screen.print(table)
    if site.config.hub == "bundled" and site.config.environment != "production":
        screen.print(f"  Messages that would have gone out: {_outbox(site)}", soft_wrap=True)
    screen.print("  Stop with Ctrl-C.\n")


def _outbox(site: Site) -> str:
    from services.neighbours.hub.web import outbox_url

    return outbox_url(site.config, load_keyring(site.config), site.practice.practice_id)
