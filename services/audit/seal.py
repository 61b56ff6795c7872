"""Numbering and chaining batches of audit rows (house rule 10)."""

from services.audit import queries
from services.audit.rules import GENESIS, chain
from services.audit.tags import KEPT_HERE
from services.contracts.events import AuditSealed
from services.kit.uow import Unit


async def seal_once(u: Unit) -> int:
    """Give every batch committed so far its number and its seal, and tell Audit & Compliance what it
    holds (000 §11.2), in this order. Returns how many got one.

    The order is the one in which commits became visible to the sealer; batches first seen
    together follow their ids. One sealer a practice at a time: the next waits for its commit.
    """
    await u.execute(queries.LOCK_CHAIN, key=f"audit-seal/{u.practice_id}")
    number, previous = await head(u)
    found = await u.execute(queries.UNSEALED, practice=u.practice_id)
    batches = [(row.batch_id, row.rows, bytes(row.digest)) for row in found]
    if batches:
        ids = [batch_id for batch_id, _, _ in batches]
        numbers = list(range(number + 1, number + 1 + len(batches)))
        seals = list(chain(previous, batches))
        await u.execute(queries.SEAL, practice=u.practice_id, ids=ids, numbers=numbers, seals=seals)
        await u.execute(
            queries.TELL_ACTS,
            practice=u.practice_id,
            ids=ids,
            numbers=numbers,
            kept=[tag.value for tag in KEPT_HERE],
        )
        sealed = AuditSealed(
            practice_id=u.practice_id,
            seal_no=numbers[-1],
            seal=seals[-1].hex(),
            batches=len(batches),
            rows=sum(rows for _, rows, _ in batches),
        )
        u.emit("audit.sealed", sealed)
    return len(batches)


async def head(u: Unit) -> tuple[int, bytes]:
    """Number and seal of the newest sealed batch; before the first, 0 and 32 zero bytes."""
    row = (await u.execute(queries.HEAD, practice=u.practice_id)).one_or_none()
    return (row.seal_no, bytes(row.seal)) if row else (0, GENESIS)
