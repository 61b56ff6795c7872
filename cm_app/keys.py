"""`cm keys`: which keys data is sealed under, a new one, and taking an old one away (GOV-6)."""

from collections import Counter

from rich.table import Table

from cm_app.console import counting, problem, screen
from services.bootstrap import App, opened
from services.keys import service
from services.keys.contracts import Rotated

SHOWN = 20
"""So many values that could not be opened are named; the number says how many more there are."""


async def show(here: App | None = None) -> None:
    """Print the keys, and how many values of each column are under which. Ids only."""
    async with opened(here) as wired:
        found = await service.uses(wired)
        listed = service.keys(wired, found)
        newest = wired.keyring.newest.hex()
    table = Table("key", "where it is", "values", "", box=None)
    for key in listed:
        note = "new values" if key.id == newest else ""
        where = key.where or "[bold red]not on this machine[/bold red]"
        table.add_row(key.id, where, f"{key.values:,}", note)
    screen.print(table)
    columns: Counter[tuple[str, str]] = Counter()
    for use in found:
        columns[use.what, use.key] += use.values
    detail = Table("column", "key", "values", box=None)
    for (what, key_id), values in sorted(columns.items()):
        detail.add_row(what, key_id, f"{values:,}")
    if columns:
        screen.print(detail)


async def rotate(here: App | None = None) -> Rotated:
    """Put everything under the newest key and say what follows."""
    async with opened(here) as wired:
        with counting("Re-sealing") as advance:
            done = await service.rotate(wired, advance)
        own = service.makes_own_keys(wired)
    screen.print(f"{done.resealed:,} values were put under the key {done.key}.")
    if done.unreadable:
        problem(f"{len(done.unreadable):,} values could not be opened and stayed as they are:")
    for which, why in list(done.unreadable.items())[:SHOWN]:
        problem(f"  {which}: {why}")
    if own:
        screen.print("Back data.keys up now: without it nothing that is stored can be opened.")
    elif not done.resealed:
        screen.print(f"For a new key: {service.HOW}")
    for key in done.unused:
        screen.print(f"Nothing uses the key {key} any more. Take it away with `cm keys retire {key}`.")
    return done


async def retire(key: str, here: App | None = None) -> None:
    """Forget a key that nothing uses, or say who has to."""
    async with opened(here) as wired:
        gone = await service.retire(wired, key)
    if gone:
        screen.print(f"The key {key} is gone. Backups made before still need it: keep it with them.")
    else:
        screen.print(f"Nothing uses the key {key}. Take it out of CM_DATA_KEYS and restart every process.")
