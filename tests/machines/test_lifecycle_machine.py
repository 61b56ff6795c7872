"""The life of a campaign against a plain model: any order of anybody's acts (D6, D9)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.bootstrap import App, bootstrap
from services.campaigns import service as campaigns
from services.campaigns.errors import NotEditable, OwnWork
from services.campaigns.rules import MOVES
from services.kit.actor import Actor, system
from services.kit.clock import VirtualClock
from services.kit.embedded import Servers
from services.kit.errors import AppError, Invalid, NotFound, TransitionError
from services.kit.settings import Settings
from services.kit.uow import Unit
from tests.conftest import START
from tests.factories.journeys import journey, person
from tests.factories.practice import make_practice
from tests.factories.proof.swift import swift_engine

T = TypeVar("T")
PEOPLE = st.integers(0, 2)
WORDS = st.integers(0, 2)


@dataclass
class Version:
    words: int
    editors: set[int]


@dataclass
class Model:
    """What should be true, as plainly as it can be said."""

    state: str = "draft"
    draft: int = 0
    editors: set[int] = field(default_factory=lambda: {0})
    versions: list[Version] = field(default_factory=list)
    live: int | None = None
    asked: datetime | None = None
    open: bool = False
    start_at: datetime | None = None
    runs: int = 0

    def save(self, who: int, words: int) -> type[AppError] | None:
        if self.state not in ("draft", "paused"):
            return NotEditable
        if self.open and self.versions[-1].words != words:
            self.open = False
        self.draft = words
        self.editors.add(who)
        return None

    def ask(self, at: datetime | None, now: datetime) -> type[AppError] | None:
        if self.state not in ("draft", "paused"):
            return NotEditable
        if at is not None and (self.state == "paused" or at < now + timedelta(minutes=5)):
            return Invalid
        if not self.versions or self.versions[-1].words != self.draft:
            self.versions.append(Version(self.draft, set(self.editors)))
        self.open, self.asked = True, at
        return None

    def approve(self, who: int, now: datetime) -> type[AppError] | None:
        if who == 0 or who in self.versions[-1].editors:
            return OwnWork
        self.open = False
        if self.asked is not None and self.asked > now:
            self.state, self.start_at = "scheduled", self.asked
        else:
            self.activate()
        return None

    def activate(self) -> None:
        number = len(self.versions)
        self.runs += number != self.live
        self.state, self.live, self.editors = "active", number, set()

    def go(self, to: str) -> type[AppError] | None:
        if self.state == to:
            return None
        if to not in MOVES[self.state]:  # type: ignore[index]
            return TransitionError
        self.state = to
        if to in ("active", "completed", "cancelled"):
            self.open = False
        return None

    def resume(self) -> type[AppError] | None:
        if self.state in ("draft", "scheduled"):
            return TransitionError
        if self.state == "paused" and self.changed:
            return Invalid
        return self.go("active")

    @property
    def changed(self) -> bool:
        return self.live is not None and self.versions[self.live - 1].words != self.draft


def machine(app: App, clock: VirtualClock, database_url: str, runner: asyncio.Runner) -> type:
    class Lifecycle(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.practice = make_practice(database_url, clock.now())
            self.people = [person(self.practice) for _ in range(3)]
            self.model = Model()
            self.gone = False
            made = self.act(self.people[0], lambda u: campaigns.create(u, name="C", journey=journey("0")))
            self.id = made.campaign_id

        def act(self, actor: Actor, do: Callable[[Unit], Awaitable[T]]) -> T:
            async def inside() -> T:
                async with app.uow(actor) as u:
                    return await do(u)

            return runner.run(inside())

        def same(
            self, expected: type[AppError] | None, who: int, do: Callable[[Unit], Awaitable[Any]]
        ) -> None:
            """The real thing ends as the model says, and a refusal leaves nothing behind."""
            if self.gone:
                expected = NotFound
            if expected is None:
                self.act(self.people[who], do)
            else:
                with pytest.raises(expected) as refused:
                    self.act(self.people[who], do)
                assert type(refused.value) is expected

        async def _revision(self, u: Unit) -> int:
            return (await campaigns.get(u, self.id)).draft_revision

        @rule(who=PEOPLE, words=WORDS)
        def save(self, who: int, words: int) -> None:
            async def do(u: Unit) -> None:
                await campaigns.save_draft(u, self.id, journey(str(words)), revision=await self._revision(u))

            self.same(self.model.save(who, words), who, do)

        @rule(who=PEOPLE, minutes=st.sampled_from([None, None, 4, 60]))
        def ask(self, who: int, minutes: int | None) -> None:
            at = None if minutes is None else clock.now() + timedelta(minutes=minutes)
            self.same(
                self.model.ask(at, clock.now()),
                who,
                lambda u: campaigns.request_approval(u, self.id, activate_at=at),
            )

        @precondition(lambda self: self.model.state in ("draft", "paused") and not self.gone)
        @rule(author=PEOPLE, words=WORDS, who=PEOPLE, later=st.booleans())
        def rework_and_publish(self, author: int, words: int, who: int, later: bool) -> None:
            """The way into the later states, which single acts find too seldom."""
            self.save(author, words)
            self.ask(author, 60 if later and self.model.state == "draft" else None)
            self.approve(who)

        @precondition(lambda self: self.model.state == "paused" and self.model.open)
        @rule(who=PEOPLE)
        def resume_with_an_open_request(self, who: int) -> None:
            self.resume(who)

        @precondition(lambda self: self.model.open and not self.gone)
        @rule(who=PEOPLE)
        def approve(self, who: int) -> None:
            (waiting,) = self.act(self.people[who], campaigns.inbox)
            expected = self.model.approve(who, clock.now())
            self.same(expected, who, lambda u: campaigns.approve(u, waiting.approval_id))

        @precondition(lambda self: self.model.open and not self.gone)
        @rule(who=PEOPLE)
        def send_back(self, who: int) -> None:
            (waiting,) = self.act(self.people[who], campaigns.inbox)
            self.model.open = False
            self.same(None, who, lambda u: campaigns.send_back(u, waiting.approval_id, note="Shorter"))

        @precondition(lambda self: self.model.state in ("active", "paused"))
        @rule(who=PEOPLE)
        def pause(self, who: int) -> None:
            self.same(self.model.go("paused"), who, lambda u: campaigns.pause(u, self.id, reason="r"))

        @precondition(lambda self: self.model.state in ("active", "paused"))
        @rule(who=PEOPLE)
        def resume(self, who: int) -> None:
            self.same(self.model.resume(), who, lambda u: campaigns.resume(u, self.id))

        @precondition(lambda self: self.model.state == "scheduled")
        @rule(who=PEOPLE)
        def unschedule(self, who: int) -> None:
            self.same(self.model.go("draft"), who, lambda u: campaigns.unschedule(u, self.id))

        @rule(who=PEOPLE, chosen=st.integers(0, 19))
        def anything_in_any_state(self, who: int, chosen: int) -> None:
            model, i = self.model, self.id
            match chosen:
                case 0:
                    self.same(model.go("cancelled"), who, lambda u: campaigns.cancel(u, i, reason="r"))
                case 1:
                    self.same(model.go("completed"), who, lambda u: campaigns.complete(u, i))
                case 2:
                    expected = None if model.state == "draft" else NotEditable
                    self.same(expected, who, lambda u: campaigns.delete(u, i))
                    self.gone = self.gone or expected is None
                case 3 | 4:
                    self.same(model.go("paused"), who, lambda u: campaigns.pause(u, i, reason="r"))
                case 5 | 6:
                    self.same(model.resume(), who, lambda u: campaigns.resume(u, i))
                case 7 | 8:
                    self.same(model.go("draft"), who, lambda u: campaigns.unschedule(u, i))
                case _:
                    self.time_passes(30)

        @precondition(lambda self: self.model.state == "scheduled")
        @rule(minutes=st.sampled_from([1, 30, 61]))
        def time_passes(self, minutes: int) -> None:
            clock.advance(minutes=minutes)
            started = self.act(system(self.practice, "scheduler"), campaigns.activate_due)
            due = self.model.state == "scheduled" and self.model.start_at <= clock.now()  # type: ignore[operator]
            assert started == int(due and not self.gone)
            if due:
                self.model.activate()

        @invariant()
        def the_database_agrees(self) -> None:
            detail, moves, runs, own = self.act(self.people[0], self._read)
            model = self.model
            if detail is not None:
                assert detail.row.state == model.state
                assert detail.row.changed == model.changed
                assert detail.row.active_version_number == model.live
                assert (detail.open_approval is not None) == model.open
                assert detail.draft == journey(str(model.draft))
            current = "draft"
            for before, after in moves:
                assert before == current
                assert after in MOVES[before]
                current = after
            assert current == model.state
            assert runs == model.runs
            assert own == 0

        async def _read(self, u: Unit) -> tuple[Any, list[Any], int, int]:
            """The campaign, its audited changes of state, its runs, and approvals of one's own work."""
            moves = await u.execute(
                "SELECT detail::jsonb ->> 'before' AS before, detail::jsonb ->> 'after' AS after"
                " FROM cm.audit WHERE tag = 'campaign.state_changed' ORDER BY at, audit_id"
            )
            runs = await u.execute("SELECT count(*) FROM cm.execution")
            own = await u.execute(
                "SELECT count(*) FROM cm.approval a JOIN cm.campaign c USING (practice_id, campaign_id)"
                " JOIN cm.campaign_version v USING (practice_id, version_id)"
                " WHERE a.state IN ('approved', 'used')"
                " AND (a.decided_by = c.created_by OR a.decided_by = ANY (v.editors))"
            )
            detail = None if self.gone else await campaigns.get(u, self.id)
            return detail, list(moves.all()), runs.scalar_one(), own.scalar_one()

    return Lifecycle


@pytest.mark.covers("LIF-2", "LIF-4", "LIF-6")
def test_any_order_of_acts_keeps_to_the_rules(config: Settings, servers: Servers, database_url: str):
    clock = VirtualClock(START)
    wired = bootstrap(config=config, clock=clock, database_url=database_url, redis_url=servers.redis_url)
    swift = swift_engine(wired.uow.engine.url)
    app = replace(wired, uow=replace(wired.uow, engine=swift))
    with asyncio.Runner() as runner:
        run_state_machine_as_test(
            lambda: machine(app, clock, database_url, runner)(),
            settings=settings(
                max_examples=20,
                stateful_step_count=40,
                deadline=None,
                phases=[Phase.reuse, Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(app.close())
        runner.run(wired.close())
