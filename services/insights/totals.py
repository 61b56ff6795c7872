"""The few numbers of a campaign that lists show (INS-1), for many campaigns in two reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.kit.uow import Unit

_COUNTED = """
SELECT campaign_id,
       coalesce(sum(value) FILTER (WHERE name = 'sent'), 0)::bigint AS sent,
       coalesce(sum(value) FILTER (WHERE name = 'delivered'), 0)::bigint AS delivered,
       coalesce(sum(value) FILTER (WHERE name = 'opened'), 0)::bigint AS opened,
       coalesce(sum(value) FILTER (WHERE name = 'clicked'), 0)::bigint AS clicked
FROM cm.metric WHERE practice_id = :practice AND campaign_id = ANY(:ids) GROUP BY 1
"""
_PEOPLE = """
SELECT campaign_id, count(*) AS entered, count(*) FILTER (WHERE state IN ('live', 'held')) AS live
FROM cm.enrolment WHERE practice_id = :practice AND campaign_id = ANY(:ids) GROUP BY 1
"""
_BOOKED = """
SELECT campaign_id, count(*) AS booked FROM cm.conversion
WHERE practice_id = :practice AND campaign_id = ANY(:ids) AND what = 'booking' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Whole numbers over a campaign's life; messages for the middle four, people for the others."""

    entered: int = 0
    live: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    booked: int = 0


async def totals(u: Unit, campaign_ids: Sequence[UUID]) -> dict[UUID, Totals]:
    """Totals by campaign; a campaign without any number is there with zeros. Needs `read`."""
    u.actor.require("read")
    found: dict[UUID, dict[str, int]] = {campaign_id: {} for campaign_id in campaign_ids}
    for sql in (_COUNTED, _PEOPLE, _BOOKED) if campaign_ids else ():
        rows = await u.execute(sql, practice=u.practice_id, ids=list(campaign_ids))
        for row in rows.mappings():
            numbers = dict(row)
            found[numbers.pop("campaign_id")] |= numbers
    return {campaign_id: Totals(**numbers) for campaign_id, numbers in found.items()}
