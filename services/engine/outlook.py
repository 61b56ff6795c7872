"""What a running campaign does next, in a sentence: so that a quiet canvas explains itself."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.kit.uow import Unit

NEXT = """
SELECT p.timezone,
  (SELECT min(w.due_at) FROM cm.work w JOIN cm.campaign_version v ON v.practice_id = w.practice_id AND v.version_id = w.version_id
   WHERE w.practice_id = :practice AND v.campaign_id = :campaign) AS next_at,
  (SELECT coalesce(sum(CASE WHEN m.name = 'requested' THEN m.value ELSE -m.value END), 0) FROM cm.metric m
   WHERE m.practice_id = :practice AND m.campaign_id = :campaign
     AND m.name IN ('requested', 'sent', 'failed', 'cancelled')) AS at_hub
FROM cm.practice p WHERE p.practice_id = :practice
"""


async def outlook(u: Unit, campaign_id: UUID) -> str:
    """One or two sentences in the practice's time; empty when nobody is on the way."""
    row = (await u.execute(NEXT, practice=u.practice_id, campaign=campaign_id)).one()
    parts = []
    if row.next_at is not None:
        parts.append(_next(row.next_at, u.now, ZoneInfo(row.timezone)))
    if row.at_hub > 0:
        messages = "1 message is" if row.at_hub == 1 else f"{row.at_hub:,} messages are"
        parts.append(f"{messages} with the Hub, which sends outside quiet hours.")
    return " ".join(parts)


def _next(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    if at <= now + timedelta(seconds=30):
        return "People are moving on right now."
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        day = "today"
    elif local.date() == today + timedelta(days=1):
        day = "tomorrow"
    else:
        day = f"on {local:%A} {local.day} {local:%B}"
    return f"The next people move on {day} at {local:%H:%M}."
