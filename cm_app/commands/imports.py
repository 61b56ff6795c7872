"""`cm import …`: people brought in through the Practice Platform."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

imports = typer.Typer(help="Bring people in through the Practice Platform.", no_args_is_help=True)


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
