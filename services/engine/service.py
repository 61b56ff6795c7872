"""The engine's round for one practice: enrol, move what is due, close what is finished.

Every piece of work is its own short transaction, so that a long queue of one step never keeps
locks, and one practice's load is worked off in slices between those of others (ENG-3).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from services.audience.service import where
from services.contracts.journey import Entry, Message, Step, SubCampaign
from services.engine.binding import Binding
from services.engine.carrying import carry
from services.engine.claim import BATCH, SMALL, DueStep, claim, due_steps, may_run
from services.engine.enrol import Entered, choose, enter, reentry_sql
from services.engine.entries import let_go
from services.engine.executions import (
    empty_ended,
    finish,
    open_executions,
    progressed,
    rescan,
    take,
    watch_hub,
)
from services.engine.lanes import astray, change_lane
from services.engine.marks import PATIENCE, Age
from services.engine.message import send
from services.engine.moves import move
from services.engine.pace import allowance, resting, spend
from services.engine.plan import Plan
from services.engine.plans import plan_of, policy_for, refs_of
from services.engine.windows import put_off
from services.kit import tracing
from services.kit.actor import system
from services.kit.metrics import STEP_LATE_SECONDS, STEP_SECONDS, STEPS, timed
from services.kit.practices import Waiting, practices_with
from services.kit.tracing import MOST, spans
from services.kit.uow import Unit, UnitOfWork

TURN = """
INSERT INTO cm.turn (practice_id, turn) VALUES (:practice, nextval('cm.turn_no'))
ON CONFLICT (practice_id) DO UPDATE SET turn = excluded.turn WHERE cm.turn.turn = :seen
"""
TRACED = f"SELECT DISTINCT trace FROM pg_temp.claim WHERE trace IS NOT NULL LIMIT {MOST}"


@dataclass
class Round:
    """What one round did."""

    enrolled: int = 0
    refused: int = 0
    requested: int = 0
    moved: int = 0
    finished: int = 0

    def __bool__(self) -> bool:
        return any((self.enrolled, self.refused, self.requested, self.moved, self.finished))


@dataclass
class Looked:
    """How old what is known of a practice's due steps is, and what that cost: all of it, and what is ahead."""

    whole: Age = field(default_factory=Age)
    ahead: Age = field(default_factory=Age)
    due: list[DueStep] = field(default_factory=list)


@dataclass(frozen=True)
class Engine:
    """Any number may run at once, on any number of machines; rows decide who does what."""

    uow: UnitOfWork
    slice: int = 4
    """Batches of one step a turn, before the next practice has its turn."""
    turn: int = 8
    """Batches a turn of a practice; every due step has at least one of them."""
    name: str = field(default="engine")
    stopping: Callable[[], bool] = field(default=lambda: False)
    """Asked between batches: true ends the turn, with nothing half done."""
    _looked: dict[UUID, Looked] = field(default_factory=dict)

    async def serve(self) -> list[UUID]:
        """A turn for every practice with work, those served longest ago first (ENG-3). Several
        workers share the turns. Returns the practices where something was done."""
        served = []
        for waiting in await practices_with(self.uow.engine, "engine", self.uow.clock.now()):
            if self.stopping():
                break
            if await self._take_turn(waiting) and await self.run_once(waiting.practice_id):
                served.append(waiting.practice_id)
        return served

    async def _take_turn(self, waiting: Waiting) -> bool:
        """False when another worker has taken this turn since we looked."""
        async with self._unit(waiting.practice_id) as u:
            taken = await u.execute(TURN, practice=waiting.practice_id, seen=waiting.turn)
            return bool(taken.rowcount)

    async def run_once(self, practice_id: UUID) -> Round:
        """One fair slice of a practice's work. Falsy when nothing was due."""
        done = Round()
        await self._carry(practice_id, done)
        await self._enrol(practice_id, done)
        due, whole = await self._due(practice_id)
        await self._work_off(practice_id, due, done)
        if not (done.moved or whole):
            due, _ = await self._due(practice_id, anew=True)
            await self._work_off(practice_id, due, done)
        async with self._unit(practice_id) as u:
            done.finished += await finish(u)
        async with self._unit(practice_id) as u:
            done.moved += await empty_ended(u)
            if done.requested:
                await watch_hub(u)
        STEPS.labels("moved").inc(done.moved)
        return done

    async def _carry(self, practice_id: UUID, done: Round) -> None:
        """People whom a published change moves to another version, or lets go (D8)."""
        batches, more = 0, True
        while more and batches < self.slice and not self.stopping():
            async with self._unit(practice_id) as u:
                moved, more = await carry(u)
            done.moved += moved
            batches += bool(moved)

    async def _due(self, practice_id: UUID, *, anew: bool = False) -> tuple[list[DueStep], bool]:
        """Steps with people due that are not resting, and whether everything was looked at. That is slow
        while a long reader keeps dead rows; then it is done seldom, unless what was found led to nothing
        (`anew`), and between times the engine looks ahead only."""
        looked = self._looked.setdefault(practice_id, Looked())
        whole = anew or not looked.whole.serves(PATIENCE)
        async with self._unit(practice_id) as u:
            if whole or not looked.ahead.serves(PATIENCE):
                with (looked.whole if whole else looked.ahead).measured():
                    looked.due = await due_steps(u, ahead=not whole)
            tired = await resting(u)
        return [d for d in looked.due if (d.version_id, d.step_id) not in tired], whole

    async def _work_off(self, practice_id: UUID, due: list[DueStep], done: Round) -> None:
        """A batch of every due step, then again of those that have more, until the turn is over."""
        batches = 0
        for lap in range(self.slice):
            more = []
            for step in due:
                if self.stopping() or (lap and batches >= self.turn):
                    return
                with timed(STEP_SECONDS):
                    size = await self._advance(practice_id, step, done)
                if size:
                    late = self.uow.clock.now() - step.due_at
                    STEP_LATE_SECONDS.observe(max(late.total_seconds(), 0))
                if size >= min(BATCH, SMALL):
                    more.append(step)
                batches += 1
            due = more

    async def drain(self, practice_id: UUID, *, rounds: int = 10_000) -> Round:
        """Rounds until nothing is due; for tests, benchmarks and `cm` commands."""
        total = Round()
        for _ in range(rounds):
            done = await self.run_once(practice_id)
            if not done:
                return total
            for name in vars(total):
                setattr(total, name, getattr(total, name) + getattr(done, name))
        return total

    async def _enrol(self, practice_id: UUID, done: Round) -> None:
        async with self._unit(practice_id) as u:
            await rescan(u)
            waiting = await open_executions(u)
        for open_execution in waiting:
            async with self._unit(practice_id) as u:
                if not await may_run(u, open_execution.campaign_id):
                    continue
                execution = await take(u, open_execution)
                if execution is None:
                    continue
                plan = await plan_of(u, execution.version_id)
                policy = await policy_for(u, execution.campaign_id, execution.version_id, plan)
                binding = Binding()
                audience = await where(u, plan.journey.audience, prefix="a_")
                source = (
                    "SELECT c.contact_id FROM canonical.contact c WHERE c.practice_id = :practice"
                    " AND c.contact_id > :cursor"
                    f" AND ({audience.sql}) AND {reentry_sql(plan.entry.reentry, binding)}"
                    f" ORDER BY c.contact_id LIMIT {BATCH}"
                )
                params = {
                    **audience.params,
                    **binding.values,
                    "practice": practice_id,
                    "campaign": execution.campaign_id,
                    "cursor": execution.cursor,
                    "now": u.now,
                }
                chosen = await choose(u, source, params)
                entered = await enter(
                    u,
                    plan,
                    policy,
                    candidates=chosen,
                    execution_id=execution.execution_id,
                    already=execution.enrolled,
                )
                await progressed(u, execution, entered, plan.journey.audience, last=chosen < BATCH)
                done.enrolled += entered.enrolled
                done.refused += entered.refused

    async def _advance(self, practice_id: UUID, due: DueStep, done: Round) -> int:
        async with self._unit(practice_id) as u:
            if not await may_run(u, due.campaign_id):
                return 0
            plan = await plan_of(u, due.version_id)
            step = plan.steps[due.step_id]
            strays: list[UUID] = []
            if isinstance(step, Message):
                size = await self._request(u, due, plan, step, done, strays)
            else:
                size = await self._pass_on(u, due, plan, step)
                done.moved += size
        if strays:
            async with self._unit(practice_id) as u:
                await change_lane(u, strays)
        return size

    async def _pass_on(self, u: Unit, due: DueStep, plan: Plan, step: Step) -> int:
        """A batch of a step that requests nothing."""
        size = await claim(u, due, contacts=isinstance(step, SubCampaign))
        left = size
        if isinstance(step, Entry) and size:
            left -= await let_go(u, due, plan, size)
        if isinstance(step, SubCampaign) and left:
            await self._hand_over(u, UUID(step.campaign_id))
        if left:
            await move(u, due, plan, step, left)
        return size

    async def _request(
        self, u: Unit, due: DueStep, plan: Plan, step: Message, done: Round, strays: list[UUID]
    ) -> int:
        """A batch of a message step, within the declared rates and everybody's window. Adds to
        `strays` who must change lanes first."""
        rate = await allowance(u, due, plan.journey.pace, step.pace)
        if rate is not None and rate.most == 0:
            return 0
        repeats = plan.entry.reentry.rule == "concurrent"
        size = await claim(u, due, alone=True, one_each=repeats, most=rate.most if rate else None)
        left = size
        if step.window is not None and size:
            left -= await put_off(u, step.window, Binding())
        if left:
            policy = await policy_for(u, due.campaign_id, due.version_id, plan, step)
            with spans() as told:
                if tracing.on():
                    for row in await u.execute(TRACED):
                        told.begin(
                            "decide", row.trace, campaign=str(due.campaign_id), step=due.step_id, batch=left
                        )
                sent = await send(u, due, plan, step, policy, refs_of(step), left)
            done.requested += sent.requested
            done.refused += sent.refused
            u.after_commit(partial(STEPS.labels("requested").inc, sent.requested))
            u.after_commit(partial(STEPS.labels("refused").inc, sent.refused))
            if sent.requested + sent.refused < left:
                strays += await astray(u)
            if rate is not None:
                await spend(u, due.campaign_id, rate.counts, sent.requested)
        done.moved += left
        return size

    async def _hand_over(self, u: Unit, campaign_id: UUID) -> Entered:
        """Enrol the claimed people in another active campaign, by that campaign's own rules."""
        row = (
            await u.execute(
                "SELECT active_version_id FROM cm.campaign WHERE practice_id = :practice"
                " AND campaign_id = :campaign AND state = 'active' FOR SHARE",
                practice=u.practice_id,
                campaign=campaign_id,
            )
        ).one_or_none()
        if row is None or row.active_version_id is None:
            return Entered(0, 0, 0)
        plan = await plan_of(u, row.active_version_id)
        policy = await policy_for(u, campaign_id, row.active_version_id, plan)
        binding = Binding()
        source = (
            "SELECT c.contact_id FROM canonical.contact c JOIN pg_temp.claim k USING (contact_id)"
            f" WHERE c.practice_id = :practice AND {reentry_sql(plan.entry.reentry, binding)}"
        )
        params = {
            **binding.values, "practice": u.practice_id, "campaign": campaign_id, "now": u.now,
        }  # fmt: skip
        chosen = await choose(u, source, params)
        return await enter(u, plan, policy, candidates=chosen, trigger="sub_campaign")

    @asynccontextmanager
    async def _unit(self, practice_id: UUID) -> AsyncIterator[Unit]:
        async with self.uow(system(practice_id, self.name)) as u:
            yield u
