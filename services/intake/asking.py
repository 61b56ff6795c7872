"""Asking the Hub what became of messages it said nothing about (LIF-8, 002 R3.2).

A Hub reports by event; one that cannot is asked 30 seconds after the request and then every five
minutes for half an hour. Each message is asked about at most once at each of these ages: what is
asked about next is remembered, so several workers and restarts ask nothing twice. An answer is
taken in as the event it stands for, by the same path and with the same idempotency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import stamina
import structlog

from services.contracts.envelope import envelope
from services.contracts.hub_api import ASKED, MOST, MessageStatus, StatusAnswer, StatusQuestion
from services.intake.contracts import Understood
from services.intake.rules import read
from services.intake.service import handle_statuses
from services.kit.actor import system
from services.kit.bus import Received
from services.kit.crypto import Keyring
from services.kit.practices import practices_with
from services.kit.settings import Settings
from services.kit.uow import UnitOfWork

log = structlog.get_logger("asking")

AGES = (timedelta(seconds=30), *(timedelta(minutes=m) for m in (5, 10, 15, 20, 25, 30)))

# The answer to "up to when was asked?" moves on before the question is put: one worker asks.
CLAIM = """
UPDATE cm.hub_asked SET until = :now
WHERE practice_id = :practice AND until < :now RETURNING old.until AS since
"""
SILENT = """
SELECT d.dispatch_id, d.campaign_id, d.contact_id, d.status
FROM unnest(CAST(:froms AS timestamptz[]), CAST(:tos AS timestamptz[])) AS age(after, upto)
JOIN cm.dispatch d ON d.practice_id = :practice AND d.requested_at > age.after AND d.requested_at <= age.upto
WHERE d.status IN ('requested', 'accepted', 'sent')
  AND (d.status = 'requested' OR NOT EXISTS (
    SELECT 1 FROM cm.message_event v WHERE v.practice_id = :practice AND v.contact_id = d.contact_id
      AND v.at > d.requested_at - interval '1 hour' AND v.dispatch_id = d.dispatch_id AND v.detail <> :asked))
ORDER BY d.requested_at, d.dispatch_id
"""


@dataclass(frozen=True)
class Hub:
    """The status API of a Hub, with retries of what may pass by itself."""

    client: httpx.AsyncClient
    token: str

    async def ask(self, practice_id: UUID, dispatches: Sequence[UUID]) -> list[MessageStatus]:
        """What the Hub knows of these. Raises httpx.HTTPError when it cannot be reached."""
        question = StatusQuestion(practice_id=practice_id, dispatch_ids=list(dispatches))
        async for attempt in stamina.retry_context(on=_passing, attempts=3, timeout=10.0):
            with attempt:
                answer = await self.client.post(
                    "/status",
                    content=question.model_dump_json(),
                    headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
                )
                answer.raise_for_status()
        return StatusAnswer.model_validate_json(answer.content).messages


def _passing(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(error, httpx.TransportError)


def token_of(settings: Settings, keyring: Keyring) -> str:
    """What the Hub expects: the configured token, else one both bundled sides derive."""
    if settings.hub_token is not None:
        return settings.hub_token.get_secret_value()
    return keyring.sign("hub.status", b"token")[:40]


def hub_of(settings: Settings, keyring: Keyring) -> Hub | None:
    """The Hub to ask; None when an external one offers no status API."""
    if settings.hub == "external" and not settings.hub_url:
        return None
    client = httpx.AsyncClient(base_url=settings.hub_api_address(), timeout=httpx.Timeout(10.0))
    return Hub(client, token_of(settings, keyring))


@dataclass(frozen=True)
class Asking:
    uow: UnitOfWork
    hub: Hub

    async def run_once(self) -> int:
        """Ask about whatever has come of an age to ask, at every practice; returns how many answers."""
        answers = 0
        for waiting in await practices_with(self.uow.engine, "ask", self.uow.clock.now()):
            answers += await self._practice(waiting.practice_id)
        return answers

    async def _practice(self, practice_id: UUID) -> int:
        async with self.uow(system(practice_id, "asking")) as u:
            claimed = (await u.execute(CLAIM, practice=practice_id, now=u.now)).one_or_none()
            if claimed is None:
                return 0
            silent = (
                await u.execute(
                    SILENT,
                    practice=practice_id,
                    froms=[claimed.since - age for age in AGES],
                    tos=[u.now - age for age in AGES],
                    asked=ASKED,
                )
            ).all()
        about = {row.dispatch_id: row for row in silent}
        answers = 0
        asked = list(about)
        for start in range(0, len(asked), MOST):
            part = asked[start : start + MOST]
            try:
                told = await self.hub.ask(practice_id, part)
            except httpx.HTTPError as error:
                # They are asked about again at their next age.
                log.warning("the hub does not answer", error=type(error).__name__, messages=len(part))
                break
            news = [_event(practice_id, about[m.dispatch_id], m) for m in told if _is_news(about, m)]
            if news:
                async with self.uow(system(practice_id, "asking")) as u:
                    answers += await handle_statuses(u, news)
        return answers


def _is_news(about: dict[UUID, Any], told: MessageStatus) -> bool:
    return told.dispatch_id in about and about[told.dispatch_id].status != told.status


def _event(practice_id: UUID, dispatch: Any, told: MessageStatus) -> Understood:
    """The event that this answer stands for; asked twice, it is the same event."""
    data = {
        "dispatch_id": told.dispatch_id,
        "campaign_id": dispatch.campaign_id,
        "contact_id": dispatch.contact_id,
        "practice_id": practice_id,
        "channel": told.channel,
        "reason": told.reason or ASKED,
        "permanent": told.permanent,
    }
    body = envelope(
        id=f"asked/{told.dispatch_id}/{told.status}",
        source="hub",
        type=f"hub.message.{told.status}",
        time=told.at,
        practice_id=practice_id,
        data={k: str(v) if isinstance(v, UUID) else v for k, v in data.items()},
    )
    understood = read(Received("asked", told.status, body.wire()))
    if not isinstance(understood, Understood):
        raise TypeError(understood.reason)
    return understood
