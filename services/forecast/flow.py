"""A journey over a whole audience: one statement a step, everybody with a clock of their own.

Steps are asked in the order people come to them, so whatever a person got earlier is on record when
a later step asks for it. Nothing here decides: gates, windows, waits, branches and splits are the
production texts, with each person's clock in the place of the one they ask for.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from services.audience.service import condition
from services.contracts.journey import Branch, Exit, GoalStep, Message, Split, Step, WaitEvent
from services.engine.binding import Binding
from services.engine.moves import port_sql
from services.engine.plan import Plan
from services.engine.plans import policy_for
from services.engine.reach import NOBODY
from services.engine.windows import open_sql
from services.forecast import queries
from services.forecast.contracts import Forecast, Rate, Rates
from services.forecast.parts import Parts
from services.forecast.places import DEEPEST, Judged, Passed, Place, Written, after, slot
from services.forecast.rates import wait_rate
from services.forecast.rules import in_order, their_clock
from services.forecast.tally import Tally
from services.forecast.turns import FIRST, acting, acts, carry, turn_of
from services.gates.contracts import Policy
from services.gates.statement import agreed_sql, verdicts
from services.kit.uow import Unit

Tell = Callable[[float], Awaitable[None]]
"""Is told how far a forecast is, from 0 to 1."""
LAPS = 120
"""How often a circle is followed before it is left."""
FAR = timedelta(days=30)


@dataclass
class Flow:
    """One forecast under way. `until` is the first moment no longer looked at, `among` a SELECT of everybody
    who may be in it."""

    parts: Parts
    plan: Plan
    campaign_id: UUID
    version_id: UUID
    rates: Rates
    found: Forecast
    until: datetime
    prefix: str
    tell: Tell | None = None
    among: str = ""
    passages: int = 1
    ends: str | None = None
    passage: int = 0
    messages: list[str] = field(default_factory=list)
    limits: set[str] = field(default_factory=lambda: {"records", "others"})
    carried: dict[str, float] = field(default_factory=dict)
    agreed: dict[str, str] = field(default_factory=dict)
    acting: dict[str, Any] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        self.order = in_order(self.plan.journey)
        self.tally = Tally(self.plan, self.found)

    @property
    def u(self) -> Unit:
        return self.parts.u

    @property
    def shared(self) -> dict[str, Any]:
        """Bound values of every statement."""
        return {
            "practice": self.u.practice_id,
            "now": self.u.now,
            "until": self.until,
            "zone": self.found.zone,
            "passage": self.passage,
            **self.acting,
        }

    async def table(self, columns: str) -> str:
        """A new temporary table, empty."""
        self._made += 1
        name = f"pg_temp.{self.prefix}_{self._made}"
        await self.parts.write(queries.TABLE.format(name=name, columns=columns))
        return name

    async def run(self) -> None:
        """Everybody who is somewhere, to the end of the journey or of the time."""
        laps: dict[str, int] = {}
        while self.tally.pending:
            step = next((step for step in self.order if step.id in self.tally.pending), None)
            if step is None:
                break
            await self._say(step)
            sources = self.tally.pending.pop(step.id)
            laps[step.id] = laps.get(step.id, 0) + 1
            if laps[step.id] > LAPS:
                self.limits.add("circle")
                continue
            await self._advance(step, sources)
        self.tally.pending.clear()

    async def _say(self, step: Step) -> None:
        """How far it is, as a share of all steps and times people are let in."""
        if self.tell is not None:
            done = self.order.index(step) / len(self.order)
            await self.tell(min((self.passage + done) / self.passages, 1.0))

    async def _advance(self, step: Step, sources: list[Place]) -> None:
        coming = await self._coming(step, sources)
        match step:
            case Message():
                await self._send(step, coming)
            case Exit() | GoalStep():
                await self._arrive(step, coming)
            case _:
                await self._pass(step, coming, 1 + max(place.depth for place in sources))

    async def _coming(self, step: Step, sources: list[Place]) -> str:
        """A SELECT of everybody who comes to a step, with the moment they are due there."""
        each = " UNION ALL ".join(place.coming(step.id) for place in sources)
        if isinstance(step, WaitEvent):
            rate = self._behaviour(wait_rate(step, self.plan.journey))
            if rate is not None and rate.name != "goal":  # who reaches the goal leaves
                return await self._signalled(step, each, rate)
        return f"SELECT k.*, NULL::text AS signal FROM ({each}) k"

    def _behaviour(self, name: str) -> Rate | None:
        rate = self.rates.by_name.get(name)
        return rate if rate is not None and rate.share else None

    async def _signalled(self, step: WaitEvent, each: str, rate: Rate) -> str:
        """Some of those who wait get what they wait for, at a moment of their own."""
        number = sum(row.people for row in await self.ask(queries.NUMBER.format(people=each), Binding()))
        turn = queries.TURN.format(person="a.contact_id", seed=turn_of(step))
        place, _ = await self._who_acts(f"SELECT {turn} AS turn FROM ({each}) a", number, rate, None, FIRST)
        return queries.SIGNALLED.format(
            each=each,
            wait=f"interval '{step.timeout_minutes} minutes'",
            after=after(place, slot(place, turn)),
        )

    async def _who_acts(
        self, turns: str, number: int, goal: Rate | None, left: Rate | None, carried: float
    ) -> tuple[int, int]:
        """Whose turn it is among so many, a SELECT of `turn`: the number of the bound values that say so,
        and how many of their stretches reach the goal."""
        low, high = acting(number, goal.share if goal else 0, left.share if left else 0, carried)
        sql = queries.TURNS.format(turns=turns)
        rows = await self.ask(sql, Binding(), low=low, high=high) if low or high else []
        first = sorted(chain.from_iterable(row.low for row in rows))[:low]
        last = sorted(chain.from_iterable(row.high for row in rows), reverse=True)[:high]
        found = acts(first, last[::-1], number, goal, left, carried)
        place = len(self.acting) // 2
        self.acting |= {f"cuts_{place}": list(found.cuts), f"hours_{place}": list(found.hours)}
        return place, found.goals

    async def _send(self, step: Message, coming: str) -> None:
        binding, policy = Binding(), await self.policy(step)
        await self._look_up_consents(policy)
        judged, moves = await self.table(queries.JUDGED), await self.table(queries.MOVES)
        opens = their_clock(open_sql(step.window, binding)) if step.window else ""
        next_step, next_due = self._move(step, binding)
        alone = "contact_id" in next_due
        acts = self._behaviour("goal") or self._behaviour("left")
        sql = queries.SEND.format(
            arriving=queries.ARRIVING.format(crowd=_put_off(coming, opens) if opens else _each(coming)),
            verdicts=self.verdicts(policy),
            released=queries.RELEASED,
            turn=queries.TURN.format(person="v.contact_id", seed=turn_of(step)) if acts else "NULL::bigint",
            next_step=next_step,
            next_due="NULL::timestamptz" if alone else next_due,
            out_at=queries.OUT_AT,
            judged=judged,
            moves=moves,
            ends=self._message_ends(step),
            stayed=queries.STAYED,
        )
        hours = {"quiet_start": policy.quiet_start, "quiet_end": policy.quiet_end}
        rows = await self.ask(sql, binding, policy, step=step.id, **hours)
        self.messages.append(judged)
        found = Judged(judged, moves, step.id)
        if acts:
            found = await self._judged(step, found, sum(row.people for row in rows if row.outcome == "sent"))
            if self.plan.target(step, "next") is None:
                later = queries.LATER.format(people=f"({found.onward()}) k", number="count(*)", who="true")
                rows += await self.ask(later, Binding())
        place: Place = await self._written(found, next_step, next_due, binding) if alone else found
        self.tally.count_message(step, place, rows)

    async def _judged(self, step: Message, place: Judged, sent: int) -> Judged:
        """With who acts after a message that went to so many."""
        carried = self.carried.get(step.id, FIRST)
        self.carried[step.id] = carry(carried, sent, self.rates.share("goal"))
        turns = f"SELECT turn FROM {place.name} WHERE turn IS NOT NULL"
        goal, left = self._behaviour("goal"), self._behaviour("left")
        acts, goals = await self._who_acts(turns, sent, goal, left, carried)
        return replace(place, acts=acts, goals=goals)

    async def _written(self, place: Judged, next_step: str, next_due: str, binding: Binding) -> Written:
        """Everybody's own moment, where it is not the same for all who are alike."""
        name = await self.table(queries.PLACE)
        people = f"SELECT j.*, 'next' AS port FROM ({place.onward()}) j"
        sql = queries.EACH_ON.format(
            place=name, people=people, next_step=next_step, next_due=next_due, step=place.step_id, again=place.again()
        )  # fmt: skip
        await self.parts.write(sql, **self.shared, **binding.values)
        return Written(name)

    def _message_ends(self, step: Message) -> str:
        over = "" if self.plan.target(step, "next") else " OR reason IS NULL OR effect = 'skip'"
        return queries.SEND_ENDS.format(ends=self.ends, over=over) if self.ends else ""

    async def _look_up_consents(self, policy: Policy) -> None:
        if policy.purpose not in self.agreed:
            name = await self.table(queries.AGREED)
            sql = queries.AGREE.format(name=name, agreed=agreed_sql(self.among))
            await self.parts.write(sql, practice=self.u.practice_id, purpose=policy.purpose)
            self.agreed[policy.purpose] = name

    async def _pass(self, step: Step, coming: str, depth: int) -> None:
        """Where nothing is asked of a person, what is done is done once to all who are alike."""
        binding = Binding()
        port = await self._port(step, coming, binding)
        alone = isinstance(step, Branch | Split) or "contact_id" in self._move(step, Binding())[1]
        people = alone or self.ends is not None or depth > DEEPEST
        name = await self.table(queries.PLACE if people else queries.MOVES)
        sql = queries.ON.format(
            arriving=queries.ARRIVING.format(crowd=_each(coming) if people else _alike(coming)),
            port=port,
            record=queries.RECORD if isinstance(step, Branch) else "",
            placed=self.placed(step, binding, "m"),
            kept=(queries.KEEP_PEOPLE if people else queries.KEEP_MOVES).format(name=name),
            ends=queries.ON_ENDS.format(ends=self.ends, which="n WHERE to_step IS NULL") if self.ends else "",
            stayed=queries.STAYED + self._later("n", "to_step IS NULL"),
        )
        rows = await self.ask(sql, binding)
        self.tally.count(step, Written(name) if people else Passed(coming, name, port, depth), rows)

    async def _arrive(self, step: Step, coming: str) -> None:
        """Nothing follows."""
        sql = queries.ARRIVE.format(
            arriving=queries.ARRIVING.format(crowd=_each(coming) if self.ends else _alike(coming)),
            ends=queries.ON_ENDS.format(ends=self.ends, which="mv") if self.ends else "",
            stayed=queries.STAYED + self._later("mv", "true"),
        )
        self.tally.count(step, None, await self.ask(sql, Binding()))

    def _later(self, people: str, who: str) -> str:
        """People who come to the end first and act afterwards: they count, though nobody waits for them."""
        if not (self._behaviour("goal") or self._behaviour("left")):
            return ""
        return "\nUNION ALL " + queries.LATER.format(people=people, number="sum(people)", who=who)

    async def ask(self, sql: str, binding: Binding, policy: Policy | None = None, **more: Any) -> list[Any]:
        values = {**(limits_of(policy) if policy else {}), **self.shared, **binding.values, **more}
        return await self.parts.ask(sql, **values)

    async def policy(self, step: Message | None) -> Policy:
        return await policy_for(self.u, self.campaign_id, self.version_id, self.plan, step)

    def verdicts(self, policy: Policy, *, entry: bool = False) -> str:
        """The gates' own text: their clock, and what they would have got by then."""
        text = their_clock(
            verdicts(
                policy.channels,
                entry=entry,
                served="p.their_now, p.contact_id",
                requested=self.version_id != NOBODY,
                only=("contact_id", "their_now", "zone") if entry else queries.OF_EACH,
                kept={} if entry else {"agreed": self.agreed[policy.purpose]},
            )
        )
        on_record = "FROM cand JOIN cm.dispatch d ON"
        assert text.count(on_record) == 1, "the gates look for messages elsewhere now"
        expected = " ".join(queries.EXPECTED.format(judged=judged) for judged in self.messages)
        return text.replace(on_record, f"FROM cand JOIN {queries.TOUCHES.format(expected=expected)} ON")

    def placed(self, step: Step, binding: Binding, people: str) -> str:
        next_step, next_due = self._move(step, binding)
        text = queries.EACH if "contact_id" in next_due else queries.ALIKE
        return text.replace("FROM m", f"FROM {people}").format(next_step=next_step, next_due=next_due)

    def _move(self, step: Step, binding: Binding) -> tuple[str, str]:
        """SQL of the next step and of when each person is due there, by their own clock."""
        next_step, next_due = self.plan.move(step, binding)
        return their_clock(next_step), their_clock(next_due)

    async def _port(self, step: Step, coming: str, binding: Binding) -> str:
        """Which way each person takes; rules that read differently on another day are asked as they
        read on the day each person comes."""
        if not isinstance(step, Branch) or not await self._moves_with_time(step):
            return await port_sql(self.u, step, binding)
        days: dict[datetime, datetime] = {}
        for row in await self.ask(queries.DAYS.format(coming=coming), Binding()):
            days[row.last] = min(row.first, days.get(row.last, row.first))
        cases = []
        for n, (last, first) in enumerate(sorted(days.items())):
            port = await port_sql(self.u, step, binding, at=max(first, self.u.now), prefix=f"d{n}_")
            cases.append(f"WHEN k.their_now < {binding.add(last)} THEN {port}")
        return f"CASE {' '.join(cases)} END" if cases else "'otherwise'"

    async def _moves_with_time(self, step: Branch) -> bool:
        """Does any of its rules read differently on another day?"""
        for path in step.paths:
            today = await condition(self.u, path.when)
            later = await condition(self.u, path.when, at=self.u.now + FAR)
            if (today.sql, today.params) != (later.sql, later.params):
                return True
        return False


def limits_of(policy: Policy) -> dict[str, Any]:
    """Bound values of the gates, with spans instead of moments for people's own clocks."""
    caps = policy.caps
    return {
        **policy.params(),
        "touches_for": timedelta(days=caps.per_days),
        "gap_for": timedelta(hours=caps.min_gap_hours or 0),
    }


def _each(coming: str) -> str:
    return f"SELECT k.*, 1 AS people FROM ({coming}) k"


def _alike(coming: str) -> str:
    return queries.TOGETHER.format(coming=coming)


def _put_off(coming: str, opens: str) -> str:
    """Whoever is outside the message's window comes when it opens."""
    text = queries.PUT_OFF_EACH if "contact_id" in opens else queries.PUT_OFF
    return text.format(coming=coming, opens=opens)
