"""What the Hub hears: step requests, cancellations and words on `campaigns`, choices on `consent`,
records that become one, and people to be forgotten, on `contacts`.

At least once in, once done: `hub.inbox` remembers every event, the idempotency key every request.
A whole read is one transaction a practice.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.exc import DataError, IntegrityError

from services.contracts.envelope import Envelope
from services.contracts.events import (
    ConsentEvent,
    ContactErased,
    ContactMerged,
    ContentPublished,
    EventData,
    StepCancelled,
    StepRequested,
)
from services.kit.bus import STALE_MS, Consumer, Received
from services.kit.ids import new_token
from services.kit.telemetry import logger
from services.kit.tracing import spans
from services.kit.uow import Unit
from services.neighbours.hub import queries
from services.neighbours.hub.contracts import Report, Words
from services.neighbours.hub.forgetting import forget
from services.neighbours.hub.recording import reports_of
from services.neighbours.hub.service import Closing, Hub, close, inherit, reopen, report, rows
from services.neighbours.hub.words import keep_words

log = logger("hub.intake")

HEARD: dict[str, type[EventData]] = {
    "campaign.content.published": ContentPublished,
    "campaign.step.requested": StepRequested,
    "campaign.step.cancelled": StepCancelled,
    "consent.revoked": ConsentEvent,
    "consent.granted": ConsentEvent,
    "contact.merged": ContactMerged,
    "contact.erased": ContactErased,
}
SOURCES = ("campaigns", "consent", "contacts")
SETTLED = ("sent", "delivered", "failed", "bounced")
COUNTS_FOR = ("marketing", "all")
"""Purposes whose withdrawal closes a channel. Others are read from `canonical` when sending."""


@dataclass(frozen=True, slots=True)
class Heard:
    received: Received
    envelope: Envelope
    data: Any


@dataclass
class Intake:
    """Reads for group `hub`. `name` is stable and unique a process."""

    hub: Hub
    name: str
    count: int = 500
    consumer: Consumer = field(init=False)

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.hub.bus, "hub", self.name, SOURCES)

    async def prepare(self) -> None:
        await self.consumer.prepare()

    async def run_once(self, *, block_ms: int = 0) -> int:
        """Take one read of events; returns how many entries were settled."""
        return await self.settle(await self.consumer.read(count=self.count, block_ms=block_ms))

    async def reclaim_once(self, *, stale_ms: int = STALE_MS) -> int:
        """Take what a reader of this group left behind."""
        return await self.settle(await self.consumer.reclaim(stale_ms=stale_ms, count=self.count))

    async def settle(self, entries: Sequence[Received]) -> int:
        """Do what the entries ask, then acknowledge them. What fails is read again later."""
        by_practice: dict[UUID, list[Heard]] = defaultdict(list)
        for entry in entries:
            heard = await self._understand(entry)
            if heard is not None:
                by_practice[heard.envelope.practiceid].append(heard)
        for practice_id, batch in by_practice.items():
            await self._settle_practice(practice_id, batch)
        await self.consumer.ack(entries)
        return len(entries)

    async def _settle_practice(self, practice_id: UUID, batch: Sequence[Heard]) -> None:
        try:
            async with self.hub.unit(practice_id) as u:
                await take(u, batch)
        except (DataError, IntegrityError) as error:
            if len(batch) == 1:  # the database refuses this very event: keep it for people (D17)
                reason = f"The database refused it: {type(error.orig).__name__}."
                await self.hub.bus.dead_letter(batch[0].received, reason, self.hub.clock.now())
                log.warning("event_refused", practice=str(practice_id), reason=reason)
                return
            for heard in batch:
                await self._settle_practice(practice_id, [heard])

    async def _understand(self, entry: Received) -> Heard | None:
        """None: nothing to do, because it is not for the Hub or was put aside as malformed."""
        try:
            envelope = Envelope.model_validate_json(entry.raw)
            contract = HEARD.get(envelope.type)
            if contract is None:
                return None
            data = contract.model_validate(envelope.data)
            if getattr(data, "practice_id", envelope.practiceid) != envelope.practiceid:
                raise ValueError("The event names two practices.")
        except (ValidationError, ValueError) as error:
            await self.hub.bus.dead_letter(entry, _first_line(error), self.hub.clock.now())
            log.warning("event_malformed", stream=entry.stream, entry=entry.entry_id)
            return None
        return Heard(entry, envelope, data)


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'event'}: {first['msg']}"
    return str(error)


async def take(u: Unit, batch: Sequence[Heard]) -> None:
    """Everything one read says about one practice, in one transaction."""
    await u.execute(queries.ONE_INTAKE, practice=u.practice_id)
    keys = [{"source": h.envelope.source, "id": h.envelope.id} for h in batch]
    answer = await u.execute(queries.REMEMBER, practice=u.practice_id, now=u.now, rows=rows(keys))
    fresh = {(row.source, row.event_id) for row in answer}
    news: list[Heard] = []
    for heard in batch:
        key = (heard.envelope.source, heard.envelope.id)
        if key in fresh:
            fresh.discard(key)
            news.append(heard)
    await _words(u, _of(news, "campaign.content.published"))
    await _requests(u, _of(news, "campaign.step.requested"))
    await _cancellations(u, _of(news, "campaign.step.cancelled"))
    await close(u, [_closing(h) for h in _of(news, "consent.revoked", _closes)])
    await reopen(u, [_closing(h) for h in _of(news, "consent.granted", _closes)])
    await inherit(u, [(h.data.contact_id, h.data.merged_id) for h in _of(news, "contact.merged")])
    for heard in _of(news, "contact.erased"):
        await forget(u, heard.data.contact_id, heard.envelope.time)


def _of(news: Sequence[Heard], type: str, also: Callable[[Heard], bool] | None = None) -> list[Heard]:
    return [h for h in news if h.envelope.type == type and (also is None or also(h))]


def _closes(heard: Heard) -> bool:
    return heard.data.purpose in COUNTS_FOR


def _closing(heard: Heard) -> Closing:
    data: ConsentEvent = heard.data
    channel = None if data.channel == "all" else data.channel
    return Closing(data.contact_id, channel, "all", "consent_revoked", heard.envelope.time)


async def _words(u: Unit, heard: Sequence[Heard]) -> None:
    await keep_words(u, {h.data.content_ref: Words(h.data.content, h.data.translations) for h in heard})


async def _requests(u: Unit, heard: Sequence[Heard]) -> None:
    if not heard:
        return
    values = [
        {
            **h.data.model_dump(
                mode="json", exclude={"practice_id", "version_id", "step_id", "enrolment_id"}
            ),
            "token": new_token(24),
            "traceparent": h.envelope.traceparent,
        }
        for h in heard
    ]
    with spans() as told:
        for h in heard:
            if h.envelope.traceparent:
                told.begin("hub accept", h.envelope.traceparent, step=h.data.step_id)
        await _accept(u, heard, values)


async def _accept(u: Unit, heard: Sequence[Heard], values: Sequence[dict[str, Any]]) -> None:
    answer = await u.execute(queries.ACCEPT, practice=u.practice_id, now=u.now, rows=rows(values))
    accepted = [
        Report(
            "accepted",
            row.dispatch_id,
            row.contact_id,
            row.campaign_id,
            test=row.test,
            traceparent=row.traceparent,
        )
        for row in answer
    ]
    await report(u, accepted)
    new = {row.dispatch_id for row in accepted}
    await _repeat_answers(u, [h.data.dispatch_id for h in heard if h.data.dispatch_id not in new])


async def _repeat_answers(u: Unit, asked: Sequence[UUID]) -> None:
    """Who asks again has not heard the answer: say what became of the message."""
    if not asked:
        return
    for row in await u.execute(queries.KNOWN, practice=u.practice_id, ids=list(asked)):
        told = list(reports_of(row, row.failure)) if row.state in SETTLED else []
        waiting = Report("accepted", row.dispatch_id, row.contact_id, row.campaign_id, test=row.test,
                         traceparent=row.traceparent)  # fmt: skip
        await report(u, told or [waiting])


async def _cancellations(u: Unit, heard: Sequence[Heard]) -> None:
    values = rows({"dispatch_id": h.data.dispatch_id, "reason": h.data.reason} for h in heard)
    if heard:
        await u.execute(queries.CANCEL, practice=u.practice_id, rows=values)
        await u.execute(queries.CANCEL_EARLY, practice=u.practice_id, now=u.now, rows=values)
