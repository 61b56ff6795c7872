"""A journey over a whole audience: one statement a step, everybody with a clock of their own.

Steps are asked in the order people come to them, so whatever a person got earlier is on record when
a later step asks for it. Nothing here decides: gates, windows, waits, branches and splits are the
production texts, with each person's clock in the place of the one they ask for.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

from services.audience.service import condition
from services.contracts.journey import Branch, Exit, GoalStep, Message, Step, WaitEvent
from services.engine.binding import Binding
from services.engine.moves import port_sql
from services.engine.plan import Plan
from services.engine.plans import policy_for
from services.engine.reach import NOBODY
from services.engine.windows import open_sql
from services.forecast import queries
from services.forecast.contracts import Forecast, Rate, Rates
from services.forecast.rates import wait_rate
from services.forecast.rules import in_order, their_clock
from services.forecast.tally import Tally
from services.gates.contracts import Policy
from services.gates.statement import agreed_sql, verdicts
from services.kit.uow import Unit

LAPS = 120
"""How often a circle is followed before it is left."""
FAR = timedelta(days=30)


@dataclass
class Flow:
    """One forecast under way. `until` is the first moment no longer looked at."""

    u: Unit
    plan: Plan
    campaign_id: UUID
    version_id: UUID
    rates: Rates
    found: Forecast
    until: datetime
    prefix: str
    ends: str | None = None
    passage: int = 0
    messages: list[str] = field(default_factory=list)
    limits: set[str] = field(default_factory=lambda: {"records", "others"})
    carried: dict[str, float] = field(default_factory=dict)
    agreed: dict[str, str] = field(default_factory=dict)
    _places: int = 0

    def __post_init__(self) -> None:
        self.order = in_order(self.plan.journey)
        self.tally = Tally(self.plan, self.found)

    @property
    def shared(self) -> dict[str, Any]:
        """Bound values of every statement."""
        return {
            "practice": self.u.practice_id,
            "now": self.u.now,
            "until": self.until,
            "zone": self.found.zone,
            "passage": self.passage,
        }

    async def place(self) -> str:
        """A new temporary table for where people are after a step."""
        self._places += 1
        name = f"pg_temp.{self.prefix}_{self._places}"
        await self.u.execute(queries.PLACE.format(name=name))
        return name

    async def run(self) -> None:
        """Everybody who is somewhere, to the end of the journey or of the time."""
        laps: dict[str, int] = {}
        while self.tally.pending:
            step = next((step for step in self.order if step.id in self.tally.pending), None)
            if step is None:
                break
            sources = self.tally.pending.pop(step.id)
            laps[step.id] = laps.get(step.id, 0) + 1
            if laps[step.id] > LAPS:
                self.limits.add("circle")
                continue
            await self._advance(step, sources)
        self.tally.pending.clear()

    async def _advance(self, step: Step, sources: list[str]) -> None:
        coming = self._coming(step, sources)
        match step:
            case Message():
                await self._send(step, coming)
            case Exit() | GoalStep():
                await self._arrive(step, coming)
            case _:
                await self._pass(step, coming)

    def _coming(self, step: Step, sources: list[str]) -> str:
        """A SELECT of everybody who comes to a step, with the moment they are due there."""
        each = " UNION ALL ".join(
            f"SELECT contact_id, zone, leaves_at, leaving, due_at AS their_now, NULL::text AS signal FROM {name}"
            f" WHERE to_step = '{step.id}'"
            for name in sources
        )
        if isinstance(step, WaitEvent):
            return self._signalled(step, each)
        return each

    def _signalled(self, step: WaitEvent, each: str) -> str:
        """Some of those who wait get what they wait for, at a moment of their own."""
        rate = self.rates.by_name.get(wait_rate(step, self.plan.journey))
        if rate is None or not rate.share or rate.name == "goal":  # who reaches the goal leaves
            return each
        wait = f"interval '{step.timeout_minutes} minutes'"
        turn = f"uuid_hash_extended(a.contact_id, {turn_of(step)})"
        return (
            "SELECT e.contact_id, e.zone, e.leaves_at, e.leaving,"
            f" CASE WHEN e.after < {wait} THEN e.their_now - {wait} + e.after ELSE e.their_now END AS their_now,"
            f" CASE WHEN e.after < {wait} THEN 'expected' END AS signal FROM ("
            f"SELECT s.*, CASE WHEN s.share < {_float(rate.share)} THEN {_delay(rate, f's.share / {_float(rate.share)}')} END AS after"
            f" FROM (SELECT a.*, (CAST(row_number() OVER (ORDER BY {turn}, a.contact_id, a.their_now) AS float8) - 0.5)"
            f" / count(*) OVER () AS share FROM ({each}) a) s) e"
        )

    async def _send(self, step: Message, coming: str) -> None:
        binding, policy = Binding(), await self.policy(step)
        await self._look_up_consents(policy)
        if step.window is not None:
            opens = their_clock(open_sql(step.window, binding))
            coming = _put_off(coming, opens)
        place = await self.place()
        sql = queries.SEND.format(
            arriving=queries.ARRIVING.format(coming=coming),
            open="k.their_now",
            verdicts=self.verdicts(policy),
            share=self._share(),
            released=queries.RELEASED,
            placed=self.placed(step, binding, "m", out=True),
            place=place,
            leaves_at=self._leaves_at(),
            leaving=self._leaving(),
            ends=queries.SEND_ENDS.format(ends=self.ends) if self.ends else "",
            stayed=queries.STAYED
            + self._later(
                "n", "effect IN ('next', 'skip') AND to_step IS NULL", self._leaves_at(), self._leaving()
            ),
        )
        rows = await self.ask(
            sql, binding, policy, step=step.id, turn=turn_of(step), carried=self.carried.get(step.id, 0.5),
            quiet_start=policy.quiet_start, quiet_end=policy.quiet_end,
        )  # fmt: skip
        self.messages.append(place)
        self._carry(step, sum(row.people for row in rows if row.outcome == "sent"))
        self.tally.count_message(step, place, rows)

    async def _look_up_consents(self, policy: Policy) -> None:
        if policy.purpose not in self.agreed:
            name = f"pg_temp.{self.prefix}_agreed_{len(self.agreed)}"
            await self.u.execute(queries.AGREED.format(name=name))
            sql = queries.AGREE.format(name=name, agreed=agreed_sql())
            await self.u.execute(sql, practice=self.u.practice_id, purpose=policy.purpose)
            self.agreed[policy.purpose] = name

    def _carry(self, step: Message, sent: int) -> None:
        """The part of a person that is left over counts when people come to this step again, so
        that many small groups do not round to nobody."""
        before = self.carried.get(step.id, 0.5)
        self.carried[step.id] = (before + sent * self.rates.share("goal")) % 1.0

    async def _pass(self, step: Step, coming: str) -> None:
        binding = Binding()
        port = await self._port(step, coming, binding)
        place = await self.place()
        record = (
            "LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = k.contact_id"
            if isinstance(step, Branch)
            else ""
        )
        sql = queries.ON.format(
            arriving=queries.ARRIVING.format(coming=coming),
            port=port,
            record=record,
            placed=self.placed(step, binding, "m"),
            place=place,
            ends=queries.ON_ENDS.format(ends=self.ends, which="n WHERE to_step IS NULL") if self.ends else "",
            stayed=queries.STAYED + self._later("n", "to_step IS NULL"),
        )
        self.tally.count(step, place, await self.ask(sql, binding))

    async def _arrive(self, step: Step, coming: str) -> None:
        sql = queries.ARRIVE.format(
            arriving=queries.ARRIVING.format(coming=coming),
            ends=queries.ON_ENDS.format(ends=self.ends, which="mv") if self.ends else "",
            stayed=queries.STAYED + self._later("mv", "true"),
        )
        self.tally.count(step, None, await self.ask(sql, Binding()))

    def _later(self, people: str, who: str, at: str = "leaves_at", why: str = "leaving") -> str:
        """People who come to the end first and act afterwards: they count, though nobody waits for them."""
        return queries.LATER.format(people=people, who=who, at=at, why=why) if self._acts_at() else ""

    async def ask(self, sql: str, binding: Binding, policy: Policy | None = None, **more: Any) -> list[Any]:
        values = {**(limits_of(policy) if policy else {}), **self.shared, **binding.values, **more}
        return list((await self.u.execute(sql, **values)).all())

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
        expected = " ".join(queries.EXPECTED.format(place=place) for place in self.messages)
        return text.replace(on_record, f"FROM cand JOIN {queries.TOUCHES.format(expected=expected)} ON")

    def placed(self, step: Step, binding: Binding, people: str, *, out: bool = False) -> str:
        next_step, next_due = (their_clock(sql) for sql in self.plan.move(step, binding))
        alone = "contact_id" in next_due
        text = (queries.EACH if alone else queries.ALIKE).replace("FROM m", f"FROM {people}")
        return text.format(
            next_step=next_step,
            next_due=next_due,
            more=", s.out_at" if out and not alone else "",
            slot=f", {queries.OUT_AT} AS out_at" if out else "",
        )

    def _share(self) -> str:
        if not any(self.rates.share(name) for name in ("goal", "left")):
            return "NULL::float8"
        turn = "CASE WHEN v.reason IS NULL THEN uuid_hash_extended(v.contact_id, :turn) END"
        return (
            "CASE WHEN v.reason IS NULL THEN"
            f" (CAST(row_number() OVER (ORDER BY {turn}, v.contact_id, v.their_now) AS float8) - CAST(:carried AS float8))"
            " / (SELECT count(*) FROM verdict WHERE reason IS NULL) END"
        )

    def _acts_at(self) -> str:
        """When the people at this place among their equals reach the goal or leave; else null."""
        goal, left = self.rates.by_name.get("goal"), self.rates.by_name.get("left")
        cases = []
        if goal is not None and goal.share:
            cases.append(
                f"WHEN share < {_float(goal.share)} THEN their_now + {_delay(goal, f'share / {_float(goal.share)}')}"
            )
        if left is not None and left.share:
            place = f"(1 - share) / {_float(left.share)}"
            cases.append(f"WHEN 1 - share < {_float(left.share)} THEN their_now + {_delay(left, place)}")
        return f"CASE WHEN reason IS NOT NULL THEN NULL {' '.join(cases)} END" if cases else ""

    def _leaves_at(self) -> str:
        acts = self._acts_at()
        return f"least(leaves_at, {acts})" if acts else "leaves_at"

    def _leaving(self) -> str:
        acts = self._acts_at()
        goal = self.rates.share("goal")
        return (
            f"CASE WHEN {acts} < leaves_at THEN CASE WHEN share < {_float(goal)} THEN 'goal' ELSE 'left' END"
            " ELSE leaving END"
            if acts
            else "leaving"
        )

    async def _port(self, step: Step, coming: str, binding: Binding) -> str:
        """Which way each person takes; rules that read differently on another day are asked as they
        read on the day each person comes."""
        if not isinstance(step, Branch) or not await self._moves_with_time(step):
            return await port_sql(self.u, step, binding)
        cases = []
        for n, row in enumerate(await self.ask(queries.DAYS.format(coming=coming), Binding())):
            port = await port_sql(self.u, step, binding, at=max(row.first, self.u.now), prefix=f"d{n}_")
            cases.append(f"WHEN k.their_now < {binding.add(row.last)} THEN {port}")
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


def turn_of(step: Step) -> int:
    """Seeds the order in which people act at a step: the same each time, another at each step."""
    return crc32(step.id.encode())


def _delay(rate: Rate, share: str) -> str:
    """After how long: half of them by half the hours, all by the whole (an exponential, cut off), in
    whole hours: people who are alike are placed together, and few hours have no people."""
    rest = 1 - 2 ** (-rate.whole_hours / rate.half_hours)
    half = _float(-rate.half_hours / math.log(2))
    return f"interval '1 hour' * ceil({half} * ln(1 - ({share}) * {_float(rest)}))"


def _float(value: float) -> str:
    """A literal that keeps PostgreSQL from exact and slow arithmetic."""
    return f"float8 '{value!r}'"


def _put_off(coming: str, opens: str) -> str:
    """Whoever is outside the message's window comes when it opens."""
    if "contact_id" in opens:
        return f"SELECT m.contact_id, m.zone, m.leaves_at, m.leaving, {opens} AS their_now, m.signal FROM ({coming}) m"
    return (
        f"SELECT k.contact_id, k.zone, k.leaves_at, k.leaving, w.opens AS their_now, k.signal FROM ({coming}) k JOIN ("
        f"SELECT m.zone, m.their_now, {opens} AS opens FROM (SELECT DISTINCT zone, their_now FROM ({coming}) k) m OFFSET 0) w"
        " ON w.zone = k.zone AND w.their_now = k.their_now"
    )
