"""Moving a planned start to another day (LIF-11)."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audience.service import zone as practice_zone
from services.campaigns.approval_decisions import unschedule
from services.campaigns.approval_requests import request_approval
from services.campaigns.approvals import approval_rows
from services.campaigns.contracts import ApprovalRow
from services.campaigns.lifecycle import lock
from services.kit.errors import Invalid
from services.kit.uow import Unit


async def move_start(u: Unit, campaign_id: UUID, day: date) -> ApprovalRow:
    """The same time on another day of the practice. What was approved was the old time, so approval is
    asked for anew (D9); a scheduled campaign needs `manage`, too. Raises Invalid where nothing is planned."""
    u.actor.require("author")
    state = await lock(u, campaign_id)
    rows = await approval_rows(u, campaign_id=campaign_id)
    planned = next((r for r in rows if r.state in ("requested", "approved") and r.activate_at), None)
    if state not in ("draft", "scheduled") or planned is None or planned.activate_at is None:
        raise Invalid("Only a campaign with a planned start can be moved to another day.")
    place = ZoneInfo(await practice_zone(u))
    at = datetime.combine(day, planned.activate_at.astimezone(place).time(), place)
    if state == "scheduled":
        await unschedule(u, campaign_id, reason="Moved to another day.")
    return await request_approval(u, campaign_id, note=planned.note, activate_at=at)
