"""`cm replay`: events that could not be understood, with why, and putting them back (D17)."""

from rich.table import Table

from cm_app.console import screen
from services.bootstrap import App, opened
from services.intake.consumer import practice_ids
from services.intake.dead_letters import dead_letters, replay_everything


async def show() -> None:
    """Print every dead letter with its reason."""
    async with opened() as here:
        letters = await dead_letters(here.bus, limit=None)
    table = Table("when", "stream", "type", "why", box=None)
    for letter in reversed(letters):
        table.add_row(letter.at.isoformat(), letter.source, letter.type, letter.reason)
    if letters:
        screen.print(table)
    screen.print(f"{len(letters)} dead letters. Put them back with `cm replay --all`.")


async def replay(here: App | None = None) -> int:
    """Put every dead letter back on the stream it came from; returns how many."""
    async with opened(here) as mine:
        count = await replay_everything(mine.uow, mine.bus, await practice_ids(mine.uow))
    screen.print(f"{count} dead letters were put back on their streams.")
    return count
