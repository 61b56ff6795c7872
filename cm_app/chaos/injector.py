"""Pours events in, through the platform's outbox and straight onto the bus, and notes each answer."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from cm_app.chaos.journal import Asked, Journal
from cm_app.chaos.world import Town
from services.bootstrap import App
from services.contracts.envelope import Envelope, envelope
from services.contracts.events import source_of
from services.contracts.platform_api import Happening, Simulate
from services.kit.actor import system
from services.kit.chance import Chance
from services.kit.errors import AppError
from services.kit.ids import new_id
from services.neighbours.platform.simulator.service import simulate

AWAY = (DBAPIError, RedisError, OSError, TimeoutError)
PAUSE = 0.06
"""Mean seconds between two events of one injector."""
RAW = "chaos"
"""The source that events straight on the bus name."""

# What happens to people who may come back: bookings, holds that end, consent that is given again.
LIVELY: dict[Happening, int] = {
    "book": 12, "proposal_stalled": 30, "proposal_accepted": 4, "recall_enrol": 8, "recall_exit": 8,
    "concierge_recovery": 6, "concierge_accepted": 6, "consent_revoke": 6, "consent_grant": 8,
    "loyalty_milestone": 4, "careplan_nudge": 4, "opportunity_lost": 2,
}  # fmt: skip
SEEN = """
SELECT event_id, CAST(pg_current_snapshot() AS text) AS snapshot FROM cm.inbound_event
WHERE practice_id = :practice AND event_id = ANY (:ids)
"""


@dataclass
class Injector:
    """`platform` has the platform's role: what it commits is what a booking desk was told."""

    platform: App
    app: App
    town: Town
    journal: Journal
    chance: Chance
    pause: float = PAUSE

    def __post_init__(self) -> None:
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`: a person, a happening, a way in; sometimes the same again, or rubbish."""
        while not self.stop.is_set():
            try:
                await self._one()
            except AWAY:  # nobody answered: it happened or it did not, and the journal says so
                await asyncio.sleep(0.1)
            except AppError:  # it cannot happen to this person now: nothing was written
                continue
            await asyncio.sleep(self.chance.expovariate(1 / self.pause))

    async def watch(self) -> None:
        """Until `stop`: find closing events in effect and keep the snapshot that shows them."""
        while not self.stop.is_set():
            try:
                await self.look()
            except AWAY:
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.2)

    async def look(self) -> None:
        waiting = self.journal.unseen()
        if not waiting:
            return
        practice_id = self.town.practice_id
        async with self.app.uow(system(practice_id, "chaos")) as u:
            rows = (await u.execute(SEEN, practice=practice_id, ids=waiting)).all()
        for row in rows:
            self.journal.seen(row.event_id, row.snapshot)

    async def _one(self) -> None:
        draw = self.chance.random()
        if draw < 0.06:
            person = self.chance.choice(self.town.settled)
            what: Happening = self.chance.choice(("consent_revoke", "consent_revoke", "contact_erased"))
            await self._through_platform(person, what, "all", final=True)
        elif draw < 0.70:
            what = self.chance.choices(list(LIVELY), list(LIVELY.values()))[0]
            channel = self.chance.choice(("all", "email")) if what.startswith("consent") else "all"
            await self._through_platform(self.chance.choice(self.town.lively), what, channel)
        elif draw < 0.97:
            await self._on_the_bus(self.chance.choice(self.town.lively))
        else:
            await self._rubbish()

    async def _through_platform(
        self, person: UUID, what: Happening, channel: Any, *, final: bool = False
    ) -> None:
        practice_id = self.town.practice_id
        asked = Simulate(practice_id=practice_id, contact_id=person, what=what, channel=channel)
        async with self.platform.uow(system(practice_id, "platform")) as u:
            await simulate(u, asked)
            types = [event.type for event in u.emitted]
            ids = [str(written) for written in await u.put_out()]
            for written, type in zip(ids, types, strict=True):
                self.journal.asked(Asked(written, type, str(person), "platform", final=final))
        self.journal.acknowledged(ids)

    async def _on_the_bus(self, person: UUID) -> None:
        type, data = self.chance.choice(
            (
                ("recall.patient.enrolled", {"patient_id": person, "journey_id": "raw", "enrolled_at": None}),
                ("recall.patient.exited", {"patient_id": person, "journey_id": "raw", "ended_at": None}),
                ("concierge.recovery.signal_lost", {"contact_id": person}),
                ("concierge.contact.accepted", {"contact_id": person}),
                ("proposal.stalled", {"proposal_id": new_id(), "patient_id": person}),
                ("weather.changed", {"contact_id": person}),
            )
        )
        event = self._event(type, {k: v or self.app.clock.now() for k, v in data.items()}, person)
        self.journal.asked(Asked(event.id, type, str(person), RAW))
        twice = self.chance.random() < 0.15
        await self.platform.bus.publish(source_of(type), [event, event] if twice else [event])
        self.journal.acknowledged([event.id])

    async def _rubbish(self) -> None:
        """A booking without a patient: understood as an envelope, refused as a booking."""
        event = self._event("appointment.booked", {"appointment_id": new_id()}, self.town.people[0])
        self.journal.asked(Asked(event.id, event.type, "", RAW, malformed=True))
        await self.platform.bus.publish("appointments", [event])
        self.journal.acknowledged([event.id])

    def _event(self, type: str, data: dict[str, Any], person: UUID) -> Envelope:
        values = {k: v.isoformat() if hasattr(v, "isoformat") else str(v) for k, v in data.items()}
        return envelope(
            id=new_id(), source=RAW, type=type, time=self.app.clock.now(),
            practice_id=self.town.practice_id, subject=person,
            data={**values, "practice_id": str(self.town.practice_id)},
        )  # fmt: skip
