"""The lock between sending and stopping (D11): a stop waits for the batches in flight, and no new one.

Rows locked FOR SHARE are not enough: workers whose batches overlap share such a lock for ever, and
who wants to change the row waits for ever. An advisory lock queues: once a stop waits, the next
batch waits behind it.
"""

from services.kit.uow import Unit

_SENDING = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('stop/platform', 0)),
       pg_advisory_xact_lock_shared(hashtextextended('stop/' || CAST(:practice AS text), 0))
"""
_STOP = "SELECT pg_advisory_xact_lock(hashtextextended('stop/' || CAST(:what AS text), 0))"


async def sending(u: Unit) -> None:
    """Say that this transaction sends; waits while a stop is being written. Before any row lock."""
    await u.execute(_SENDING, practice=str(u.practice_id))


async def stop_practice(u: Unit) -> None:
    """Wait for the practice's batches in flight, and let none begin until this commits. Before any
    row lock: a batch holds the shared side first, and takes rows after it."""
    await u.execute(_STOP, what=str(u.practice_id))


async def stop_platform(u: Unit) -> None:
    """The same for every practice."""
    await u.execute(_STOP, what="platform")
