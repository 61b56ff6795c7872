"""`cm proof …`: a campaign run with everything but the sending."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cm_app.console import problem, screen

proof = typer.Typer(help="Run a campaign with everything but the sending.", no_args_is_help=True)


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
