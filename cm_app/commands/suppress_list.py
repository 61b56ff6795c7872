"""`cm suppress-list …`: the block list from the command line."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

suppress_list = typer.Typer(help="Where nobody may be written to.", no_args_is_help=True)


@suppress_list.command("import")
def import_suppress_list(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV, or one entry a line.")],
    ground: Annotated[
        Literal["asked", "hard_bounce", "complaint", "legal", "other"], typer.Option(help="Why.")
    ] = "asked",
    platform: Annotated[
        bool, typer.Option("--platform", help="Put them on the list of every practice.")
    ] = False,
) -> None:
    """Put addresses, phone numbers, domains and identities on the block list."""
    from cm_app import suppress_list as lists

    asyncio.run(lists.take_file(file, ground=ground, everywhere=platform))


@suppress_list.command("show")
def show_suppress_list() -> None:
    """Print the newest entries, masked: the list cannot be read back."""
    from cm_app import suppress_list as lists

    asyncio.run(lists.show())
