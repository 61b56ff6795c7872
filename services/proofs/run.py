"""One proof run: the engine's own statements over a shadow, on a clock that jumps to what is due.

Nobody answers in a proof: no clicks, no bookings, so waits for an event end by their time. Everyone
in the audience enters at the start, also of campaigns that an event would start.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.access.service import practice_settings
from services.campaigns.rules import content_hash, kind_of
from services.content.service import resolve
from services.contracts.journey import Journey
from services.engine.claim import BATCH, due_steps
from services.engine.service import Engine, Round
from services.kit.actor import system
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.proofs.shadow import Setting, Shadow

Progress = Callable[[str], Awaitable[None]]
FARTHEST = timedelta(days=400)
"""A run looks this far ahead; what is due later is counted as still under way."""
JUMPS = 300
"""The clock jumps about this often, so that people spread over days do not take days to prove."""
NEXT = "SELECT min(due_at) AS first, max(due_at) AS last FROM cm.work WHERE practice_id = :practice"
STANDING = """
SELECT (SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice AND version_id = :version) AS messages,
  (SELECT count(*) FROM cm.enrolment WHERE practice_id = :practice AND version_id = :version) AS people
"""
PERSON = "proof"


@dataclass(frozen=True)
class Ran:
    """What a run leaves in the shadow for the artefacts to be read from."""

    campaign_id: UUID
    version_id: UUID
    content_hash: str
    journey: Journey
    started_at: datetime
    ended_at: datetime
    coarse: timedelta


class ProofEngine(Engine):
    """The engine without its housekeeping: runs are neither finished nor read again."""

    async def run_once(self, practice_id: UUID) -> Round:
        done = Round()
        await self._enrol(practice_id, done)
        return await self.advance(practice_id, done)

    async def advance(self, practice_id: UUID, done: Round) -> Round:
        async with self._unit(practice_id) as u:
            due = await due_steps(u)
        for step in due:
            while await self._advance(practice_id, step, done) == BATCH:
                pass
        return done


async def setting_of(u: Unit, campaign_id: UUID, journey: Journey) -> tuple[Setting, Journey]:
    """The draft as an approval would freeze it: templates filled in, and only in the shadow."""
    ready = await resolve(u, journey)
    version_id = new_id()
    caps = (await practice_settings(u)).caps
    days = max(caps.per_days, journey.caps.per_days)
    hours = max(caps.min_gap_hours or 0, journey.caps.min_gap_hours or 0)
    setting = Setting(
        campaign_id=campaign_id,
        version_id=version_id,
        execution_id=new_id(),
        kind=kind_of(ready),
        campaign_type=ready.campaign_type,
        objective=ready.goal.objective,
        content_hash=content_hash(ready),
        definition=u.keyring.seal(ready.model_dump_json().encode(), place=f"campaign.version:{version_id}"),
        since=u.now - max(timedelta(days=days), timedelta(hours=hours)),
    )
    return setting, ready


async def run(shadow: Shadow, practice_id: UUID, setting: Setting, journey: Journey, tell: Progress) -> Ran:
    """Enrol, then move the clock from one due time to the next until nobody is under way."""
    engine, actor = ProofEngine(shadow, name=PERSON), system(practice_id, PERSON)
    started, coarse = shadow.now, timedelta(minutes=1)
    done = await _enrol(engine, practice_id, tell)
    await shadow.analyse(actor)
    while True:
        while done:
            done = await engine.advance(practice_id, Round())
        async with shadow(actor) as u:
            due = (await u.execute(NEXT, practice=practice_id)).one()
            standing = (await u.execute(STANDING, practice=practice_id, version=setting.version_id)).one()
        await tell(
            f"{standing.messages:,} messages so far, for {standing.people:,} people;"
            f" day {(shadow.now - started).days + 1} of the journey"
        )
        if due.first is None or due.first > started + FARTHEST:
            break
        coarse = max(coarse, (due.last - due.first) / JUMPS)
        shadow.move_to(
            max(due.first, min(due.first + coarse, due.last)) if due.last > due.first else due.first
        )
        done = await engine.advance(practice_id, Round())
    return Ran(
        setting.campaign_id, setting.version_id, setting.content_hash, journey, started, shadow.now, coarse
    )


async def _enrol(engine: ProofEngine, practice_id: UUID, tell: Progress) -> Round:
    """Everyone in the audience, once: a dynamic audience would be read again for ever."""
    total = Round()
    while True:
        done = Round()
        await engine._enrol(practice_id, done)
        total.enrolled += done.enrolled
        total.refused += done.refused
        await tell(f"{total.enrolled:,} people have entered")
        if not (done.enrolled or done.refused):
            return total
