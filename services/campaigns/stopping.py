"""Stopping everybody at once: the platform-wide kill switch (D11).

It belongs to whoever runs the servers, so it is a command line's and not a page's. Every practice's
audit tells of it, and its portal says that and why nothing is sent.
"""

from services.audit.append import record
from services.audit.tags import AuditTag
from services.intake.consumer import practice_ids
from services.kit.actor import system
from services.kit.errors import Invalid
from services.kit.stops import stop_platform
from services.kit.uow import UnitOfWork

SWITCH = """
UPDATE cm.platform_control SET kill_switch_at = :at, kill_switch_by = :by, kill_switch_reason = :reason
WHERE (kill_switch_at IS NULL) = :on RETURNING one
"""


async def stop_everything(uow: UnitOfWork, *, reason: str, by: str) -> bool:
    """Stop every campaign of every practice. When this returns, nothing more is requested, batches in
    flight included. False when all was stopped already. Raises Invalid without a reason."""
    if not reason.strip():
        raise Invalid("Say why everything is stopped: every practice will read it.")
    return await _switch(uow, on=True, reason=reason[:500], by=by[:200])


async def release_everything(uow: UnitOfWork, *, by: str) -> bool:
    """Let practices send again; those that stopped themselves stay stopped. False when nothing was stopped."""
    return await _switch(uow, on=False, reason="", by=by[:200])


async def _switch(uow: UnitOfWork, *, on: bool, reason: str, by: str) -> bool:
    tag = AuditTag.KILL_SWITCH_ON if on else AuditTag.KILL_SWITCH_OFF
    changed = False
    for number, practice_id in enumerate(await practice_ids(uow)):
        async with uow(system(practice_id, "operator")) as u:
            if number == 0:  # any practice's transaction will do: the switch is nobody's own
                await stop_platform(u)
                done = await u.execute(
                    SWITCH, at=u.now if on else None, by=by if on else None, reason=reason or None, on=on
                )
                changed = done.first() is not None
            if not changed:
                return False
            await record(u, tag, reason=reason, platform_wide=True, by=by)
    return changed
