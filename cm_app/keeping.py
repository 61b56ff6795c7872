"""`cm retention`: what is older than it is kept."""

from cm_app.console import screen
from services.bootstrap import App, opened
from services.privacy import retention


async def run(dry_run: bool, here: App | None = None) -> int:
    """Say what is due, and unless it is a dry run remove it; returns months and rows that are due or gone."""
    async with opened(here) as mine:
        found = await retention.due(mine)
        for line in lines(found):
            screen.print(line, markup=False)
        if dry_run:
            return len(found.months) + sum(one.count for one in found.rows)
        gone = await retention.apply(mine)
        if gone:
            screen.print("Done, and written to the audit.")
        return gone


def lines(found: retention.Due) -> list[str]:
    """What is due, a sentence each."""
    if not (found.months or found.rows):
        return ["Nothing is older than it is kept."]
    months = [f"{one.what}: {', '.join(one.names)} (before {one.before:%Y-%m-%d})" for one in found.months]
    rows = [
        f"{one.what}: {one.count:,} rows of {one.table} before {one.before:%Y-%m-%d}, practice {one.practice_id}"
        for one in found.rows
    ]
    return months + rows
