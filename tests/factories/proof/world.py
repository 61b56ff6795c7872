"""The product's side of the machine: one practice, what reaches it, and what it shows afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from services.access.service import PracticeSettings, save_settings
from services.bootstrap import App
from services.contracts.envelope import envelope
from services.contracts.events import source_of
from services.contracts.journey import Caps, Journey
from services.engine.service import Engine
from services.engine.ticks import start_recurring
from services.intake.contracts import Understood
from services.intake.rules import read
from services.intake.service import handle_wave
from services.invariants.service import check
from services.kit.actor import Actor, system
from services.kit.bus import Received
from services.kit.chance import id_at, seeded
from services.kit.clock import VirtualClock
from services.kit.db import owner
from services.kit.ids import new_id
from services.kit.outbox import Relay
from services.kit.uow import Unit
from services.suppression.service import expire
from tests.conftest import START
from tests.factories.campaign import launch
from tests.factories.proof.crash import dying
from tests.factories.proof.gates import bucket
from tests.factories.proof.model import Model
from tests.factories.proof.rows import Campaign, Execution, Person, Practice, Sent
from tests.factories.proof.swift import swift_engine

T = TypeVar("T")
Row = tuple[Any, ...]
Trouble = int | str | None
"""The statement at which the server dies, or below zero refuses; `twice` for what comes twice."""
MOST_PEOPLE = 7
PEOPLE_IDS = [id_at(seeded("machine", n), START.timestamp() + n) for n in range(MOST_PEOPLE)]
HOUSEHOLD = id_at(seeded("machine", "household"), START.timestamp())
KINDS = (
    ("patient", ("email", "sms"), "Europe/London", HOUSEHOLD),
    ("lead", ("email",), "America/New_York", None),
    ("patient", ("sms",), "Europe/London", None),
    ("patient", ("email", "sms"), "Europe/London", HOUSEHOLD),
)
BEGINS, ENDS, MONTHS = START - timedelta(days=1), START + timedelta(days=115), 5
"""There are tables for so many months, no more: each makes every plan slower. A hundred acts take
74 days on average; an example that comes to the end stays there."""
HOLIDAYS = ("2026-06-03", "2026-06-08")
CAPS = Caps(max_touches=3, per_days=7, min_gap_hours=4)
EVERYTHING = frozenset({"manage", "administer", "suppress", "compliance", "read"})

WALKS = """
SELECT contact_id, campaign_id, entry_no, state, step_id, coalesce(held_reason, exit_reason), due_at
FROM cm.whereabouts WHERE practice_id = :practice
"""
SENT = """
SELECT d.contact_id, d.campaign_id, e.entry_no, d.step_id, d.requested_at, d.channels, d.status, d.dispatch_id
FROM cm.dispatch d JOIN cm.enrolment e ON e.practice_id = d.practice_id AND e.enrolment_id = d.enrolment_id
WHERE d.practice_id = :practice
"""
REFUSED = "SELECT contact_id, campaign_id, step_id, reason FROM cm.refusal WHERE practice_id = :practice"
BANS = """
SELECT contact_id, reason, scope, channel, expires_at FROM cm.suppression WHERE practice_id = :practice AND lifted_at IS NULL
"""
STATES = "SELECT campaign_id, state FROM cm.campaign WHERE practice_id = :practice"
QUESTIONS = {"walks": WALKS, "sent": SENT, "refused": REFUSED, "bans": BANS, "states": STATES}


@dataclass(frozen=True)
class CountingEngine(Engine):
    """Counts its pieces of work that were committed, so that a crash can be told to the model."""

    committed: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def _unit(self, practice_id: UUID) -> AsyncIterator[Unit]:
        async with self.uow(system(practice_id, self.name)) as u:
            yield u
        if "audit_seq" in u.notes:  # it did something worth a line in the audit
            self.committed.append(self.name)


class Rig:
    """What all practices of a run share: connections, kept open."""

    def __init__(self, app: App, database_url: str, runner: asyncio.Runner) -> None:
        self.engine = swift_engine(app.uow.engine.url)
        self.app = replace(
            app, uow=replace(app.uow, engine=self.engine), relay=Relay(self.engine, app.bus, app.keyring)
        )
        self.runner = runner
        self._owner = sa.create_engine(owner(database_url), isolation_level="AUTOCOMMIT")
        self.connection = self._owner.connect()

    def close(self) -> None:
        self.connection.close()
        self._owner.dispose()
        self.runner.run(self.engine.dispose())


class World:
    """One practice with its own clock, and the model of it."""

    def __init__(self, rig: Rig, held_out: int | None) -> None:
        self.rig, self.clock = rig, VirtualClock(START)
        self.app = replace(rig.app, uow=replace(rig.app.uow, clock=self.clock))
        self.engine = CountingEngine(self.app.uow)
        self.wave: list[Understood] = []
        self.practice, salt = self._practice_id(held_out)
        for table, columns in (
            ("canonical.practice", "practice_id, name, timezone, postal_address"),
            ("cm.practice", "practice_id, label, timezone, created_at"),
        ):
            last = "'Harbour Street'" if "postal" in columns else ":now"
            self.sql(
                f"INSERT INTO {table} ({columns}) VALUES (:practice, 'Harbour', 'Europe/London', {last})"
            )
        self.sql(
            "INSERT INTO cm.holiday (practice_id, day) SELECT :practice, unnest(CAST(:days AS date[]))",
            days=list(HOLIDAYS),
        )
        practice = Practice(CAPS, 10 if held_out is not None else 0, HOLIDAYS)
        self.model = Model(START, [], practice, salt)
        self.save(CAPS)
        for kind, consent, zone, household in KINDS:
            self.arrives(kind, consent, zone, household)

    def _practice_id(self, held_out: int | None) -> tuple[UUID, str]:
        """A practice whose comparison group is exactly this person: chance is not part of an act."""
        while True:
            made = new_id()
            salt = self.app.keyring.sign(f"experiment/{made}", b"holdout")[:32]
            drawn = [bucket(f"{salt}/global/", Person(id, "", {})) < 1_000 for id in PEOPLE_IDS]
            if drawn == [n == held_out for n in range(MOST_PEOPLE)]:
                return made, salt

    def _campaign_id(self) -> UUID:
        """A campaign whose half of people held back is every other one."""
        while True:
            made = new_id()
            drawn = (bucket(f"{self.model.salt}/{made}/", Person(id, "", {})) < 5_000 for id in PEOPLE_IDS)
            if all(low == (n % 2 == 1) for n, low in enumerate(drawn)):
                return made

    def waits(self, hours: int = 0) -> None:
        """Time goes by for both, but not past the tables made for it."""
        if self.clock.now() + timedelta(hours=hours + 1) < ENDS:
            self.model.now = self.clock.advance(hours=hours, minutes=7)

    # --- how acts reach it -----------------------------------------------------------------------

    def act(self, do: Callable[[Unit], Awaitable[T]], actor: Actor | None = None) -> T:
        async def inside() -> T:
            async with self.app.uow(actor or system(self.practice, "test")) as u:
                return await do(u)

        return self.rig.runner.run(inside())

    def staff(self) -> Actor:
        return Actor(self.practice, "person:model", EVERYTHING)

    def sql(self, statement: str, **values: Any) -> None:
        """As the platform's owner: the shared data model, and what no service sets."""
        bound = {"practice": self.practice, "now": self.clock.now(), **values}
        names = {name: bound[name] for name in bound if f":{name}" in statement}
        self.rig.connection.execute(sa.text(statement), names)

    def save(self, caps: Caps) -> None:
        holdout = self.model.practice.holdout
        new = PracticeSettings(caps=caps, global_holdout_percent=holdout)
        self.act(lambda u: save_settings(u, new), self.staff())
        self.model.practice.caps = caps

    def arrives(self, kind: str, consent: tuple[str, ...], zone: str, household: UUID | None) -> None:
        n = len(self.model.people)
        email, phone = f"{'home' if household else n}@example.com", f"+4477009{n:05d}"
        person = Person(PEOPLE_IDS[n], kind, dict.fromkeys(consent, "granted"), zone, household, email, phone)
        self.sql(
            "INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, phone, timezone,"
            " household_id, registered_at) VALUES (:practice, :id, :kind, 'Ada', 'Byron', :email, :phone, :zone, :household, :now)",
            id=person.id, kind=kind, zone=zone, household=household, phone=phone, email=email,
        )  # fmt: skip
        for channel in consent:
            self.consent(person, channel, "granted")
        self.model.people.append(person)

    def consent(self, person: Person, channel: str, state: str) -> None:
        self.sql(
            "INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, effective_at)"
            " VALUES (:practice, :contact, :channel, 'marketing', :state, :now)"
            " ON CONFLICT (practice_id, contact_id, channel, purpose) DO UPDATE SET state = excluded.state",
            contact=person.id, channel=channel, state=state,
        )  # fmt: skip

    def launch(self, kind: str, definition: Journey) -> None:
        made = self.rig.runner.run(
            launch(self.app, self.practice, definition, kind=kind, campaign_id=self._campaign_id())
        )
        campaign = Campaign(made.campaign_id, made.version_id, definition, kind, self.clock.now())
        if kind in ("one_off", "dynamic"):
            campaign.executions.append(Execution(self.clock.now()))
        self.model.campaigns.append(campaign)

    def understood(self, type: str, data: dict[str, Any], at: datetime) -> Understood:
        body = envelope(
            id=new_id(), source=source_of(type), type=type, time=at, practice_id=self.practice,
            data={"practice_id": str(self.practice), **data},
        )  # fmt: skip
        understood = read(Received("test", "0", body.model_dump_json().encode()))
        assert isinstance(understood, Understood), understood
        return understood

    def hears(self, *understood: Understood) -> None:
        """Events arrive; what arrives before the next delivery is one wave."""
        self.wave += understood

    def deliver(self, trouble: Trouble) -> None:
        """All that has arrived is taken in; perhaps the server fails over it, perhaps the bus brings
        it again."""
        wave, self.wave = self.wave, []
        if not wave:
            return
        if isinstance(trouble, int):
            with dying(self.rig.engine, trouble) as cut:
                self.act(lambda u: handle_wave(u, wave))
            if not cut:
                return
        self._outcomes(wave, "handled", "late")
        if trouble == "twice":
            self._outcomes(wave, "duplicate")

    def _outcomes(self, wave: list[Understood], *expected: str) -> None:
        found = set(self.act(lambda u: handle_wave(u, wave)).outcomes)
        assert found <= set(expected), f"events: only the product has {found}, the model has {expected}"

    def settle(self, trouble: Trouble) -> None:
        """Ticks and workers run until nothing is due, in both; perhaps after they died once."""
        if isinstance(trouble, int):
            self.engine.committed.clear()
            with dying(self.rig.engine, 3 * trouble):
                self.rig.runner.run(self.engine.drain(self.practice))
            self.model.settle(len(self.engine.committed))
        self.act(_ticks)
        self.model.tick()
        self.rig.runner.run(self.engine.drain(self.practice))
        self.model.settle()

    def relay(self) -> None:
        self.rig.runner.run(self.app.relay.run_once(self.practice))
        for sent in self.model.sent:
            sent.relayed = True

    # --- what it shows ---------------------------------------------------------------------------

    def compare(self) -> None:
        """Every row that matters, against what should be true. Raises AssertionError."""
        model, found = self.model, {name: self._rows(sql) for name, sql in QUESTIONS.items()}
        _same(
            "walks",
            found["walks"],
            (
                (w.person.id, w.campaign.id, w.number, w.state, w.step, w.why, w.due if w.state == "live" else None)
                for w in model.walks
            ),
        )  # fmt: skip
        sent = {(*row[:5], tuple(row[5]), row[6]): row[7] for row in found["sent"]}
        assert len(sent) == len(found["sent"]), "a step was requested twice for one entry"
        _same("sent", list(sent), map(_as_row, model.sent))
        for one in model.sent:
            one.id = sent[_as_row(one)]
        _same("refused", found["refused"], model.refused)
        bans = ((p.id, b.reason, b.scope, b.channel, b.expires) for p in model.people for b in p.bans)
        _same("bans", found["bans"], bans)
        _same("states", found["states"], ((c.id, c.state) for c in model.campaigns))

    def _rows(self, sql: str) -> list[Row]:
        rows = self.rig.connection.execute(sa.text(sql), {"practice": self.practice})
        return [tuple(row) for row in rows]

    def balanced(self) -> None:
        """Nothing that the product itself watches is broken."""
        assert self.act(check) == []


def _same(what: str, found: Iterable[Row], expected: Iterable[Row]) -> None:
    """The same rows, as often; otherwise an AssertionError that names those that differ."""
    ours, theirs = Counter(found), Counter(expected)
    if ours != theirs:
        product = [tuple(map(str, row)) for row in (ours - theirs).elements()]
        model = [tuple(map(str, row)) for row in (theirs - ours).elements()]
        raise AssertionError(f"{what}: only the product has {product}, only the model has {model}")


def _as_row(sent: Sent) -> Row:
    walk = sent.walk
    return walk.person.id, walk.campaign.id, walk.number, sent.step, sent.at, sent.channels, sent.status


async def _ticks(u: Unit) -> None:
    await expire(u)
    await start_recurring(u)
