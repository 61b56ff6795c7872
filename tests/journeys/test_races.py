"""Suppression wins every race: real workers, real events, commits in the order the database knows.

The checker is checked, too: a suppression that only inserts its row, and trusts the dispatcher's
anti-join to see it, must be convicted.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text

from services.bootstrap import App, bootstrap
from services.contracts.envelope import envelope
from services.contracts.events import source_of
from services.contracts.journey import Entry, Reentry, SubCampaign
from services.engine import claim
from services.engine import service as engine_service
from services.engine.service import Engine
from services.intake.contracts import Understood
from services.intake.rules import read
from services.intake.service import handle
from services.invariants.service import check
from services.kit.actor import system
from services.kit.bus import Received
from services.kit.chance import seeded
from services.kit.clock import SystemClock
from services.kit.embedded import Servers
from services.kit.ids import new_id
from services.kit.settings import Settings
from services.kit.uow import Unit
from services.suppression import queries
from tests.factories.campaign import journey, launch, message
from tests.factories.history import Acknowledged, History
from tests.factories.practice import make_practice, run

PEOPLE, CAMPAIGNS, SUPPRESSED, BATCH = 300, 5, 200, 25
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
Suppression = Callable[[Unit, UUID, int], Awaitable[bool]]
"""Forbids messages to a contact in some way (by number); true when it only ends what runs."""


@pytest.fixture
async def live(
    config: Settings, servers: Servers, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[App]:
    """Pooled connections and the machine's clock, and batches small enough to race for."""
    for name in ("CLAIM", "CLAIM_ALONE", "CLAIM_WITH_CONTACTS"):
        smaller = getattr(claim, name).replace(f"LIMIT {claim.BATCH}", f"LIMIT {BATCH}")
        monkeypatch.setattr(claim, name, smaller)
    monkeypatch.setattr(engine_service, "BATCH", BATCH)
    app = bootstrap(
        config=config, clock=SystemClock(), database_url=database_url, redis_url=servers.redis_url
    )
    await app.bus.redis.flushall()
    yield app
    await app.close()


async def prepare(app: App, database_url: str) -> tuple[UUID, list[UUID]]:
    """A practice where everybody is due several messages at once in several campaigns."""
    now = app.clock.now()
    practice = make_practice(database_url, now)
    bind = {"practice": practice, "now": now, "people": PEOPLE, "settings": orjson.dumps(NO_CAPS).decode()}
    run(database_url, "UPDATE cm.practice SET settings = CAST(:settings AS jsonb)", bind)
    run(database_url, CONTACTS, bind)
    run(database_url, CONSENT, bind)
    again = Entry(id="entry", how="event", next="one", reentry=Reentry(rule="concurrent"))
    other = await launch(app, practice, journey(message("one", "end"), entry=again), kind="event")
    steps = [
        message("one", "two"),
        message("two", "hand"),
        SubCampaign(id="hand", campaign_id=str(other.campaign_id), next="three"),
        message("three", "end"),
    ]
    for _ in range(CAMPAIGNS):
        await launch(app, practice, journey(*steps))
    async with app.uow(system(practice, "test")) as u:
        found = await u.session.execute(text("SELECT contact_id FROM canonical.contact"))
        return practice, list(found.scalars())


def by_event(practice: UUID) -> Suppression:
    """The product: a booking, a withdrawn consent or a concierge's conversation, as it arrives."""

    async def suppress(u: Unit, contact: UUID, number: int) -> bool:
        kinds = (
            ("appointment.booked", {"appointment_id": str(new_id()), "patient_id": str(contact)}),
            ("consent.revoked", {"contact_id": str(contact), "channel": "all"}),
            ("concierge.recovery.started", {"contact_id": str(contact)}),
        )
        type, data = kinds[number % len(kinds)]
        body = envelope(
            id=new_id(), source=source_of(type), type=type, time=u.now, practice_id=practice,
            data={**data, "practice_id": str(practice)},
        )  # fmt: skip
        understood = read(Received("test", str(number), body.model_dump_json().encode()))
        assert isinstance(understood, Understood)
        assert await handle(u, understood) == "handled"
        return type == "appointment.booked"

    return suppress


async def naive(u: Unit, contact: UUID, number: int) -> bool:
    """The obvious way: write the row. The dispatcher's anti-join reads it, and no lock is held."""
    row = {
        "contact": contact, "reason": "CONSENT_REVOKED", "scope": "all", "event_id": str(number), "note": "",
    }  # fmt: skip
    await u.execute(
        queries.INSERT, practice=u.practice_id, by="test", now=u.now, rows=orjson.dumps([row]).decode()
    )
    return False


async def race(app: App, practice: UUID, people: list[UUID], suppress: Suppression) -> History:
    """Two engine workers and a relay against four readers of events, until all is done."""
    history = History(app, practice)
    chosen = seeded("races").sample(people, SUPPRESSED)
    numbered = iter(enumerate(chosen))
    events_done = asyncio.Event()

    async def work(name: str) -> int:
        engine, requested = Engine(app.uow, name=name), 0
        while True:
            last = events_done.is_set()
            done = await engine.run_once(practice)
            requested += done.requested
            if not done and last:
                return requested

    async def relay() -> None:
        while not events_done.is_set():
            await app.relay.run_once(practice)
            await asyncio.sleep(0)

    async def read_events() -> None:
        for number, contact in numbered:
            async with app.uow(system(practice, "intake")) as u:
                ending = await suppress(u, contact, number)
                inside = await history.snapshot(u)
            after = await history.snapshot()
            history.acknowledged.append(Acknowledged(contact, ending, inside, after))

    async def all_events() -> None:
        await asyncio.gather(*(read_events() for _ in range(4)))
        events_done.set()

    one, two, *_ = await asyncio.gather(work("one"), work("two"), relay(), all_events())
    assert one > 0
    assert two > 0
    assert len(history.acknowledged) == SUPPRESSED
    return history


@pytest.mark.covers("SUP-1", "ENG-1")
async def test_nothing_commits_after_a_suppression_was_acknowledged(live: App, database_url: str):
    practice, people = await prepare(live, database_url)
    history = await race(live, practice, people, by_event(practice))
    assert await history.late("inside") == []
    assert await history.standing() == []
    async with live.uow(system(practice, "test")) as u:
        assert await check(u) == []
        statuses = await u.execute("SELECT status, count(*) FROM cm.dispatch GROUP BY status")
        found = dict(statuses.all())
    assert set(found) >= {"requested", "cancel_requested"}, "nothing raced"


@pytest.mark.covers("SUP-1")
async def test_the_naive_way_is_convicted(live: App, database_url: str):
    practice, people = await prepare(live, database_url)
    history = await race(live, practice, people, naive)
    assert await history.late("after") != []
    assert await history.standing() != []
