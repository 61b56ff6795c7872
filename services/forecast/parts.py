"""Where a forecast works: one session, or several with some of the households each (D25).

Whoever may stand in somebody's way is in the same part: limits count a person's own messages, and one
message goes to people who share an address in a household. What concerns everybody is put together from
all parts: how many there are, and whose turn it is to act.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.engine.plan import Plan
from services.kit.snapshots import PARTS, at_once
from services.kit.uow import Unit

PAYS = 10_000
"""People in the practice from whom on another session is worth its while."""
CROWD = "SELECT count(*) FROM (SELECT FROM canonical.contact WHERE practice_id = :practice LIMIT :enough) c"
MINE = "(uuid_hash(coalesce(c.household_id, {person})) & 2147483647) % CAST(:parts AS integer) = CAST(:part AS integer)"


@dataclass(frozen=True)
class Parts:
    """Every statement is run by all parts at the same time; their answers are one."""

    views: Sequence[Unit]

    @property
    def u(self) -> Unit:
        """For what is the same in every part."""
        return self.views[0]

    def mine(self, person: str) -> str:
        """SQL that is true of the people of one part; `c` is their record, which may be missing."""
        return MINE.format(person=person) if len(self.views) > 1 else "true"

    async def ask(self, sql: str, **values: Any) -> list[Any]:
        """The rows of all parts."""
        answers = await at_once(self._run(n, sql, values) for n in range(len(self.views)))
        return [row for answer in answers for row in answer.all()]

    async def write(self, sql: str, **values: Any) -> int:
        """For what gives no rows: how many were written in all."""
        answers = await at_once(self._run(n, sql, values) for n in range(len(self.views)))
        return sum(int(answer.rowcount) for answer in answers)

    async def _run(self, part: int, sql: str, values: dict[str, Any]) -> Any:
        return await self.views[part].execute(sql, **values, part=part, parts=len(self.views))


async def parts_for(u: Unit, plan: Plan, wanted: int | None = None) -> int:
    """In how many parts to forecast: as many as there are sessions worth it, unless so many are wanted. One
    where people follow each other in a row: let in at a rate, or so many a day."""
    entry, pace = plan.entry, plan.journey.pace
    if entry.how in ("event", "manual") or pace.per_minute or pace.per_hour:
        return 1
    if wanted is not None:
        return wanted
    crowd = await u.execute(CROWD, practice=u.practice_id, enough=PAYS)
    return PARTS if int(crowd.scalar_one()) >= PAYS else 1
