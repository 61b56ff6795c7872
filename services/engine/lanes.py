"""People whose household changed are moved to its lane, so that one worker decides about all of it.

A lane is fixed when a person is first seen (`cm.subject.lane`) and copied to their work. A batch
decides only about people who are in the lane of the household they have now; the others it leaves
where they are and brings here.
"""

from collections.abc import Sequence
from uuid import UUID

from services.engine.claim import lane_key
from services.gates.records import record_of
from services.kit.uow import Unit
from services.suppression.service import lock_contact

ASTRAY = f"""
SELECT k.contact_id FROM pg_temp.claim k
{record_of("k")}
WHERE k.lane <> cm.lane(coalesce(c.household_id, k.contact_id)) ORDER BY k.contact_id
"""
LANES_OF = """
SELECT DISTINCT lane FROM cm.subject WHERE practice_id = :practice AND contact_id = ANY (:contacts) ORDER BY lane
"""
WAIT = "SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"
MOVE = """
UPDATE cm.subject s SET lane = cm.lane(coalesce(c.household_id, s.contact_id)) FROM cm.subject me
LEFT JOIN canonical.contact c ON c.practice_id = me.practice_id AND c.contact_id = me.contact_id
WHERE me.practice_id = :practice AND me.contact_id = :contact
  AND s.practice_id = me.practice_id AND s.contact_id = me.contact_id
"""
FOLLOW = """
UPDATE cm.work w SET lane = s.lane FROM cm.enrolment e, cm.subject s
WHERE e.practice_id = :practice AND e.contact_id = :contact AND s.practice_id = :practice AND s.contact_id = :contact
  AND w.practice_id = e.practice_id AND w.enrolment_id = e.enrolment_id
"""


async def astray(u: Unit) -> list[UUID]:
    """Contacts of the claim whose household is in another lane."""
    return list((await u.execute(ASTRAY, practice=u.practice_id)).scalars())


async def change_lane(u: Unit, contacts: Sequence[UUID]) -> None:
    """Move people to their household's lane, all their work at once. Whoever decides in the old
    lane comes to an end first; nothing that holds a lane waits for one, so this waits safely."""
    old = (await u.execute(LANES_OF, practice=u.practice_id, contacts=list(contacts))).scalars().all()
    for lane in old:
        await u.execute(WAIT, key=lane_key(u, lane))
    for contact in sorted(contacts):
        await lock_contact(u, contact)
        await u.execute(MOVE, practice=u.practice_id, contact=contact)
        await u.execute(FOLLOW, practice=u.practice_id, contact=contact)
