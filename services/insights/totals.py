"""The few numbers of a campaign that lists show (INS-1), for many campaigns in three reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.kit.uow import Unit

_NAMES = (
    "requested", "refused", "sent", "delivered", "opened", "clicked", "replied", "bounced", "complained",
    "failed", "unsubscribed",
)  # fmt: skip
_COUNTED = """
SELECT campaign_id, name, sum(value)::bigint AS value FROM cm.metric
WHERE practice_id = :practice AND campaign_id = ANY(:ids) AND name = ANY(:names) GROUP BY 1, 2
"""
_PEOPLE = """
SELECT campaign_id, count(*) AS entered, count(*) FILTER (WHERE state IN ('live', 'held')) AS live,
       count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'completed') AS completed,
       count(*) FILTER (WHERE state = 'exited') AS exited
FROM cm.enrolment WHERE practice_id = :practice AND campaign_id = ANY(:ids) GROUP BY 1
"""
_OUTCOMES = """
SELECT campaign_id, count(DISTINCT event_ref) FILTER (WHERE what = 'booking') AS booked,
       count(DISTINCT event_ref) FILTER (WHERE event_ref LIKE 'opportunity:%') AS opportunities,
       coalesce(sum(value) FILTER (WHERE what <> 'booking' AND nth = 1), 0) AS revenue
FROM (SELECT v.*, row_number() OVER (PARTITION BY campaign_id, event_ref ORDER BY enrolment_id) AS nth
      FROM cm.conversion v WHERE practice_id = :practice AND campaign_id = ANY(:ids)) v
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Whole numbers over a campaign's life.

    People: `entered` ever, `live` in it now (of whom `held` wait), `completed`, `exited`.
    Messages: `requested` to `unsubscribed`. Outcomes: `booked`, `opportunities` and `revenue` that
    a message of this campaign came before; `services.insights.service.attribution` shares them
    among campaigns.
    """

    entered: int = 0
    live: int = 0
    held: int = 0
    completed: int = 0
    exited: int = 0
    requested: int = 0
    refused: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    bounced: int = 0
    complained: int = 0
    failed: int = 0
    unsubscribed: int = 0
    booked: int = 0
    opportunities: int = 0
    revenue: Decimal = Decimal(0)


async def totals(u: Unit, campaign_ids: Sequence[UUID]) -> dict[UUID, Totals]:
    """Totals by campaign; a campaign without any number is there with zeros. Needs `read`."""
    u.actor.require("read")
    found: dict[UUID, dict[str, Any]] = {campaign_id: {} for campaign_id in campaign_ids}
    if not found:
        return {}
    which = {"practice": u.practice_id, "ids": list(found)}
    for row in await u.execute(_COUNTED, **which, names=list(_NAMES)):
        found[row.campaign_id][row.name] = row.value
    for sql in (_PEOPLE, _OUTCOMES):
        for row in (await u.execute(sql, **which)).mappings():
            numbers = dict(row)
            found[numbers.pop("campaign_id")] |= numbers
    return {campaign_id: Totals(**numbers) for campaign_id, numbers in found.items()}
