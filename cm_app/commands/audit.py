"""`cm export …` and `cm verify-audit`: the audit written out, and checked."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from cm_app.console import screen

exports = typer.Typer(help="Write data out.", no_args_is_help=True)


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
