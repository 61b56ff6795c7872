"""The Hub's status API: what became of messages, for those who cannot hear its events (002 R3.2)."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException

from services.contracts.hub_api import SendTest, StatusAnswer, StatusQuestion
from services.contracts.journey import Channel
from services.kit.ids import new_token
from services.kit.uow import Unit
from services.neighbours.hub import queries
from services.neighbours.hub.contracts import Report, Words
from services.neighbours.hub.service import Hub, report
from services.neighbours.hub.words import keep_words

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

    def check(authorization: str) -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise HTTPException(401, "Send the Hub's token as a bearer token.")

    @router.post("/status")
    async def status(question: StatusQuestion, authorization: Annotated[str, Header()] = "") -> StatusAnswer:
        check(authorization)
        async with hub.unit(question.practice_id) as u:
            found = await u.execute(STATUS, practice=question.practice_id, dispatches=question.dispatch_ids)
            rows = [dict(row._mapping) for row in found]
        return StatusAnswer.model_validate({"messages": rows})

    @router.post("/test-messages", status_code=202)
    async def test_message(asked: SendTest, authorization: Annotated[str, Header()] = "") -> dict[str, str]:
        check(authorization)
        async with hub.unit(asked.practice_id) as u:
            await take_test(u, asked)
        return {"status": "accepted"}

    return router


async def take_test(u: Unit, asked: SendTest) -> None:
    """Queue one test message; the same one twice is one."""
    words: dict[Channel, dict[str, str]] = {asked.channel: asked.content}
    translations = {asked.language: words} if asked.language else {}
    await keep_words(u, {asked.content_ref: Words(words, translations)})
    taken = await u.execute(
        queries.ACCEPT_TEST,
        practice=u.practice_id,
        dispatch=asked.dispatch_id,
        campaign=asked.campaign_id,
        channel=asked.channel,
        ref=asked.content_ref,
        to=asked.to,
        language=asked.language,
        token=new_token(24),
        now=u.now,
    )
    await report(
        u, [Report("accepted", row.dispatch_id, row.contact_id, row.campaign_id, test=True) for row in taken]
    )
