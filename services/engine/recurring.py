"""Repeating campaigns: every firing of the schedule opens one execution (LIF-3, D23).

The schedule is read in the practice's zone. After a downtime one execution makes good for all that
was missed, and says how many there were; what passed while the campaign was paused is not made good.
"""

from services.audit.append import record
from services.audit.tags import AuditTag
from services.builder.schedule import firings
from services.campaigns.service import announce
from services.engine.plans import plan_of
from services.kit.ids import new_id
from services.kit.uow import Unit

RECURRING = """
SELECT c.campaign_id, c.active_version_id, p.timezone,
  greatest(c.activated_at, c.resumed_at, (SELECT max(coalesce(x.planned_at, x.started_at)) FROM cm.execution x
    WHERE x.practice_id = c.practice_id AND x.campaign_id = c.campaign_id)) AS since
FROM cm.campaign c JOIN cm.practice p USING (practice_id)
WHERE c.practice_id = :practice AND c.state = 'active' AND c.kind = 'recurring' AND c.active_version_id IS NOT NULL
ORDER BY c.campaign_id FOR SHARE OF c
"""
START = """
INSERT INTO cm.execution (practice_id, execution_id, campaign_id, version_id, number, started_at, planned_at, missed)
SELECT :practice, :id, :campaign, :version, coalesce(max(x.number), 0) + 1, :now, :planned, :missed
FROM cm.execution x WHERE x.practice_id = :practice AND x.campaign_id = :campaign
ON CONFLICT DO NOTHING RETURNING number
"""


async def start_recurring(u: Unit) -> int:
    """Open an execution for each repeating campaign whose time has come; returns how many."""
    started = 0
    for row in (await u.execute(RECURRING, practice=u.practice_id)).all():
        cron = (await plan_of(u, row.active_version_id)).entry.cron
        if not cron:
            continue
        fired = firings(cron, after=row.since, until=u.now, zone=row.timezone)
        if fired is None:
            continue
        execution_id = new_id()
        number = (
            await u.execute(
                START, practice=u.practice_id, id=execution_id, campaign=row.campaign_id,
                version=row.active_version_id, now=u.now, planned=fired.last, missed=fired.missed,
            )
        ).scalar_one_or_none()  # fmt: skip
        if number is None:
            continue
        await record(
            u, AuditTag.EXECUTION_STARTED, campaign_id=row.campaign_id, number=number,
            execution=str(execution_id), planned=fired.last.isoformat(), missed=fired.missed,
        )  # fmt: skip
        announce(u, row.campaign_id, "campaign.started", execution_id=str(execution_id), number=number)
        started += 1
    return started
