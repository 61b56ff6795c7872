"""Forgetting a person (D27): what the Hub holds of them goes, or is nobody's any more.

Their words (a letter in the app, links that were put in, a text written for them alone), openings still to
come and reports not yet told go. That a message was handed over, on which channel and when stays for the
counting, under a number that was never anybody. What waits to be sent is not sent; every channel is closed,
so that a request on its way is refused.
"""

from datetime import datetime
from uuid import UUID

from services.kit.ids import new_id, new_token
from services.kit.uow import Unit
from services.neighbours.hub.service import Closing, close

OWN = UUID(int=0)
"""Stands for the campaign in a request that belongs to none: a message to one person."""
MINE = "(SELECT m.dispatch_id FROM hub.message m WHERE m.practice_id = :practice AND m.contact_id = :contact)"
# Campaigns' words are templates that others still get; of messages to one person they are theirs.
WORDS = """
DELETE FROM hub.content k WHERE k.practice_id = :practice AND k.content_ref IN (
    SELECT m.content_ref FROM hub.message m WHERE m.practice_id = :practice AND m.contact_id = :contact AND m.campaign_id = :own)
  AND NOT EXISTS (SELECT 1 FROM hub.message o WHERE o.practice_id = :practice AND o.content_ref = k.content_ref
    AND (o.contact_id <> :contact OR o.campaign_id <> :own))
"""
FORGET = (
    f"DELETE FROM hub.link WHERE practice_id = :practice AND dispatch_id IN {MINE}",
    f"DELETE FROM hub.simulated WHERE practice_id = :practice AND dispatch_id IN {MINE}",
    "DELETE FROM hub.in_app_message WHERE practice_id = :practice AND contact_id = :contact",
    "DELETE FROM hub.outbox WHERE practice_id = :practice AND contact_id = :contact",
    "DELETE FROM hub.closed WHERE practice_id = :practice AND contact_id = :contact AND reason <> 'contact_erased'",
)
NOBODYS = """
UPDATE hub.message SET contact_id = :stand_in, token = :token || dispatch_id::text, provider_id = NULL,
  failure = CASE WHEN state = 'queued' THEN 'contact_erased' ELSE failure END,
  state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
WHERE practice_id = :practice AND contact_id = :contact
"""


async def forget(u: Unit, contact_id: UUID, at: datetime) -> None:
    """Forget one person; asked again it finds nothing."""
    await close(u, [Closing(contact_id, None, "all", "contact_erased", at)])
    who = {"practice": u.practice_id, "contact": contact_id}
    await u.execute(WORDS, **who, own=OWN)
    for statement in FORGET:
        await u.execute(statement, **who)
    await u.execute(NOBODYS, **who, stand_in=new_id(), token=new_token(24))
