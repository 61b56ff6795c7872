"""The engine and its slow model, driven by the same random acts and compared after each.

A machine's examples share one database: each has a practice of its own, with its own clock.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import orjson
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.access.service import ROLES
from services.bootstrap import App
from services.contracts.envelope import envelope
from services.contracts.events import source_of
from services.contracts.journey import (
    Arm,
    Branch,
    Caps,
    Entry,
    EventMatch,
    Journey,
    Path,
    Reentry,
    Split,
    Wait,
    WaitEvent,
    WaitFor,
)
from services.contracts.segment import Condition
from services.engine.service import Engine
from services.intake.contracts import Understood
from services.intake.rules import read
from services.intake.service import handle
from services.invariants.service import check
from services.kit.actor import Actor, system
from services.kit.bus import Received
from services.kit.clock import VirtualClock
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.suppression.service import expire, resume_marketing, stop_marketing
from tests.conftest import START
from tests.factories.campaign import journey, launch, message
from tests.factories.engine_model import HOLD_TIME, LONG, Ban, Campaign, Model, Person
from tests.factories.practice import make_contact, make_practice, run

T = TypeVar("T")
WHO = st.integers(0, 2)
DAY = 60 * 24
TOUCHES, GAP = 3, 4
CAPS = Caps(max_touches=TOUCHES, per_days=7, min_gap_hours=GAP)
STAFF = "person:model"

WAITS = st.sampled_from([0, 0, 1, 5, 25, 25, 49, 73])
IDLE = st.sampled_from([False, False, False, True])
# What may happen, by how often: (method, its value). Ends and stops are rarer than life going on.
ACTS: list[tuple[str, Any]] = [
    ("nothing", None),
    *[("launch", n) for n in range(5)],
    *[("proposal", None), ("visit", None)] * 3,
    *[
        ("concierge", what)
        for what in ("recovery.started", "recovery.started", "contact.accepted", "contact.declined")
    ],
    *[("recall", on) for on in (True, False)],
    *[("staff_stop_or_resume", on) for on in (True, False, False)],
    *[("emergency", on) for on in (True, False)],
    *[("consent", (channel, False)) for channel in ("email", "sms", "all")],
    *[("consent", (channel, True)) for channel in ("email", "sms", "all", "all", "all")],
    *[("pause_or_resume", on) for on in (True, False, False)],
    *[("kill_switch", on) for on in (True, False, False)],
    ("booking", None),
    ("replies_stop", None),
    ("unsubscribes", None),
]

WALKS = """
SELECT e.contact_id, e.campaign_id, e.entry_no, e.state, e.step_id, coalesce(e.held_reason, e.exit_reason) AS why, e.due_at
FROM cm.whereabouts e
WHERE e.practice_id = :practice
"""
SENT = """
SELECT d.contact_id, d.campaign_id, e.entry_no, d.step_id, d.requested_at, d.channels, d.status
FROM cm.dispatch d JOIN cm.enrolment e ON e.practice_id = d.practice_id AND e.enrolment_id = d.enrolment_id
WHERE d.practice_id = :practice
"""
REFUSED = "SELECT contact_id, campaign_id, step_id, reason FROM cm.refusal WHERE practice_id = :practice"
BANS = """
SELECT contact_id, reason, scope, channel, expires_at FROM cm.suppression WHERE practice_id = :practice AND lifted_at IS NULL
"""


def journeys() -> list[tuple[str, Journey]]:
    """(kind of campaign, journey): every kind of step whose rules are the engine's own."""
    day, two_days = WaitFor(minutes=DAY), WaitFor(minutes=2 * DAY)
    both = ["email", "sms"]
    lead = Path(when=Condition(field="contact.kind", op="is", value="lead"), next="hello")
    attended = EventMatch(type="appointment.attended")
    nurture = journey(
        message("hello", "pause"),
        Wait(id="pause", until=day, next="again"),
        message("again", "end", channels=both),
    )
    offer = journey(
        Branch(id="who", paths=[lead], otherwise="pause"),
        message("hello", "end"),
        Wait(id="pause", until=two_days, next="text"),
        message("text", "end", channels=["sms"]),
        campaign_type="promotion",
    )
    split = journey(
        Split(id="share", arms=[Arm(percent=50, next="hello"), Arm(percent=50, next="pause")]),
        message("hello", "pause", channels=["sms", "email"]),
        Wait(id="pause", until=day, next="again"),
        message("again", "end"),
    )
    visit = journey(
        WaitEvent(id="visit", event=attended, timeout_minutes=2 * DAY, on_event="thanks", on_timeout="miss"),
        message("thanks", "end"),
        message("miss", "end", channels=both),
        campaign_type="promotion",
    )
    proposal = Entry(
        id="entry", how="event", event=EventMatch(type="proposal.created"), reentry=Reentry(rule="after_exit"),
        next="hello",
    )  # fmt: skip
    again = journey(
        message("hello", "pause"),
        Wait(id="pause", until=day, next="again"),
        message("again", "end"),
        entry=proposal,
    )
    return [
        ("one_off", nurture),
        ("one_off", offer),
        ("one_off", split),
        ("one_off", visit),
        ("event", again),
    ]


def effort(examples: int, steps: int, *, shrink: bool = True) -> settings:
    """How long to look; without `shrink` the first disagreement is enough, on the same walk each time."""
    return settings(
        derandomize=not shrink,
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def machine(
    shared: App, database_url: str, runner: asyncio.Runner, acted: Callable[[str], None] = lambda _: None
) -> type[RuleBasedStateMachine]:
    """A machine over one database; `acted` is told of every act, for progress."""

    class EngineMachine(RuleBasedStateMachine):
        @initialize(first=st.lists(st.integers(0, 4), max_size=3))
        def begin(self, first: list[int]) -> None:
            self.clock = VirtualClock(START)
            self.app = replace(shared, uow=replace(shared.uow, clock=self.clock))
            self.engine = Engine(self.app.uow)
            self.practice = make_practice(database_url, START)
            caps = orjson.dumps({"caps": CAPS.model_dump()}).decode()
            self.sql(
                "UPDATE cm.practice SET settings = CAST(:caps AS jsonb) WHERE practice_id = :practice",
                caps=caps,
            )
            people = []
            for kind, consent in (("patient", ("email", "sms")), ("lead", ("email",)), ("patient", ("sms",))):
                made = make_contact(
                    database_url,
                    self.practice,
                    START,
                    kind=kind,
                    consent=consent,
                    phone=f"+4477009{len(people):05d}",
                )
                people.append(Person(made, kind, dict.fromkeys(consent, "granted")))
            self.people = people
            self.model = Model(START, sorted(people, key=lambda p: p.id), TOUCHES, GAP)
            for which in first:
                self.launch(which)
                self.model.now = self.clock.advance(minutes=7)

        # --- how acts reach both ----------------------------------------------------------------

        def act(self, do: Callable[[Unit], Awaitable[T]], actor: Actor | None = None) -> T:
            async def inside() -> T:
                async with self.app.uow(actor or system(self.practice, "test")) as u:
                    return await do(u)

            return runner.run(inside())

        def sql(self, statement: str, **values: Any) -> None:
            run(database_url, statement, {"practice": self.practice, **values})

        def event(self, who: int, type: str, key: str, **data: Any) -> Person:
            person = self.people[who]
            body = envelope(
                id=new_id(), source=source_of(type), type=type, time=self.clock.now(), practice_id=self.practice,
                data={key: str(person.id), "practice_id": str(self.practice), **data},
            )  # fmt: skip
            understood = read(Received("test", "0", body.model_dump_json().encode()))
            assert isinstance(understood, Understood), understood
            assert self.act(lambda u: handle(u, understood)) == "handled"
            return person

        def settle(self, name: str) -> None:
            self.act(expire)
            runner.run(self.engine.drain(self.practice))
            self.model.settle()
            acted(name)

        # --- the one rule: something happens, then time goes by ------------------------------------

        @rule(who=WHO, act=st.sampled_from(ACTS), wait=WAITS, idle=IDLE)
        def happens(self, who: int, act: tuple[str, Any], wait: int, idle: bool) -> None:
            """With `idle` nothing runs until the next act: it comes before any tick or worker does."""
            name, value = act
            match name:
                case "nothing":
                    acted("nothing")
                case "launch" | "kill_switch":
                    getattr(self, name)(value)
                case "pause_or_resume":
                    self.pause_or_resume(who, value)
                case _ if value is None:
                    getattr(self, name)(who)
                case "consent":
                    self.consent(who, *value)
                case _:
                    getattr(self, name)(who, value)
            if wait:
                self.model.now = self.clock.advance(hours=wait, minutes=7)
                if not idle:
                    self.settle("time")

        # --- campaigns --------------------------------------------------------------------------

        def launch(self, which: int) -> None:
            if len(self.model.campaigns) >= 5:
                return
            kind, definition = journeys()[which]
            made = runner.run(launch(self.app, self.practice, definition, kind=kind))
            self.model.campaigns.append(
                Campaign(made.campaign_id, made.version_id, definition, kind, to_enrol=kind != "event")
            )
            self.settle("launch")

        def pause_or_resume(self, which: int, on: bool) -> None:
            if not self.model.campaigns:
                return
            chosen = self.model.campaigns[which % len(self.model.campaigns)]
            before, after = ("active", "paused") if on else ("paused", "active")
            self.sql(
                "UPDATE cm.campaign SET state = :after WHERE practice_id = :practice AND campaign_id = :id AND state = :before",
                id=chosen.id, before=before, after=after,
            )  # fmt: skip
            chosen.paused = on
            self.settle("pause" if on else "resume")

        def kill_switch(self, on: bool) -> None:
            at = self.clock.now() if on else None
            self.sql("UPDATE cm.practice SET kill_switch_at = :at WHERE practice_id = :practice", at=at)
            self.model.killed = on
            self.settle("kill switch")

        # --- what happens to people -------------------------------------------------------------

        def booking(self, who: int) -> None:
            person = self.event(who, "appointment.booked", "patient_id", appointment_id=str(new_id()))
            self.model.end(person, "APPOINTMENT_BOOKED")
            self.settle("booking")

        def visit(self, who: int) -> None:
            person = self.event(who, "appointment.attended", "patient_id", appointment_id=str(new_id()))
            self.model.happened(person, "appointment.attended")
            self.settle("visit")

        def proposal(self, who: int) -> None:
            person = self.event(who, "proposal.created", "patient_id", proposal_id=str(new_id()))
            self.model.happened(person, "proposal.created")
            self.settle("proposal")

        def consent(self, who: int, channel: str, granted: bool) -> None:
            state = "granted" if granted else "revoked"
            for one in ("email", "sms") if channel == "all" else (channel,):
                self.people[who].consent[one] = state
                self.sql(
                    "INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, effective_at)"
                    " VALUES (:practice, :contact, :channel, 'marketing', :state, :now)"
                    " ON CONFLICT (practice_id, contact_id, channel, purpose) DO UPDATE SET state = excluded.state",
                    contact=self.people[who].id, channel=one, state=state, now=self.clock.now(),
                )  # fmt: skip
            person = self.event(who, f"consent.{state}", "contact_id", channel=channel)
            only = None if channel == "all" else channel
            if granted:
                self.model.lift(person, "CONSENT_REVOKED", "STOP", "UNSUBSCRIBED", channel=only)
            else:
                ban = Ban("CONSENT_REVOKED", scope="channel" if only else "all", channel=only)
                self.model.ban(person, ban, "none" if only else "exit")
            self.settle(f"consent {state}")

        def replies_stop(self, who: int) -> None:
            more = {"dispatch_id": str(new_id()), "campaign_id": str(new_id()), "channel": "email"}
            person = self.event(who, "hub.message.stop", "contact_id", **more)
            self.model.ban(person, Ban("STOP", scope="channel", channel="email"), "none")
            self.settle("stop")

        def unsubscribes(self, who: int) -> None:
            more = {"dispatch_id": str(new_id()), "campaign_id": str(new_id()), "all_topics": True}
            person = self.event(who, "hub.message.unsubscribed", "contact_id", **more)
            self.model.ban(person, Ban("UNSUBSCRIBED"), "exit")
            self.settle("unsubscribe")

        def recall(self, who: int, on: bool) -> None:
            at = self.clock.now().isoformat()
            if on:
                more = {"journey_id": "r", "enrolled_at": at}
                person = self.event(who, "recall.patient.enrolled", "patient_id", **more)
                self.model.ban(
                    person, Ban("RECALL_RECONNECT_ENROLMENT", scope="types", types=LONG, ref="r"), "hold"
                )
            else:
                more = {"journey_id": "r", "ended_at": at}
                person = self.event(who, "recall.journey.completed", "patient_id", **more)
                self.model.lift(person, "RECALL_RECONNECT_ENROLMENT", ref="r")
            self.settle("recall")

        def concierge(self, who: int, what: str) -> None:
            person = self.event(who, f"concierge.{what}", "contact_id")
            if what == "recovery.started":
                ban = Ban("CONCIERGE_RECOVERY_HOLD", expires=self.clock.now() + HOLD_TIME)
                self.model.ban(person, ban, "hold")
            else:
                if what == "contact.declined":
                    self.model.end(person, "CONCIERGE_DECLINED")
                self.model.lift(person, "CONCIERGE_RECOVERY_HOLD")
            self.settle("concierge")

        def staff_stop_or_resume(self, who: int, on: bool) -> None:
            person, staff = self.people[who], Actor(self.practice, STAFF, ROLES["front_desk"])
            if on:
                self.act(lambda u: stop_marketing(u, person.id, note=""), staff)
                self.model.ban(person, Ban("MANUAL_SUPPRESSION"), "hold")
            else:
                self.act(lambda u: resume_marketing(u, person.id, note=""), staff)
                self.model.lift(person, "MANUAL_SUPPRESSION")
            self.settle("staff")

        def emergency(self, who: int, on: bool) -> None:
            ref = str(self.people[who].id)
            if on:
                person = self.event(who, "pipeline.lead.opened", "lead_id", source_channel="Emergency")
                self.model.ban(
                    person, Ban("EMERGENCY_STACK_EXCLUSION", scope="types", types=LONG, ref=ref), "exit"
                )
            else:
                more = {"opportunity_id": str(new_id()), "closed_at": self.clock.now().isoformat()}
                person = self.event(who, "pipeline.opportunity.closed", "lead_id", source_channel="x", **more)
                self.model.end(person, "OPPORTUNITY_CLOSED")
                self.model.lift(person, "EMERGENCY_STACK_EXCLUSION", ref=ref)
            self.settle("emergency")

        # --- the comparison ---------------------------------------------------------------------

        @invariant()
        def the_database_agrees(self) -> None:
            walks, sent, refused, bans = self.act(self._read)
            model = self.model
            assert walks == Counter(
                (
                    w.person.id,
                    w.campaign.id,
                    w.number,
                    w.state,
                    w.step,
                    w.why,
                    w.due if w.state == "live" else None,
                )
                for w in model.walks
            )
            assert sent == Counter(
                (s.walk.person.id, s.walk.campaign.id, s.walk.number, s.step, s.at, s.channels, s.taken_back)
                for s in model.sent
            )
            assert refused == Counter(model.refused)
            assert bans == Counter(
                (p.id, b.reason, b.scope, b.channel, b.expires) for p in model.people for b in p.bans
            )

        async def _read(self, u: Unit) -> tuple[Counter, Counter, Counter, Counter]:
            async def rows(sql: str) -> list[tuple[Any, ...]]:
                return [tuple(row) for row in await u.execute(sql, practice=self.practice)]

            sent = [(*row[:5], tuple(row[5]), row[6] == "cancelled") for row in await rows(SENT)]
            return (
                Counter(await rows(WALKS)), Counter(sent), Counter(await rows(REFUSED)), Counter(await rows(BANS)),
            )  # fmt: skip

        def teardown(self) -> None:
            if hasattr(self, "model"):
                assert self.act(check) == []

    return EngineMachine
