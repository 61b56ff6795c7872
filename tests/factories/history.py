"""A recorded history of acknowledgements, judged against the commits of the requests.

The order of commits comes from PostgreSQL's own snapshots, not from clocks. A transaction counts
as committed from the moment other sessions can see it; a snapshot taken in between tells exactly
which transactions that is true of. Every request writes a row of the append-only audit in its own
transaction, and that row's `xmin` is the transaction's number for ever (an update of the request
would hide it). So for a snapshot and a request there is no doubt who was first.

Two snapshots are taken for each acknowledgement:
- `inside`, by the last statement before the commit: a request that it does not see committed
  later. Nothing can slip between this moment and the acknowledgement, so zero late requests here
  means zero in truth.
- `after`, once the commit has been acknowledged: a request that it does not see committed later
  than the acknowledgement without any doubt. This one is for convicting the naive variant.
"""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.bootstrap import App
from services.kit.actor import system
from services.kit.uow import Unit

SNAPSHOT = "SELECT CAST(pg_current_snapshot() AS text)"

# `ending` events end what runs and close nothing: who enters afterwards may be written to.
LATE = """
SELECT k.contact_id, a.enrolment_id, a.detail
FROM unnest(CAST(:contacts AS uuid[]), CAST(:snapshots AS text[]), CAST(:ending AS boolean[])) AS k(contact_id, snapshot, ending)
JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = k.contact_id
JOIN cm.audit a ON a.practice_id = :practice AND a.pseudonym = s.pseudonym AND a.tag = 'step.requested'
WHERE NOT pg_visible_in_snapshot(CAST(CAST(a.xmin AS text) AS xid8), CAST(k.snapshot AS pg_snapshot))
  AND NOT (k.ending AND EXISTS (SELECT 1 FROM cm.audit e
    WHERE e.practice_id = :practice AND e.enrolment_id = a.enrolment_id AND e.tag = 'enrolment.entered'
      AND NOT pg_visible_in_snapshot(CAST(CAST(e.xmin AS text) AS xid8), CAST(k.snapshot AS pg_snapshot))))
"""
# Requests that committed first and were never taken back, though nobody let the person go again.
STANDING = """
SELECT k.contact_id, d.dispatch_id, d.status
FROM unnest(CAST(:contacts AS uuid[]), CAST(:snapshots AS text[])) AS k(contact_id, snapshot)
JOIN cm.dispatch d ON d.practice_id = :practice AND d.contact_id = k.contact_id AND d.status IN ('requested', 'accepted')
JOIN cm.audit a ON a.practice_id = :practice AND a.enrolment_id = d.enrolment_id AND a.tag = 'step.requested'
  AND CAST(a.detail AS jsonb) ->> 'step' = d.step_id
WHERE pg_visible_in_snapshot(CAST(CAST(a.xmin AS text) AS xid8), CAST(k.snapshot AS pg_snapshot))
"""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    contact_id: UUID
    ending: bool
    inside: str
    after: str


@dataclass
class History:
    app: App
    practice_id: UUID
    acknowledged: list[Acknowledged] = field(default_factory=list)

    async def snapshot(self, u: Unit | None = None) -> str:
        if u is not None:
            return (await u.execute(SNAPSHOT)).scalar_one()
        async with self.app.uow(system(self.practice_id, "test")) as own:
            return (await own.execute(SNAPSHOT)).scalar_one()

    async def late(self, by: Literal["inside", "after"]) -> list[tuple]:
        """Requests that committed after the acknowledgement of what forbids them."""
        return await self._ask(LATE, by, ending=[a.ending for a in self.acknowledged])

    async def standing(self) -> list[tuple]:
        """Requests from before an acknowledgement that still stand as if it had not happened."""
        return await self._ask(STANDING, "inside")

    async def _ask(self, sql: str, by: str, **more: list) -> list[tuple]:
        async with self.app.uow(system(self.practice_id, "test")) as u:
            rows = await u.execute(
                sql,
                practice=self.practice_id,
                contacts=[a.contact_id for a in self.acknowledged],
                snapshots=[getattr(a, by) for a in self.acknowledged],
                **more,
            )
            return [tuple(row) for row in rows]
