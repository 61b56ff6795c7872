"""Two engine workers and a relay against readers of events: everything that suppresses, ends,
releases and enters, about the same few people, as fast as it goes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import orjson

from services.bootstrap import App
from services.contracts.envelope import Envelope, envelope
from services.contracts.events import source_of
from services.contracts.journey import Entry, EventMatch, Reentry, SubCampaign
from services.engine.service import Engine
from services.intake.consumer import Intake
from services.intake.notices import Notices
from services.invariants.service import check
from services.kit.actor import system
from services.kit.chance import Chance, seeded
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.history import Violation, violations
from tests.factories.practice import make_practice, run
from tests.factories.witness import Told, Witness

READERS, NOTICING, BURST, AHEAD = 4, 2, 8, 24
"""Events are published `BURST` at a time, never more than `AHEAD` before they are acknowledged."""
NO_CAPS = {"caps": {"max_touches": None, "per_days": 7, "min_gap_hours": None, "exclusive": False}}
CONTACTS = (
    "INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, app_user, registered_at)"
    " SELECT :practice, uuidv7(), 'patient', 'Ada', 'Byron', 'person' || n || '@example.com', true, :now FROM generate_series(1, :people) n"
)
CONSENT = (
    "INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)"
    " SELECT practice_id, contact_id, 'email', 'marketing', 'granted', 'form', :now FROM canonical.contact"
    " WHERE practice_id = :practice"
)
PEOPLE = "SELECT contact_id FROM canonical.contact WHERE practice_id = :practice ORDER BY contact_id"
ENTERS = ("proposal.created", "loyalty.anniversary")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event: who it names by which field, what else it says, what it means, how often."""

    type: str
    who: str
    told: Told
    often: int
    more: Callable[[Envelope], dict[str, str]] = lambda _: {}


def _consent(channel: str) -> Callable[[Envelope], dict[str, str]]:
    return lambda _: {"channel": channel}


def _visit(event: Envelope) -> dict[str, str]:
    return {"appointment_id": event.id}


def _recall(when: str) -> Callable[[Envelope], dict[str, str]]:
    return lambda event: {"journey_id": "recall", when: event.time.isoformat()}


COMMON = (
    Kind("proposal.created", "patient_id", Told("enter"), 18, lambda event: {"proposal_id": event.id}),
    Kind("loyalty.anniversary", "patient_id", Told("enter"), 18),
    Kind("appointment.booked", "patient_id", Told("suppress", ends=True), 10, _visit),
    Kind("concierge.recovery.started", "contact_id", Told("suppress", "concierge"), 9),
    Kind("concierge.contact.accepted", "contact_id", Told("release", "concierge"), 13),
    Kind("recall.patient.enrolled", "patient_id", Told("suppress", "recall"), 7, _recall("enrolled_at")),
    Kind("recall.patient.exited", "patient_id", Told("release", "recall"), 11, _recall("ended_at")),
)
# Of one half of the people all channels are meant, of the other their only one.
ALL = (
    Kind("consent.revoked", "contact_id", Told("suppress", "consent", ends=True), 5, _consent("all")),
    Kind("consent.granted", "contact_id", Told("release", "consent"), 9, _consent("all")),
)
ONE = (
    Kind("consent.revoked", "contact_id", Told("suppress", "consent"), 5, _consent("email")),
    Kind("consent.granted", "contact_id", Told("release", "consent"), 9, _consent("email")),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a race did, and what of it no order explains."""

    events: int
    entries: int
    requests: int
    taken_back: int
    violations: tuple[Violation, ...]
    invariants: tuple[str, ...]
    noticed: int
    slipped: tuple[tuple[str, str], ...]
    """Requests between the notice of an event and its being taken in: (event, person)."""

    @property
    def operations(self) -> int:
        return self.events + self.entries + self.requests


async def prepare(app: App, database_url: str, *, people: int) -> tuple[UUID, list[UUID]]:
    """A practice where everybody is due in two campaigns, and two more begin by an event."""
    now = app.clock.now()
    practice = make_practice(database_url, now)
    bind = {"practice": practice, "now": now, "people": people, "settings": orjson.dumps(NO_CAPS).decode()}
    run(
        database_url,
        "UPDATE cm.practice SET settings = CAST(:settings AS jsonb) WHERE practice_id = :practice",
        bind,
    )
    run(database_url, CONTACTS, bind)
    run(database_url, CONSENT, bind)
    again = Reentry(rule="concurrent")
    for type in ENTERS:
        entry = Entry(
            id="entry", how="event", event=EventMatch(type=type), limit_hours=0, reentry=again, next="one"
        )
        three = [message("one", "two"), message("two", "three"), message("three", "end")]
        other = await launch(app, practice, journey(*three, entry=entry), kind="event")
    steps = [
        message("one", "hand"),
        SubCampaign(id="hand", campaign_id=str(other.campaign_id), next="two"),
        message("two", "end"),
    ]
    for _ in range(2):
        await launch(app, practice, journey(*steps))
    async with app.uow(system(practice, "test")) as u:
        return practice, list((await u.execute(PEOPLE, practice=practice)).scalars())


def invent(app: App, practice: UUID, people: list[UUID], chance: Chance) -> tuple[Envelope, Told]:
    """Some event about somebody, now."""
    number = chance.randrange(len(people))
    kinds = COMMON + (ALL if number % 2 else ONE)
    (kind,) = chance.choices(kinds, [kind.often for kind in kinds])
    return event_of(app, practice, people[number], kind)


def event_of(app: App, practice: UUID, contact: UUID, kind: Kind) -> tuple[Envelope, Told]:
    data = {kind.who: str(contact), "practice_id": str(practice)}
    event = envelope(
        id=new_id(), source=source_of(kind.type), type=kind.type, time=app.clock.now(), practice_id=practice,
        data=data, subject=contact,
    )  # fmt: skip
    return event.model_copy(update={"data": {**data, **kind.more(event)}}), kind.told


async def race(
    app: App,
    practice: UUID,
    people: list[UUID],
    *,
    events: int,
    seed: int = 0,
    done: Callable[[int], None] = lambda _: None,
) -> Witness:
    """Publish so many events while two workers move everybody and a relay publishes; ends when all
    is taken in and nothing is due. Raises what any of them raised."""
    witness = Witness(app, practice)
    chance = seeded("race", seed)
    over = asyncio.Event()

    async def publish() -> None:
        news = witness.waiter()
        published = 0
        while published < events:
            burst = min(BURST, events - published)
            await witness.publish([invent(app, practice, people, chance) for _ in range(burst)])
            published += burst
            await acknowledged(news, published - AHEAD)
        await acknowledged(news, events)
        over.set()
        witness.wake()

    async def acknowledged(news: asyncio.Event, wanted: int) -> None:
        while len(witness.acknowledged) < wanted:
            await news.wait()
            news.clear()
        done(len(witness.acknowledged))

    async def read(intake: Intake) -> None:
        while not over.is_set():
            await intake.run_once(block_ms=100)

    async def work(name: str) -> None:
        engine, news = Engine(app.uow, name=name), witness.waiter()
        while True:
            last = over.is_set()
            news.clear()
            if not await engine.run_once(practice):
                if last:
                    return
                await news.wait()

    async def relay() -> None:
        news = witness.waiter()
        while not over.is_set():
            news.clear()
            if not await app.relay.run_once(practice):
                await news.wait()

    async def notice(reader: Notices) -> None:
        while not over.is_set():
            await reader.run_once(block_ms=100)
        while await reader.run_once():  # what it has not come to yet
            pass

    readers = [await witness.reader(f"reader-{n}") for n in range(READERS)]
    noticing = [await witness.notices(f"notices-{n}") for n in range(NOTICING)]
    async with asyncio.TaskGroup() as group:
        for doing in (
            publish(),
            relay(),
            work("one"),
            work("two"),
            *map(read, readers),
            *map(notice, noticing),
        ):
            group.create_task(doing)
    for reader in noticing:
        await reader.close()
    await Engine(app.uow).drain(practice)
    return witness


async def judge(witness: Witness) -> Judged:
    """The history against every order that could explain it, both ways, and the invariants."""
    strict = await witness.history("commit")
    promised = await witness.history("acknowledged")
    counted = [type(op).__name__ for op in strict]
    async with witness.app.uow(system(witness.practice_id, "test")) as u:
        broken = [str(one) for one in await check(u)]
        back = await u.execute(
            "SELECT count(*) FROM cm.dispatch WHERE practice_id = :practice"
            " AND status IN ('cancelled', 'cancel_requested')",
            practice=witness.practice_id,
        )
        taken_back = int(back.scalar_one())
    return Judged(
        events=len(witness.acknowledged),
        entries=counted.count("Enter"),
        requests=counted.count("Request"),
        taken_back=taken_back,
        violations=tuple(dict.fromkeys(violations(strict) + violations(promised))),
        invariants=tuple(broken),
        noticed=len(witness.noticed),
        slipped=tuple(await witness.slipped()),
    )
