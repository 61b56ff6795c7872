"""`cm replay`: events that could not be understood, with why, and putting them back (D17)."""

import orjson
from rich.table import Table

from cm_app.console import screen
from services.bootstrap import App, app
from services.kit.bus import DEAD


async def show() -> None:
    """Print every dead letter with its reason."""
    here = app()
    try:
        entries = await here.bus.redis.xrange(DEAD)
    finally:
        await here.close()
    table = Table("when", "stream", "type", "why", box=None)
    for _, fields in entries:
        table.add_row(
            *(_text(fields, name) for name in ("at", "stream")), _type(fields), _text(fields, "reason")
        )
    if entries:
        screen.print(table)
    screen.print(f"{len(entries)} dead letters. Put them back with `cm replay --all`.")


async def replay(here: App | None = None) -> int:
    """Put every dead letter back on the stream it came from; returns how many.

    Put back first and deleted after: a crash between the two repeats one, and consumers are
    idempotent.
    """
    mine = here or app()
    try:
        entries = await mine.bus.redis.xrange(DEAD)
        for entry_id, fields in entries:
            await mine.bus.redis.xadd(_text(fields, "stream"), {"event": fields[b"event"]})
            await mine.bus.redis.xdel(DEAD, entry_id)
    finally:
        if here is None:
            await mine.close()
    screen.print(f"{len(entries)} dead letters were put back on their streams.")
    return len(entries)


def _text(fields: dict[bytes, bytes], name: str) -> str:
    return fields.get(name.encode(), b"").decode(errors="replace")


def _type(fields: dict[bytes, bytes]) -> str:
    try:
        return str(orjson.loads(fields.get(b"event", b"")).get("type", "?"))
    except (orjson.JSONDecodeError, AttributeError):
        return "not readable"
