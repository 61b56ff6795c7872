"""Pings between processes that something changed, so that open pages refresh without polling.

A ping names a topic and nothing else; whoever hears it reads the truth from the database. A lost
ping costs at most `every` seconds: `watch` also yields then.
"""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

from services.kit.bus import Bus

CHANNEL = "cm:live:"


async def notify(bus: Bus, practice_id: UUID, topic: str) -> None:
    """Say that `topic` (campaigns, people, approvals, audit …) changed. Call after the commit."""
    await bus.redis.publish(f"{CHANNEL}{practice_id}", topic)


async def watch(bus: Bus, practice_id: UUID, *, every: float = 5.0) -> AsyncIterator[str]:
    """Yield topics as they change, and `tick` after `every` seconds of silence."""
    async with bus.redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(f"{CHANNEL}{practice_id}")
        while True:
            message = await channel.get_message(timeout=every)
            yield message["data"].decode() if message else "tick"


async def follow(bus: Bus, heard: Callable[[], object], *, every: float = 5.0) -> None:
    """Call `heard` whenever anything changed at any practice, until cancelled: workers wake by it."""
    async with bus.redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.psubscribe(f"{CHANNEL}*")
        heard()  # what changed before we listened
        while True:
            if await channel.get_message(timeout=every):
                heard()
