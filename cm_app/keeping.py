"""`cm retention`: what is older than it is kept."""

from cm_app.console import screen
from services.bootstrap import App, opened
from services.contracts.platform_api import Unconfirmed
from services.kit.errors import AppError
from services.privacy import retention, unconfirmed


async def run(dry_run: bool, here: App | None = None) -> int:
    """Say what is due, and unless it is a dry run remove it; returns how much is due or gone."""
    async with opened(here) as mine:
        found, files = await retention.due(mine), await _files(mine)
        for line in lines(found, files):
            screen.print(line, markup=False)
        if dry_run:
            rows = sum(one.count for one in found.rows)
            return len(found.months) + rows + sum(one.files for one in files)
        gone = await retention.apply(mine)
        if files:
            gone += await unconfirmed.apply(mine)
        if gone:
            screen.print("Done, and written to the audit.")
        return gone


async def _files(mine: App) -> list[Unconfirmed]:
    try:
        return await unconfirmed.due(mine)
    except AppError as error:
        screen.print(f"Files that nobody imported were not looked at. {error.message}", markup=False)
        return []


def lines(found: retention.Due, files: list[Unconfirmed]) -> list[str]:
    """What is due, a sentence each."""
    if not (found.months or found.rows or files):
        return ["Nothing is older than it is kept."]
    months = [f"{one.what}: {', '.join(one.names)} (before {one.before:%Y-%m-%d})" for one in found.months]
    rows = [
        f"{one.what}: {one.count:,} rows of {one.table} before {one.before:%Y-%m-%d}, practice {one.practice_id}"
        for one in found.rows
    ]
    return (
        months
        + rows
        + [f"Files that nobody imported: {one.files}, practice {one.practice_id}" for one in files]
    )
