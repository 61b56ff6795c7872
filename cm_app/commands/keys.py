"""`cm keys …`: the keys that data is sealed under."""

import asyncio
from typing import Annotated

import typer

keys = typer.Typer(help="The keys that data is sealed under.", no_args_is_help=True)


@keys.command("status")
def status() -> None:
    """How many sealed values of each column are under which key; ids only."""
    from cm_app import keys as at_work

    asyncio.run(at_work.show())


@keys.command("rotate")
def rotate() -> None:
    """Put everything stored under a new key, while the system runs. Stopped, it goes on when run again."""
    from cm_app import keys as at_work

    asyncio.run(at_work.rotate())


@keys.command("retire")
def retire(key: Annotated[str, typer.Argument(help="Its id, as `cm keys status` shows it.")]) -> None:
    """Take a key away that nothing uses any more."""
    from cm_app import keys as at_work

    asyncio.run(at_work.retire(key))
