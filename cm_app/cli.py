"""The `cm` command. Commands are thin: each calls one function of the module it imports."""

import asyncio
import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from cm_app.commands.bench import bench
from cm_app.commands.keys import keys
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
imports = typer.Typer(help="Bring people in through the Practice Platform.", no_args_is_help=True)
exports = typer.Typer(help="Write data out.", no_args_is_help=True)
proving = typer.Typer(help="Prove the engine: against a plain model, and in races.")
app.add_typer(suppress_list, name="suppress-list")
app.add_typer(keys, name="keys")
proof = typer.Typer(help="Run a campaign with everything but the sending.", no_args_is_help=True)
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


@imports.command("leads")
def import_leads(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CRM's CSV export.")],
    consent: Annotated[
        list[str] | None,
        typer.Option(help="Channel that all rows consented to: email, sms, whatsapp, in_app."),
    ] = None,
    method: Annotated[str, typer.Option(help="How consent was given, for example web form.")] = "",
    date: Annotated[str, typer.Option(help="When consent was given, YYYY-MM-DD.")] = "",
    evidence: Annotated[str, typer.Option(help="Where the proof is kept.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Accept the guessed mapping.")] = False,
) -> None:
    """Import leads: shows the guessed column mapping, asks, imports, reports each refused row."""
    from cm_app import importing

    declaration = importing.declaration(consent or [], method=method, date=date, evidence=evidence)
    asyncio.run(importing.leads(file, declaration=declaration, confirm=None if yes else typer.confirm))


@imports.command("synthea")
def import_synthea(
    folder: Annotated[
        Path, typer.Argument(exists=True, help="Folder with Synthea's CSV files, or a zip of it.")
    ],
) -> None:
    """Import patients and visits from a Synthea export."""
    from cm_app import importing

    asyncio.run(importing.synthea(folder))


@app.command("verify-audit")
def verify_audit(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="An export; none: the live database."),
    ] = None,
) -> None:
    """Check the audit's chain, of an export or of the running database. Exit code 1 when broken."""
    from cm_app import auditing

    ok, sentences = auditing.verify_file(file) if file else asyncio.run(auditing.verify_live())
    for sentence in sentences:
        screen.print(sentence, style="" if ok else "bold red", markup=False)
    raise SystemExit(0 if ok else 1)


@exports.command("audit")
def export_audit(
    file: Annotated[Path, typer.Argument(help="Where to write; must not exist yet.")],
    format: Annotated[Literal["jsonl", "csv"], typer.Option(help="Both can be verified.")] = "jsonl",
    tag: Annotated[str, typer.Option(help="Only this act, or a family such as campaign.")] = "",
    actor: Annotated[str, typer.Option(help="Only of person:<id>, api:<id>, engine …")] = "",
    campaign: Annotated[str, typer.Option(help="Only about the campaign with this id.")] = "",
    since: Annotated[str, typer.Option(help="From this day or moment, UTC.")] = "",
    until: Annotated[str, typer.Option(help="Before this day or moment, UTC.")] = "",
) -> None:
    """Export the audit of the practice, or a part of it with its proof, to a file."""
    from cm_app import auditing

    wanted = auditing.asked(tag, actor, campaign, since, until)
    rows = asyncio.run(auditing.export(file, format, wanted))
    screen.print(f"Wrote {rows:,} lines to {file}. Check it with `cm verify-audit {file}`.", markup=False)


@exports.command("verifier")
def export_verifier(
    file: Annotated[Path, typer.Argument(help="Where to write; must not exist yet.")],
) -> None:
    """Write the program that checks an export with nothing but Python, to hand on with it."""
    from cm_app import auditing

    auditing.write_verifier(file)
    screen.print(f"Wrote {file}. Run it as: python {file} export.jsonl", markup=False)


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


@proving.callback()
def prove(
    context: typer.Context,
    operations: Annotated[
        int, typer.Option(help="How many random acts in all, earlier runs included.")
    ] = 10_000,
    seed: Annotated[int | None, typer.Option(help="Start afresh from this seed.")] = None,
    lies: Annotated[
        bool, typer.Option("--lies", help="Then plant every known fault: each must be heard.")
    ] = False,
) -> None:
    """Compare the engine with a slow, plain model, act by act; goes on where it was stopped. Exit code
    1 when a planted fault is not heard."""
    if context.invoked_subcommand is None:
        from cm_app import prove as model

        told = model.main(operations, seed=seed, progress_file=Settings().home / "prove.json", lies=lies)
        raise SystemExit(0 if told.heard == told.lies else 1)


@proving.command("races")
def prove_races(
    operations: Annotated[
        int, typer.Option(min=1, help="How many events, entries and requests at least.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Start with this round's events.")] = 0,
) -> None:
    """Race workers against events that suppress; the history must be linearizable. Exit code 1 when not."""
    from cm_app import races

    raise SystemExit(0 if races.main(operations, seed=seed).holds else 1)


@proof.command("run")
def proof_run(
    campaign: Annotated[str, typer.Argument(help="Name or id of the campaign; its draft is what runs.")],
    out: Annotated[Path, typer.Option(help="Folder for the evidence; must be new or empty.")],
) -> None:
    """Everything but the sending: who would get what, who not and why, in sealed files."""
    from cm_app import proving_ground

    asyncio.run(proving_ground.run(campaign, out))


@proof.command("check")
def proof_check(folder: Annotated[Path, typer.Argument(help="A folder that `cm proof run` wrote.")]) -> None:
    """Are the files of a proof run as they were sealed? Exit code 1 when not."""
    from cm_app import proving_ground

    wrong = proving_ground.check(folder)
    for sentence in wrong:
        problem(sentence)
    if wrong:
        raise SystemExit(1)
    screen.print("Every file is as it was sealed.")


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
