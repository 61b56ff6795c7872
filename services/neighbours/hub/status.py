"""The Hub's status API: what became of messages, for those who cannot hear its events (002 R3.2)."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException

from services.contracts.hub_api import StatusAnswer, StatusQuestion
from services.neighbours.hub.service import Hub

# What is queued or in hand was accepted; what was taken back is nobody's news.
STATUS = """
SELECT dispatch_id, CASE WHEN state IN ('queued', 'sending') THEN 'accepted' ELSE state END AS status,
  coalesce(CASE WHEN state IN ('queued', 'sending') THEN accepted_at END, sent_at, accepted_at) AS at, channel,
  left(coalesce(failure, ''), 300) AS reason
FROM hub.message WHERE practice_id = :practice AND dispatch_id = ANY (:dispatches) AND state <> 'cancelled' AND NOT test
ORDER BY dispatch_id
"""


def status_router(hub: Hub) -> APIRouter:
    """`POST /status`, for whoever has the Hub's token."""
    router = APIRouter()
    configured = hub.settings.hub_token
    token = configured.get_secret_value() if configured else hub.keyring.sign("hub.status", b"token")[:40]

    @router.post("/status")
    async def status(question: StatusQuestion, authorization: Annotated[str, Header()] = "") -> StatusAnswer:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "Send the Hub's token as a bearer token.")
        async with hub.unit(question.practice_id) as u:
            found = await u.execute(STATUS, practice=question.practice_id, dispatches=question.dispatch_ids)
            rows = [dict(row._mapping) for row in found]
        return StatusAnswer.model_validate({"messages": rows})

    return router
