"""What the frame of the portal shows on every page: the practice, the kill switch, what waits."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.kit.uow import Unit

_SHELL = """
SELECT p.label, p.timezone, p.kill_switch_at, p.kill_switch_reason, who.display_name,
       c.kill_switch_at, c.kill_switch_by, c.kill_switch_reason
FROM cm.practice p
CROSS JOIN cm.platform_control c
LEFT JOIN cm.person who ON who.practice_id = p.practice_id AND who.person_id = p.kill_switch_by
WHERE p.practice_id = :practice
"""
_WAITING = "SELECT count(*) FROM cm.approval WHERE practice_id = :practice AND state = 'requested'"
_ROLES = "SELECT roles FROM cm.person WHERE practice_id = :practice AND person_id = :person"


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """Why nothing is sent: since when (UTC), by whom, for what reason; `practice` or `platform`."""

    since: datetime
    who: str
    reason: str
    scope: str


@dataclass(frozen=True, slots=True)
class Shell:
    practice: str
    timezone: str
    kill_switch: KillSwitch | None
    approvals_waiting: int
    roles: tuple[str, ...]


async def shell(u: Unit) -> Shell:
    """The frame's facts for whoever is signed in; needs no permission beyond that."""
    row = (await u.execute(_SHELL, practice=u.practice_id)).one()
    label, timezone, since, reason, who, all_since, all_who, all_reason = row
    stop: KillSwitch | None = None
    if all_since is not None:
        stop = KillSwitch(all_since, all_who or "the platform", all_reason or "", "platform")
    elif since is not None:
        stop = KillSwitch(since, who or "somebody", reason or "", "practice")
    waiting = (await u.execute(_WAITING, practice=u.practice_id)).scalar_one()
    return Shell(label, timezone, stop, int(waiting), await _roles(u, u.actor.person_id))


async def _roles(u: Unit, person_id: UUID | None) -> tuple[str, ...]:
    if person_id is None:
        return ()
    found = await u.execute(_ROLES, practice=u.practice_id, person=person_id)
    return tuple(found.scalar_one_or_none() or ())
