"""Forecasts: the real audience through a journey on a virtual clock, before anything is sent (BLD-9).

Nothing is written but temporary tables, nothing is asked for. Method and limits: docs/guide/forecast.md.
"""

from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audience.service import over_everyone, where, zone
from services.builder.schedule import next_run
from services.campaigns import service as campaigns
from services.campaigns.versions import journey_of
from services.contracts.journey import Entry, Journey, Message, SubCampaign
from services.engine.binding import Binding
from services.engine.enrol import offset_sql, reentry_sql
from services.engine.entries import belongs
from services.engine.plan import Plan
from services.engine.reach import NOBODY
from services.forecast import queries
from services.forecast.contracts import (
    MOST_DAYS,
    Compared,
    DayView,
    Forecast,
    ForecastView,
    Given,
    Link,
    Rates,
    RateView,
    StepView,
)
from services.forecast.flow import LAPS, Flow, Tell
from services.forecast.parts import Parts, parts_for
from services.forecast.places import Written
from services.forecast.rates import rates_of
from services.forecast.rules import LIMITS, days_of, differences, in_order, some, their_clock
from services.forecast.turns import turn_of
from services.kit.errors import Invalid
from services.kit.snapshots import same_view
from services.kit.uow import Unit

PASSAGES = 31
"""How often people may come in again in one forecast."""
DAYS = 90


async def forecast(
    u: Unit,
    campaign_id: UUID,
    journey: Journey,
    *,
    version_id: UUID = NOBODY,
    days: int = DAYS,
    rates: Rates | None = None,
    given: Given | None = None,
    parts: int | None = None,
    tell: Tell | None = None,
) -> Forecast:
    """What would happen in the next `days` if this journey began now. Needs `read`.

    `rates` are used as they are; without them, the practice's history, `given` values and
    assumptions. In how many `parts` it is worked out changes no figure; as a rule in as many as pay. Raises Invalid for a journey without a start, RuleInvalid for rules that cannot be asked.
    """
    u.actor.require("read")
    plan = Plan.of(journey)
    entry = plan.entry
    days = min(max(days, 1), MOST_DAYS)
    rates = rates or await rates_of(u, journey, given)
    place = await zone(u)
    first = u.now.astimezone(ZoneInfo(place)).date()
    until = u.now + timedelta(days=days)
    last = (until - timedelta(microseconds=1)).astimezone(ZoneInfo(place)).date()
    found = Forecast(u.now, place, first, last, days=days_of(first, (last - first).days + 1))
    number = u.notes["forecasts"] = u.notes.get("forecasts", 0) + 1
    async with same_view(u, await parts_for(u, plan, parts)) as views, AsyncExitStack() as planned:
        for view in views:
            await planned.enter_async_context(over_everyone(view))
        flow = Flow(
            Parts(views), plan, campaign_id, version_id, rates, found, until, f"forecast_{number}", tell
        )
        await flow.parts.ask(queries.HASHED)
        await _Entrance(flow, entry).let_in()
        await flow.parts.ask(queries.AS_USUAL)
    _finish(flow)
    return found


async def forecast_campaign(
    u: Unit,
    campaign_id: UUID,
    *,
    version_id: UUID | None = None,
    days: int = DAYS,
    given: Given | None = None,
    tell: Tell | None = None,
) -> Forecast:
    """The forecast of a campaign's draft, or of one of its versions. Raises NotFound, Invalid."""
    detail = await campaigns.get(u, campaign_id)
    if version_id is None:
        return await forecast(u, campaign_id, detail.readable, days=days, given=given, tell=tell)
    journey = await _version(u, campaign_id, version_id)
    return await forecast(u, campaign_id, journey, version_id=version_id, days=days, given=given, tell=tell)


async def compare(
    u: Unit,
    campaign_id: UUID,
    version_id: UUID,
    *,
    days: int = DAYS,
    given: Given | None = None,
    tell: Tell | None = None,
) -> Compared:
    """A version and the draft: the same people, days and behaviour, so that what differs is the
    journey. Raises NotFound, Invalid."""

    def half(begun: float) -> Tell | None:
        async def said(share: float) -> None:
            if tell is not None:
                await tell(begun + share / 2)

        return said if tell else None

    one = await forecast_campaign(u, campaign_id, version_id=version_id, days=days, given=given, tell=half(0))
    other = await forecast_campaign(u, campaign_id, days=days, given=given, tell=half(0.5))
    return Compared(one, other, differences(one, other))


def view(found: Forecast) -> ForecastView:
    """A forecast as the API gives it."""
    steps = [
        StepView(
            step_id=s.step_id, title=s.title, kind=s.kind, arrived=s.arrived, sent=s.sent, refused=dict(s.refused), held=s.held,
            left=dict(s.left), waiting=s.waiting, ways=dict(s.ways), first_day=s.first, last_day=s.last,
        )
        for s in found.steps
    ]  # fmt: skip
    return ForecastView(
        started_at=found.started_at, first_day=found.first_day, last_day=found.last_day, audience=found.audience,
        entered=found.entered, on_the_way=found.on_the_way, requested=found.requested, refused=dict(found.refused),
        refused_entry=dict(found.refused_entry), goals=found.goals, left=found.left, finished=found.finished, steps=steps,
        days=[DayView(**vars(day)) for day in found.days],
        rates=[RateView(name=r.name, share=r.share, source=r.source, seen=r.seen) for r in found.rates],
        limits=found.limits,
    )  # fmt: skip


async def _version(u: Unit, campaign_id: UUID, version_id: UUID) -> Journey:
    if all(row.version_id != version_id for row in await campaigns.versions(u, campaign_id)):
        raise Invalid("This version belongs to another campaign.")
    return await journey_of(u, version_id)


class _Entrance:
    """Who comes in and when, by the entry's own rules."""

    def __init__(self, flow: Flow, entry: Entry) -> None:
        self.flow, self.entry, self.u = flow, entry, flow.u
        self.entries = ""
        self.again = entry.reentry.rule != "never" and entry.how in ("schedule", "dynamic")

    async def let_in(self) -> None:
        """Everybody, at their time, through the whole journey."""
        flow = self.flow
        self.entries = await flow.table(queries.ENTRIES)
        if self.again:
            flow.ends = await flow.table(queries.ENDS)
            flow.limits.add("reentry")
        under_way = await self._on_the_way()
        flow.among = queries.AMONG.format(entries=self.entries, under_way=under_way)
        if self.again:  # more of them come in later
            flow.among = queries.EVERYBODY.format(mine=flow.parts.mine("c.contact_id"))
        moments = await self._moments()
        flow.passages = len(moments) + 1 if self.again else 1
        for number, moment in enumerate(moments):
            if self.again:
                flow.passage = number
            people = await self._choose(moment)
            flow.found.audience += people
            if self.again and people:
                await self._enter()
                await flow.run()
        if not self.again and flow.found.audience:
            await self._enter()
        await flow.run()

    async def _moments(self) -> list[datetime]:
        """When people are let in: the times of the schedule; for an audience that changes with the
        calendar, every midnight; else once, now."""
        flow, now = self.flow, self.u.now
        if self.entry.how == "schedule" and self.entry.cron:
            times: list[datetime] = []
            at = now
            while len(times) < PASSAGES:
                at = next_run(self.entry.cron, after=at, zone=flow.found.zone)
                if at >= flow.until:
                    break
                times.append(at)
            return times
        if self.entry.how == "dynamic" and (self.again or await self._changes()):
            place = ZoneInfo(flow.found.zone)
            midnights = [
                datetime(day.day.year, day.day.month, day.day.day, tzinfo=place)
                for day in flow.found.days[1:]
            ]
            found = [now, *(at for at in midnights if at < flow.until)]
            return found[:PASSAGES] if self.again else found
        return [now]

    async def _changes(self) -> bool:
        """Does the audience read differently tomorrow, with the same records?"""
        audience = self.flow.plan.journey.audience
        today = await where(self.u, audience)
        later = await where(self.u, audience, at=self.u.now + timedelta(days=1))
        return (today.sql, today.params) != (later.sql, later.params)

    async def _choose(self, moment: datetime) -> int:
        """Note who comes in at a moment (or, for events, from now on); returns how many."""
        flow, binding = self.flow, Binding()
        by_event = self.entry.how in ("event", "manual")
        if by_event:
            condition, params = await belongs(self.u, flow.plan.journey.audience)
            flow.limits.add("arrivals")
            if not flow.rates.share("a_day"):
                return 0
        else:
            audience = await where(self.u, flow.plan.journey.audience, prefix="a_", at=moment)
            condition, params = audience.sql, audience.params
        sql = (queries.ARRIVALS if by_event else queries.CANDIDATES).format(
            entries=self.entries,
            moment=binding.add(moment) if not by_event else "",
            audience=condition,
            mine=flow.parts.mine("c.contact_id"),
            reentry=their_clock(reentry_sql(self.entry.reentry, binding)),
            fresh=self._fresh(binding),
        )
        more = {"a_day": flow.rates.share("a_day"), "arrivals": turn_of(self.entry)}
        values = {**params, **flow.shared, **binding.values, "campaign": flow.campaign_id, **more}
        return await flow.parts.write(sql, **values)

    def _fresh(self, binding: Binding) -> str:
        """Not in this forecast's journey already; what the re-entry rule says of real entries."""
        entries, ends, rule = self.entries, self.flow.ends, self.entry.reentry
        if ends is None:
            return f"NOT EXISTS (SELECT 1 FROM {entries} e WHERE e.contact_id = c.contact_id)"
        if rule.rule == "concurrent":
            return "true"
        days = rule.days if rule.rule == "after_period" else 0
        return (
            f"NOT EXISTS (SELECT 1 FROM {entries} e LEFT JOIN {ends} x ON x.contact_id = e.contact_id AND x.passage = e.passage"
            f" WHERE e.contact_id = c.contact_id AND (x.ended_at IS NULL OR x.ended_at > c.their_now - {binding.add(timedelta(days=days))}))"
        )

    async def _enter(self) -> None:
        flow, entry, binding = self.flow, self.entry, Binding()
        policy = await flow.policy(None)
        place = await flow.table(queries.PLACE)
        delayed = entry.how == "event" and entry.delay_minutes
        if delayed:
            placed = f"SELECT m.*, '{entry.id}'::text AS to_step, m.their_now AS due_at FROM m"
        else:
            placed = flow.placed(entry, binding, "m")
        ready = placed.replace("FROM m", "FROM (SELECT * FROM m WHERE reason IS NULL) m")
        offset = offset_sql(flow.plan, entry, binding, 0)
        paced = "m.nth" in offset
        sql = queries.ENTER.format(
            entries=self.entries,
            verdicts=flow.verdicts(policy, entry=True),
            placed="SELECT m.contact_id, m.their_now, m.zone, m.to_step,"
            f" m.due_at + {offset} AS due_at FROM ({ready}) m",
            nth=queries.IN_A_ROW if paced else "0",
            place=place,
            ends=queries.ENTRY_ENDS.format(ends=flow.ends) if flow.ends else "",
        )
        first = entry if delayed else flow.plan.target(entry, "next")
        flow.tally.entered(await flow.ask(sql, binding, policy), Written(place), first)

    async def _on_the_way(self) -> str:
        """People who are in the campaign already, for steps this version still has: the table they are in."""
        flow = self.flow
        place = await flow.table(queries.PLACE)
        sql = queries.ON_THE_WAY.format(place=place, mine=flow.parts.mine("w.contact_id"))
        steps = [step.id for step in flow.order]
        for row in await flow.parts.ask(sql, **flow.shared, campaign=flow.campaign_id, steps=steps):
            flow.found.on_the_way += row.people
            flow.tally.goes(row.to_step, Written(place))
        return place


def _finish(flow: Flow) -> None:
    """Put together what people see."""
    found, journey = flow.found, flow.plan.journey
    found.steps = [flow.tally.steps[step.id] for step in in_order(journey)]
    found.rates = list(flow.rates.by_name.values())
    for step in flow.order:
        counted = flow.tally.steps[step.id]
        for port, people in sorted(counted.ways.items()):
            target = flow.plan.target(step, port) if port else None
            if target is not None and people:
                found.links.append(Link(step.id, target.id, people))
        if counted.left["goal"]:
            found.links.append(Link(step.id, "GOAL", counted.left["goal"]))
        if counted.left["left"]:
            found.links.append(Link(step.id, "LEFT", counted.left["left"]))
        if counted.ways["exit"]:
            found.links.append(Link(step.id, "STOPPED", counted.ways["exit"]))
        if counted.held:
            found.links.append(Link(step.id, "HELD", counted.held))
        if counted.waiting:
            found.links.append(Link(step.id, "WAITING", counted.waiting))
    names = set(flow.limits)
    names |= {"hand_over"} if any(isinstance(step, SubCampaign) for step in journey.steps) else set()
    paces = [journey.pace, *(step.pace for step in journey.steps if isinstance(step, Message))]
    names |= {"pace"} if any(pace.per_minute or pace.per_hour for pace in paces) else set()
    names |= {"stops"} if journey.exit_on else set()
    found.limits = [
        text.format(laps=PASSAGES if "come in again" in text else LAPS) for text in some(names, LIMITS)
    ]
