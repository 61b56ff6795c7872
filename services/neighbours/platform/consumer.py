"""What the Hub reports becomes engagement and consent in the shared data model.

At least once from the bus, exactly once here: every event's id goes into `platform.inbox` in the
transaction of what it changes.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from services.contracts.envelope import Envelope
from services.contracts.events import HubMessageEvent
from services.kit.actor import system
from services.kit.bus import Bus, Consumer, Received
from services.kit.clock import Clock
from services.kit.ids import new_id
from services.kit.uow import Unit, UnitOfWork
from services.neighbours.platform.records import insert, revoke

ENGAGEMENT = {
    "hub.message.sent": "messaged",
    "hub.message.opened": "opened",
    "hub.message.clicked": "clicked",
    "hub.message.replied": "replied",
}
OPT_OUTS = {"hub.message.unsubscribed", "hub.message.stop"}


@dataclass(frozen=True, slots=True)
class Report:
    envelope: Envelope
    data: HubMessageEvent


class HubReports:
    """The consumer group `platform` of the Hub's stream. `name` must be unique a process."""

    def __init__(self, uow: UnitOfWork, bus: Bus, clock: Clock, *, name: str) -> None:
        self._uow, self._bus, self._clock = uow, bus, clock
        self._consumer = Consumer(bus, "platform", name, ["hub"])

    async def prepare(self) -> None:
        await self._consumer.prepare()

    async def run_once(self, *, block_ms: int = 0, stale_ms: int | None = None) -> int:
        """Handle one batch; returns how many entries. `stale_ms` takes over what a dead reader left."""
        if stale_ms is not None:
            received = await self._consumer.reclaim(stale_ms=stale_ms)
        else:
            received = await self._consumer.read(block_ms=block_ms)
        practices: dict[UUID, list[Report]] = defaultdict(list)
        for entry in received:
            report = await self._understood(entry)
            if report is not None:
                practices[report.envelope.practiceid].append(report)
        for practice_id, reports in practices.items():
            async with self._uow(system(practice_id, "platform")) as u:
                await handle(u, reports)
        await self._consumer.ack(received)
        return len(received)

    async def _understood(self, entry: Received) -> Report | None:
        """The report of an entry; None for other events of the Hub and for dead letters."""
        try:
            envelope = Envelope.model_validate_json(entry.raw)
            if envelope.type not in ENGAGEMENT and envelope.type not in OPT_OUTS:
                return None
            return Report(envelope, HubMessageEvent.model_validate(envelope.data))
        except ValidationError as error:
            await self._bus.dead_letter(entry, f"platform: {error}", self._clock.now())
            return None


async def handle(u: Unit, reports: list[Report]) -> None:
    """Write one practice's reports that are new and about people it has; tests count for nothing."""
    fresh = await _fresh(u, reports)
    people = await _known(u, {report.data.contact_id for report in fresh})
    mine = [r for r in fresh if r.data.contact_id in people and not r.data.test]
    await insert(
        u,
        "canonical.engagement",
        [
            {
                "engagement_id": new_id(), "contact_id": r.data.contact_id,
                "kind": ENGAGEMENT[r.envelope.type], "channel": r.data.channel or "email",
                "campaign_id": r.data.campaign_id, "at": r.envelope.time,
            }
            for r in mine
            if r.envelope.type in ENGAGEMENT
        ],
    )  # fmt: skip
    for report in mine:
        if report.envelope.type in OPT_OUTS:
            await _opt_out(u, report)


async def _fresh(u: Unit, reports: list[Report]) -> list[Report]:
    answer = await u.execute(
        "INSERT INTO platform.inbox (practice_id, source, event_id, received_at)"
        " SELECT DISTINCT CAST(:practice AS uuid), source, id, CAST(:now AS timestamptz)"
        " FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) AS came(source, id)"
        " ON CONFLICT DO NOTHING RETURNING source, event_id",
        practice=u.practice_id,
        sources=[r.envelope.source for r in reports],
        ids=[r.envelope.id for r in reports],
        now=u.now,
    )
    new = {(row.source, row.event_id) for row in answer}
    once = {(r.envelope.source, r.envelope.id): r for r in reports}
    return [report for key, report in once.items() if key in new]


async def _known(u: Unit, contacts: set[UUID]) -> set[UUID]:
    answer = await u.execute(
        "SELECT contact_id FROM canonical.contact WHERE practice_id = :practice AND contact_id = ANY(:ids)",
        practice=u.practice_id,
        ids=list(contacts),
    )
    return set(answer.scalars())


async def _opt_out(u: Unit, report: Report) -> None:
    """STOP closes its channel; unsubscribing closes the topic, or all marketing, on every channel
    (D21). A topic that is no purpose of its own is recorded under its name: no is no."""
    data, stop = report.data, report.envelope.type == "hub.message.stop"
    await revoke(
        u,
        data.contact_id,
        channel=(data.channel or "all") if stop else "all",
        purpose="all" if stop else "marketing" if data.all_topics else data.topic or "marketing",
        method="stop" if stop else "unsubscribe",
        evidence=f"Message {data.dispatch_id}",
    )
