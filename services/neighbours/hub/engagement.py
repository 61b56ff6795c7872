"""Demo only: recipients who open and click a share of the console's messages, soon after.

What each will do is a keyed hash of the message, so a repeated demo repeats itself.
"""

from uuid import UUID

from services.neighbours.hub import queries, recipients, rules
from services.neighbours.hub.service import Hub


async def simulate_once(hub: Hub, practice_id: UUID) -> int:
    """Let the openings and clicks happen whose moment has come; returns how many."""
    if not hub.settings.simulates_engagement:
        return 0
    async with hub.unit(practice_id) as u:
        due = (await u.execute(queries.TAKE_SIMULATED, practice=practice_id, now=u.now)).all()
    key = hub.keyring.derive("hub.engagement")
    for row in sorted(due, key=lambda row: row.what == "clicked"):  # one opens before one clicks
        if row.what == "opened":
            await recipients.opened(hub, row.token)
        elif row.links:
            link_no = 1 + int(rules.chance(key, row.dispatch_id, "which link") * row.links)
            await recipients.clicked(hub, row.token, link_no)
    return len(due)
