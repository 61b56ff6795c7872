"""Sending: decide about due messages, hand them over, record what came of it.

Three steps, two transactions. Deciding locks the messages, asks every question again and marks
those that go as `sending`; only then are they handed over, outside any transaction; then their
outcome is recorded. A crash in between leaves `sending` rows: `recover_once` repeats them where
the adapter knows a repetition or their words had not begun to go out; the others are reported as
failed and never sent twice.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import stamina
from sqlalchemy.exc import OperationalError

from services.contracts.events import ContactCaps
from services.contracts.journey import Channel
from services.contracts.merge_fields import sample_context
from services.kit.rendering import RenderProblem
from services.kit.telemetry import logger
from services.kit.tracing import spans
from services.kit.uow import Unit
from services.neighbours.hub import queries, rules
from services.neighbours.hub.composing import Composer
from services.neighbours.hub.contracts import Claimed, Outgoing, Person, Practice, Report
from services.neighbours.hub.recording import record, record_outcomes
from services.neighbours.hub.service import Hub, practice_of, report, rows
from services.neighbours.hub.words import words_of

log = logger("hub.sender")

BATCH = 200
LEASE = timedelta(minutes=15)
WORDS_RETRY, WORDS_GIVE_UP = timedelta(seconds=30), timedelta(days=1)
SHARE = {"sms", "whatsapp"}
"""Channels with an hourly allowance of their own, inside the practice's (001 BR-CAM-006.1/2)."""


@dataclass
class Batch:
    """What one look at the queue decided."""

    going: list[Outgoing] = field(default_factory=list)
    deferred: list[dict[str, Any]] = field(default_factory=list)
    refused: list[tuple[Claimed, str, Channel | None]] = field(default_factory=list)
    metered: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Sender:
    hub: Hub

    async def run_once(self, practice_id: UUID) -> int:
        """One batch of a practice, from deciding to recording; returns how many messages moved."""
        async with self.hub.unit(practice_id) as u:
            batch = await self._decide(u)
        if batch.going:
            await self._hand_over(practice_id, batch.going)
        return len(batch.going) + len(batch.deferred) + len(batch.refused)

    async def recover_once(self, practice_id: UUID) -> int:
        """Settle messages whose hand-off was cut off; returns how many."""
        async with self.hub.unit(practice_id) as u:
            found = (await u.execute(queries.STRANDED, practice=practice_id, before=u.now - LEASE)).all()
            lost = [r.dispatch_id for r in found if r.begun and not self.hub.adapters[r.channel].idempotent]
            again = [r.dispatch_id for r in found if r.dispatch_id not in lost]
            values = [{"dispatch_id": d, "state": "queued", "due_at": u.now} for d in again]
            values += [{"dispatch_id": d, "state": "failed", "failure": "send_unknown"} for d in lost]
            await record(u, values, dict.fromkeys(lost, "send_unknown"))
        if found:
            log.warning("hand_off_cut_off", practice=str(practice_id), again=len(again), unknown=len(lost))
        return len(found)

    async def _hand_over(self, practice_id: UUID, going: Sequence[Outgoing]) -> None:
        by_adapter: dict[Channel, list[Outgoing]] = defaultdict(list)
        for message in going:
            by_adapter[message.channel].append(message)
        for channel, messages in by_adapter.items():
            adapter = self.hub.adapters[channel]
            outcomes = await adapter.hand_over(messages, self._begun)
            # What went out must be written down: a passing database failure is tried again.
            async for attempt in stamina.retry_context(on=OperationalError, attempts=6, timeout=60):
                with attempt:
                    async with self.hub.unit(practice_id) as u:
                        await record_outcomes(u, self.hub, messages, outcomes)

    async def _begun(self, message: Outgoing) -> None:
        """From the commit on, nobody sends this message again."""
        async for attempt in stamina.retry_context(on=OperationalError, attempts=6, timeout=60):
            with attempt:
                async with self.hub.unit(message.practice_id) as u:
                    await u.execute(queries.BEGUN, practice=message.practice_id, dispatch=message.dispatch_id)

    # --- deciding -----------------------------------------------------------------------------

    async def _decide(self, u: Unit) -> Batch:
        batch = Batch()
        if not (await u.execute(queries.ONE_DECIDER, practice=u.practice_id)).scalar():
            return batch  # another sender decides for this practice right now
        found = await u.execute(queries.CLAIM.format(batch=BATCH), practice=u.practice_id, now=u.now)
        claimed = [_claimed(row) for row in found.mappings()]
        if not claimed:
            return batch
        with spans() as told:
            for message in claimed:
                if message.traceparent:
                    told.begin("hub send", message.traceparent, topic=message.topic)
            await self._sort(u, claimed, batch)
            await self._write(u, batch)
        return batch

    async def _sort(self, u: Unit, claimed: Sequence[Claimed], batch: Batch) -> None:
        people = await _people(u, claimed)
        words = await words_of(u, list({m.content_ref for m in claimed}))
        practice = await practice_of(u)
        allowance = await Allowance.of(u, self.hub)
        composer = Composer(self.hub.settings.hub_address(), practice, self.hub.settings.bounce_address)
        touched: dict[UUID, list[datetime]] = {}
        for message in claimed:
            person = example(u.now, message.language) if message.to_address else people[message.dispatch_id]
            content = words.get(message.content_ref)
            if content is None:
                _await_words(batch, message, u.now)
                continue
            zone = zone_of(person, practice)
            touches = touched.setdefault(person.contact_id, list(person.touches))
            match rules.decide(message, person, u.now, written=content.content, zone=zone, touches=touches):
                case rules.Refuse(reason):
                    batch.refused.append((message, reason, None))
                case rules.Defer(until, reason):
                    batch.deferred.append(_deferral(message, until, reason))
                case rules.Send(channel, to):
                    metered = self.hub.adapters[channel].metered
                    if metered and (free_at := allowance.full_until(channel)):
                        batch.deferred.append(_deferral(message, free_at, "rate_limit"))
                        continue
                    try:
                        going = composer.compose(message, person, channel, to, content, zone)
                    except RenderProblem as problem:
                        batch.refused.append((message, "render_problem", channel))
                        log.warning("render_problem", dispatch=str(message.dispatch_id), why=problem.code)
                        continue
                    batch.going.append(going)
                    if metered:
                        allowance.spend(channel)
                        batch.metered.update([channel, "all"])
                    if not message.test and message.purpose == "marketing":
                        touches.append(u.now)

    async def _write(self, u: Unit, batch: Batch) -> None:
        p = u.practice_id
        if batch.going:
            links = [
                {"dispatch_id": m.dispatch_id, "link_no": n, "url": url}
                for m in batch.going
                for n, url in enumerate(m.links, 1)
            ]
            going = rows(
                {
                    "dispatch_id": m.dispatch_id,
                    "channel": m.channel,
                    "language": m.language,
                    "rendered": m.digest,
                }
                for m in batch.going
            )
            await u.execute(queries.BEGIN_SENDING, practice=p, now=u.now, rows=going)
            await u.execute(queries.ADD_LINKS, practice=p, rows=rows(links))
        if batch.metered:
            spent = rows({"channel": channel, "used": used} for channel, used in batch.metered.items())
            await u.execute(queries.SPEND, practice=p, now=u.now, rows=spent)
        if batch.deferred:
            await u.execute(queries.DEFER, practice=p, rows=rows(batch.deferred))
        if batch.refused:
            refused = rows({"dispatch_id": m.dispatch_id, "reason": why} for m, why, _ in batch.refused)
            await u.execute(queries.REFUSE, practice=p, rows=refused)
            await report(u, [_refusal(m, why, channel) for m, why, channel in batch.refused])


@dataclass
class Allowance:
    """What may still go to providers within the sliding hour; a full one queues, never fails."""

    limits: Mapping[str, int]
    used: dict[str, int]
    oldest: dict[str, datetime]
    now: datetime

    @classmethod
    async def of(cls, u: Unit, hub: Hub) -> "Allowance":
        limits = {"all": hub.settings.hub_hourly, **dict.fromkeys(SHARE, hub.settings.hub_hourly_sms)}
        used: dict[str, int] = {}
        oldest: dict[str, datetime] = {}
        since = u.now - timedelta(hours=1)
        for row in await u.execute(queries.USED, practice=u.practice_id, since=since):
            used[row.channel] = used.get(row.channel, 0) + row.used
            oldest.setdefault(row.channel, row.minute)
        return cls(limits, used, oldest, u.now)

    def full_until(self, channel: str) -> datetime | None:
        """When the allowance first frees up again, if it is used up."""
        full = [name for name in (channel, "all") if self.used.get(name, 0) >= self.limits.get(name, 2**31)]
        frees = [self.oldest.get(name, self.now) + timedelta(hours=1) for name in full]
        return max([*frees, self.now + timedelta(seconds=1)]) if full else None

    def spend(self, channel: str) -> None:
        for name in (channel, "all"):
            self.used[name] = self.used.get(name, 0) + 1


def example(now: datetime, language: str) -> Person:
    """Who a test message is written to: the example person of the merge fields, never a contact."""
    contact = sample_context()["contact"]
    return Person(UUID(int=0), **contact, locale=language, next_appointment_at=now + timedelta(days=9))


def zone_of(person: Person, practice: Practice) -> ZoneInfo:
    """The recipient's zone, else the practice's."""
    for name in (person.timezone, practice.timezone):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue  # an unknown name: the practice's zone is the next best, then UTC
    return ZoneInfo("UTC")


def _claimed(row: Mapping[str, Any]) -> Claimed:
    return Claimed(**{**row, "caps": ContactCaps.model_validate(row["caps"])})


async def _people(u: Unit, claimed: Sequence[Claimed]) -> dict[UUID, Person]:
    found = await u.execute(
        queries.PEOPLE, practice=u.practice_id, now=u.now, ids=[m.dispatch_id for m in claimed]
    )
    return {row["dispatch_id"]: _person(row) for row in found.mappings()}


def _person(row: Mapping[str, Any]) -> Person:
    values = {name: value for name, value in row.items() if name != "dispatch_id"}
    for name, kind in (("granted", frozenset), ("closed", frozenset), ("touches", tuple)):
        values[name] = kind(values[name])
    return Person(**values)


def _await_words(batch: Batch, message: Claimed, now: datetime) -> None:
    """The words come on the same stream just before the request; give them a moment."""
    if now - message.accepted_at > WORDS_GIVE_UP:
        batch.refused.append((message, "no_content", None))
    else:
        batch.deferred.append(_deferral(message, now + WORDS_RETRY, "no_content"))


def _deferral(message: Claimed, until: datetime, reason: str) -> dict[str, Any]:
    return {"dispatch_id": message.dispatch_id, "until": until, "reason": reason}


def _refusal(message: Claimed, reason: str, channel: Channel | None) -> Report:
    return Report(
        "failed",
        message.dispatch_id,
        message.contact_id,
        message.campaign_id,
        channel,
        message.test,
        message.traceparent,
        {"reason": reason, "permanent": True},
    )
