"""The `cm` command. Commands are thin: each calls one function of the module it imports."""

import asyncio
import os
import sys
import tempfile
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from cm_app.commands.audit import exports, verify_audit
from cm_app.commands.bench import bench
from cm_app.commands.imports import imports
from cm_app.commands.keys import keys
from cm_app.commands.proof import proof
from cm_app.commands.prove import proving
from cm_app.commands.suppress_list import suppress_list
from cm_app.console import problem, screen
from services.kit.errors import AppError
from services.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[1]

app = typer.Typer(
    name="cm",
    help="Campaign Manager: plan, run and prove a practice's marketing journeys.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(suppress_list, name="suppress-list")
app.add_typer(keys, name="keys")
app.add_typer(proof, name="proof")
app.add_typer(imports, name="import")
app.add_typer(exports, name="export")
app.add_typer(bench, name="bench")
app.add_typer(proving, name="prove", invoke_without_command=True)


def main() -> None:
    """Run the command line. Our own errors end in their sentence and exit code 1, not a traceback."""
    _settle_home()
    try:
        app()
    except AppError as error:
        problem(error.message)
        for wrong in error.details.get("problems", []):
            problem(f"  - {wrong.get('sentence') or wrong}")
        raise SystemExit(1) from None
    except ValidationError as error:
        problem("A setting is wrong:")
        for wrong in error.errors():
            problem(f"  - CM_{'_'.join(map(str, wrong['loc'])).upper()}: {wrong['msg']}")
        raise SystemExit(2) from None


def _settle_home() -> None:
    """Make the home folder absolute, so that every process and folder means the same one."""
    home = os.environ.get("CM_HOME")
    os.environ["CM_HOME"] = str(Path(home).expanduser().resolve() if home else ROOT / ".cm")


@app.command()
def up(
    home: Annotated[Path | None, typer.Option(help="Folder for data, keys and logs.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the portal; the next two serve hub and platform.")
    ] = None,
    contacts: Annotated[int | None, typer.Option(help="Size of the generated practice.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the private servers' data first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
) -> None:
    """Start everything, print the address, stop with Ctrl-C."""
    if home is not None:
        os.environ["CM_HOME"] = str(home.expanduser().resolve())
    if port is not None:
        os.environ["CM_PORT"] = str(port)
    if contacts is not None:
        os.environ["CM_CONTACTS"] = str(contacts)
    from cm_app import up as starting

    config = Settings()
    if fresh:
        if config.database_url is not None:
            raise AppError(
                "--fresh deletes private data only; empty the database of CM_DATABASE_URL yourself."
            )
        if not yes and (config.home / "postgres").exists():
            typer.confirm(f"Delete all data in {config.home}?", abort=True)
        starting.start_over(config.home)
    starting.up(config)


@app.command()
def demo(
    port: Annotated[
        int | None, typer.Option(help="Port of the portal; the next two serve hub and platform.")
    ] = None,
    contacts: Annotated[int | None, typer.Option(help="Size of the generated practice.")] = None,
    events: Annotated[
        float, typer.Option(min=0, max=600, help="Invented events a minute: bookings, leads, visits.")
    ] = 20,
) -> None:
    """Show the product: everything in a folder of its own, lively, and gone after Ctrl-C."""
    if Settings().database_url is not None or Settings().redis_url is not None:
        raise AppError(
            "A demonstration has servers of its own. Unset CM_DATABASE_URL and CM_REDIS_URL, or use `cm seed`."
        )
    from cm_app import up as starting

    with tempfile.TemporaryDirectory(prefix="cmd", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as somebody else
        chosen = {
            "CM_HOME": folder,
            "CM_AMBIENT_PER_MINUTE": events,
            "CM_PORT": port,
            "CM_CONTACTS": contacts,
        }
        os.environ |= {name: str(value) for name, value in chosen.items() if value is not None}
        starting.up(Settings(), farewell="Nothing of the demonstration is kept.")


@app.command("test")
def run_tests(
    only: Annotated[
        list[str] | None, typer.Argument(help="Paths or pytest options; none: everything.")
    ] = None,
) -> None:
    """Lint, check types and run every test; ends in pytest's own closing line."""
    from cm_app import test_run

    raise SystemExit(test_run.run(only or []))


@app.command()
def seed() -> None:
    """Make the demonstration practice on the running (or configured) servers."""
    from cm_app.console import counting
    from cm_app.practice import ensure_practice

    config, where = _running()
    with counting("Practice") as progress:
        ready = asyncio.run(
            ensure_practice(
                config, progress=progress, database_url=where["database_url"], redis_url=where["redis_url"]
            )
        )
    screen.print(f"The practice has {ready.contacts:,} contacts.")


app.command("verify-audit")(verify_audit)


@app.command()
def replay(
    all_: Annotated[bool, typer.Option("--all", help="Replay every dead letter.")] = False,
) -> None:
    """List dead letters with their reason; with --all, put them back on their streams."""
    from cm_app import dead_letters

    asyncio.run(dead_letters.replay() if all_ else dead_letters.show())


@app.command("returned-mail")
def returned_mail(
    recipient: Annotated[str, typer.Option(help="The address that the mail came back to.")] = "",
) -> None:
    """Hand the Hub a mail that came back, from standard input: for a mail server's pipe. Exit code
    75 asks the mail server to try again."""
    from cm_app import returned

    raise SystemExit(asyncio.run(returned.take(sys.stdin.buffer.read(), recipient)))


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Delete what is older than it is kept (the scheduler does it by itself), or say what would go."""
    from cm_app import keeping

    asyncio.run(keeping.run(dry_run))


@app.command("kill-switch")
def kill_switch(
    state: Annotated[Literal["on", "off"], typer.Argument(help="on: nothing is sent any more.")],
    reason: Annotated[str, typer.Option(help="Why; every practice reads it. Needed for on.")] = "",
) -> None:
    """Stop every campaign of every practice before its next message, or release them."""
    from cm_app import kill_switch as switching

    asyncio.run(switching.switch(state == "on", reason))


@app.command()
def worker(
    name: Annotated[
        Literal["web", "engine", "hub", "platform", "notices", "intake", "journeys", "relay"],
        typer.Argument(),
    ],
) -> None:
    """Run one process in the foreground (what `cm up` starts, for your own service manager).

    `engine` is intake, journeys and relay in one; each of them also runs alone."""
    from services.kit import preflight

    config, where = _running()
    checks = preflight.machine(config, ports=False)
    preflight.refuse(checks + preflight.servers(where["database_url"], where["redis_url"]))
    from cm_app.workers.__main__ import run

    run(name)


@app.command()
def capabilities(
    missing: Annotated[bool, typer.Option("--missing", help="Only those without a test.")] = False,
) -> None:
    """Print the capability register and the tests that cover each."""
    from cm_app import register

    register.show(only_missing=missing)


@app.command()
def preflight(
    ports: Annotated[bool, typer.Option(help="Also check that the ports are free.")] = False,
) -> None:
    """Check this machine, the settings and the servers. Exit code 1 when something is wrong."""
    from cm_app import preflight_report

    raise SystemExit(0 if preflight_report.show(Settings(), ports=ports) else 1)


@app.command()
def chaos(
    kills: Annotated[int, typer.Option(min=1, help="How many times somebody is killed.")] = 300,
    seed: Annotated[int | None, typer.Option(help="Repeat the choices of an earlier run.")] = None,
    home: Annotated[Path | None, typer.Option(help="An empty folder to run in and to keep.")] = None,
) -> None:
    """Kill workers and servers at random while everything works; then the books must balance."""
    from cm_app.chaos import command
    from services.kit.clock import SystemClock

    chosen = seed if seed is not None else int(SystemClock().now().timestamp())
    raise SystemExit(command.main(kills, seed=chosen, home=home))


@app.command()
def version() -> None:
    """Print the version."""
    screen.print(installed_version("campaign-manager"))


def _running() -> tuple[Settings, dict[str, str]]:
    """Settings, and the addresses of the servers. Raises AppError when there are none."""
    from services.bootstrap import servers

    config = Settings()
    where = servers(config)
    if {"database_url", "redis_url"} - where.keys():
        raise AppError(
            "No servers are running. Start them with `cm up`, or set CM_DATABASE_URL and CM_REDIS_URL."
        )
    return config, where
