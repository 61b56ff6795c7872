"""What the frame of the portal shows on every page: the kill switch, and what waits for approval."""

from dataclasses import dataclass
from datetime import datetime

from services.kit.uow import Unit

_SHELL = """
SELECT p.kill_switch_at AS at, p.kill_switch_reason AS reason, who.display_name AS who,
       c.kill_switch_at AS all_at, c.kill_switch_by AS all_who, c.kill_switch_reason AS all_reason,
       (SELECT count(*) FROM cm.approval a
        WHERE a.practice_id = p.practice_id AND a.state = 'requested') AS waiting
FROM cm.practice p
CROSS JOIN cm.platform_control c
LEFT JOIN cm.person who ON who.practice_id = p.practice_id AND who.person_id = p.kill_switch_by
WHERE p.practice_id = :practice
"""


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """Why nothing is sent: since when (UTC), by whom, for what reason; the practice's own switch
    or, with `platform_wide`, the one of everybody."""

    since: datetime
    who: str
    reason: str
    platform_wide: bool


@dataclass(frozen=True, slots=True)
class Shell:
    kill_switch: KillSwitch | None
    approvals_waiting: int


async def shell(u: Unit) -> Shell:
    """The frame's facts for whoever is signed in; needs no permission beyond that."""
    row = (await u.execute(_SHELL, practice=u.practice_id)).one()
    stop: KillSwitch | None = None
    if row.all_at is not None:
        stop = KillSwitch(row.all_at, row.all_who or "the platform", row.all_reason or "", True)
    elif row.at is not None:
        stop = KillSwitch(row.at, row.who or "somebody", row.reason or "", False)
    return Shell(stop, int(row.waiting))
