"""Who has a page open now: one short-lived note a browser tab, in Redis, gone when it is silent.

It is company, not a lock: nothing is decided by it, and losing it loses nothing.
"""

import json
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from services.kit.bus import Bus

SILENT = timedelta(seconds=16)
"""After this long without a word a tab counts as gone; open pages speak every five seconds."""


@dataclass(frozen=True)
class Here:
    """One tab. `at` is what it has open there, such as a step; empty for nothing."""

    tab: str
    person_id: str
    name: str
    at: str = ""


async def arrive(bus: Bus, practice_id: UUID, place: str, here: Here, now: datetime) -> None:
    """Say that this tab is at `place`, for as long as `SILENT`."""
    key = _key(practice_id, place)
    note = json.dumps({**asdict(here), "until": (now + SILENT).timestamp()})
    async with bus.redis.pipeline(transaction=True) as pipe:
        pipe.hset(key, here.tab, note)
        pipe.expire(key, SILENT)
        await pipe.execute()


async def leave(bus: Bus, practice_id: UUID, place: str, tab: str) -> None:
    """Say that this tab is gone."""
    await cast(Awaitable[int], bus.redis.hdel(_key(practice_id, place), tab))


async def who(bus: Bus, practice_id: UUID, place: str, now: datetime) -> list[Here]:
    """Every tab at `place` that spoke lately, by name."""
    found = await cast(Awaitable[dict[bytes, bytes]], bus.redis.hgetall(_key(practice_id, place)))
    notes = [json.loads(note) for note in found.values()]
    present = [note for note in notes if note.pop("until") > now.timestamp()]
    return sorted((Here(**note) for note in present), key=lambda here: (here.name, here.tab))


def _key(practice_id: UUID, place: str) -> str:
    return f"cm:here:{practice_id}:{place}"
