"""A forecast and the engine: the same people, the same days, the same answers (BLD-9)."""

from collections import Counter
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.bootstrap import App
from services.contracts.journey import (
    Arm,
    Branch,
    Caps,
    Entry,
    EventMatch,
    Path,
    Reentry,
    SendWindow,
    Split,
    Wait,
    WaitEvent,
    WaitFor,
    WaitUntilWindow,
)
from services.contracts.segment import Condition
from services.engine.reach import NOBODY
from services.engine.recurring import start_recurring
from services.forecast import queries
from services.forecast.contracts import Forecast, Rates
from services.forecast.service import forecast
from services.forecast.walk import walk
from services.kit.actor import system
from services.kit.chance import id_at, seeded
from services.kit.errors import Forbidden
from services.kit.ids import new_id
from services.suppression.service import expire
from tests.conftest import START
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person
from tests.factories.practice import make_contact, make_practice, run
from tests.factories.world import World

LONDON = ZoneInfo("Europe/London")
DAYS = 30
SENT = "SELECT requested_at AS at, step_id FROM cm.dispatch WHERE practice_id = :practice AND campaign_id = :campaign"
REFUSED = (
    "SELECT at, step_id, reason FROM cm.refusal WHERE practice_id = :practice AND campaign_id = :campaign"
)

NEXT = """
SELECT least((SELECT min(due_at) FROM cm.work WHERE practice_id = :practice),
  (SELECT min(expires_at) FROM cm.suppression WHERE practice_id = :practice AND lifted_at IS NULL AND expires_at > :now))
"""


def known(what: str, n: int = 0) -> UUID:
    """The same id in every run: ids decide comparison groups and splits (D24), so ids drawn anew would
    make another forecast each time."""
    return id_at(seeded("forecast", what, n), START.timestamp() + n)


@pytest.fixture
async def practice(app: App, database_url: str) -> UUID:
    return make_practice(database_url, app.clock.now(), practice_id=known("practice"))


def day(hours: int = 24) -> WaitFor:
    return WaitFor(minutes=60 * hours)


def varied(**more):
    """Messages, waits, a window, a branch that changes with time, a split and a circle's worth of caps."""
    office = SendWindow(days=["mon", "wed", "thu"], skip_holidays=True)
    return journey(
        message("hello", "pause"),
        Wait(id="pause", until=day(20), next="fork"),
        Branch(
            id="fork",
            paths=[
                Path(label="New", when=Condition(field="contact.registered", op="within_last_days", value=20), next="for_new"),
                Path(label="Leads", when=Condition(field="contact.kind", op="is", value="lead"), next="toss"),
            ],
            otherwise="office",
        ),
        message("for_new", "toss", channels=["sms", "email"]),
        Wait(id="office", until=WaitUntilWindow(window=office), next="in_office"),
        message("in_office", "toss", window=office),
        Split(id="toss", arms=[Arm(percent=50, next="week"), Arm(percent=50, next="end")]),
        Wait(id="week", until=day(24 * 7), next="last"),
        message("last", "end", channels=["in_app", "email"]),
        caps=Caps(max_touches=2, per_days=6, min_gap_hours=24),
        holdout_percent=10,
        **more,
    )  # fmt: skip


def people(world: World, url: str, number: int = 24) -> list:
    """Different in everything a gate or a rule may ask."""
    now, made, household = world.clock.now(), [], known("household")
    zones = ("Europe/London", "America/New_York", "Australia/Sydney")
    for n in range(number):
        shared = {"household_id": household, "email": "we@example.com"} if n % 8 == 0 else {}
        made.append(
            make_contact(
                url,
                world.practice_id,
                now,
                contact_id=known("person", n),
                kind=("patient", "lead", "patient")[n % 3],
                timezone=zones[n % 3],
                registered_at=now - timedelta(days=n * 2),
                consent=("email", "in_app", "sms")[: n % 4],
                phone=f"+4477009{n:05}" if n % 2 else None,
                do_not_contact=n == 11,
                **shared,
            )
        )
    stops = [
        {
            "practice": world.practice_id,
            "id": new_id(),
            "contact": made[n],
            "reason": reason,
            "now": now,
            "until": until,
        }
        for n, reason, until in (
            (5, "CONCIERGE_RECOVERY_HOLD", now + timedelta(hours=30)),
            (7, "MANUAL_SUPPRESSION", None),
            (9, "RECALL_RECONNECT_ENROLMENT", now + timedelta(days=3)),
        )
    ]
    run(
        url,
        "INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, applied_by, applied_at, expires_at)"
        " VALUES (:practice, :id, :contact, :reason, 'all', 'test', :now, :until)",
        stops,
    )
    return made


async def foreseen(world: World, definition, campaign_id=None, *, days: int = DAYS) -> Forecast:
    async with world.app.uow(person(world.practice_id, "read")) as u:
        return await forecast(
            u, campaign_id or new_id(), definition, version_id=NOBODY, days=days, rates=Rates.nobody_acts()
        )


async def happened(world: World, campaign_id) -> tuple[Counter, Counter]:
    """(messages by day and step, refusals by day, step and reason) as the engine wrote them."""
    sent = await world.rows(SENT, campaign=campaign_id)
    refused = await world.rows(REFUSED, campaign=campaign_id)
    return (
        Counter((r.at.astimezone(LONDON).date(), r.step_id) for r in sent),
        Counter((r.at.astimezone(LONDON).date(), r.step_id, r.reason) for r in refused),
    )


def expected(found: Forecast) -> tuple[Counter, Counter]:
    entry = found.steps[0].step_id
    at_the_door = Counter({(found.first_day, entry, reason): n for reason, n in found.refused_entry.items()})
    return Counter(found.sent_per_day), Counter(found.refused_per_day) + at_the_door


async def live(world: World, days: int = DAYS) -> None:
    """The real engine, from one moment at which something is due to the next."""
    end = world.clock.now() + timedelta(days=days)
    while True:
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            await expire(u)
        await world.run()
        soonest = await world.one(NEXT, now=world.clock.now())
        if soonest is None or soonest >= end:
            return
        world.clock.advance(seconds=(soonest - world.clock.now()).total_seconds())


@pytest.mark.covers("BLD-9", "SUP-10")
async def test_a_journey_without_chance_goes_as_foreseen(world: World, database_url: str):
    people(world, database_url)
    definition, campaign_id = varied(), known("campaign")
    found = await foreseen(world, definition, campaign_id)
    await launch(world.app, world.practice_id, definition, campaign_id=campaign_id)
    await live(world)
    sent, refused = await happened(world, campaign_id)
    assert expected(found) == (sent, refused)
    assert sent.total() > 20
    assert len({reason for _, _, reason in refused}) >= 5


@pytest.mark.covers("BLD-9")
async def test_a_forecast_that_forgets_its_own_messages_is_heard(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    people(world, database_url)
    definition, campaign_id = varied(), known("campaign")
    right = expected(await foreseen(world, definition, campaign_id))
    monkeypatch.setattr(queries, "EXPECTED", "")
    forgetful = expected(await foreseen(world, definition, campaign_id))
    assert right != forgetful
    assert not any(reason == "MINIMUM_GAP" for _, _, reason in forgetful[1])


def spaced():
    """Messages far enough apart that limits never bite."""
    office = SendWindow(days=["mon", "wed", "thu"])
    return journey(
        message("hello", "pause"),
        Wait(id="pause", until=day(24 * 4), next="fork"),
        Branch(
            id="fork",
            paths=[
                Path(label="Leads", when=Condition(field="contact.kind", op="is", value="lead"), next="toss")
            ],
            otherwise="office",
        ),
        Wait(id="office", until=WaitUntilWindow(window=office), next="in_office"),
        message("in_office", "toss", window=office),
        Split(id="toss", arms=[Arm(percent=50, next="week"), Arm(percent=50, next="end")]),
        Wait(id="week", until=day(24 * 7), next="last"),
        message("last", "end"),
    )


@pytest.mark.covers("BLD-10")
async def test_a_walk_goes_where_the_engine_takes_them_and_changes_nothing(world: World, database_url: str):
    now = world.clock.now()
    zones = ("Europe/London", "America/New_York", "Australia/Sydney")
    made = [
        make_contact(
            database_url, world.practice_id, now, contact_id=known("person", n), first_name=f"Ada{n}", kind=("lead", "patient")[n % 2], timezone=zones[n % 3]
        )
        for n in range(6)
    ]  # fmt: skip
    made.append(make_contact(database_url, world.practice_id, now, contact_id=known("person", 6), consent=()))
    definition, campaign_id = spaced(), known("campaign")
    walks = {}
    for contact in made:
        async with world.app.uow(person(world.practice_id, "read")) as u:
            walks[contact] = await walk(u, campaign_id, definition, contact)
    for table in ("work", "dispatch", "refusal", "outbox", "enrolment"):
        assert await world.one(f"SELECT count(*) FROM cm.{table} WHERE practice_id = :practice") == 0, table
    previews = await world.rows(
        "SELECT reason FROM cm.audit WHERE practice_id = :practice AND tag = 'privacy.personal_data_read'"
    )
    assert [row.reason for row in previews] == ["Message preview"] * len(made)
    first = next(stop for stop in walks[made[0]].stops if stop.kind == "message")
    assert "Ada0" in first.said[0].preview.body
    last = next(stop for stop in walks[made[-1]].stops if stop.kind == "message")
    assert not last.goes_out
    assert {a.reason for a in last.answers if a.refuses} == {"NO_CONSENT"}

    await launch(world.app, world.practice_id, definition, campaign_id=campaign_id)
    await live(world)
    for contact in made:
        rows = await world.rows(
            SENT + " AND contact_id = :contact ORDER BY at", campaign=campaign_id, contact=contact
        )
        foretold = [(stop.at, stop.step_id) for stop in walks[contact].stops if stop.goes_out]
        assert [(row.at, row.step_id) for row in rows] == foretold


@pytest.mark.covers("BLD-10")
async def test_in_a_walk_somebody_says_whether_an_event_comes(world: World, database_url: str):
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    definition = journey(
        WaitEvent(
            id="listen", event=EventMatch(type="hub.message.opened"), timeout_minutes=60 * 48, on_event="end", on_timeout="nudge"
        ),
        message("nudge", "end"),
    )  # fmt: skip
    ways = []
    for happened in ((), ("listen",)):
        async with world.app.uow(person(world.practice_id, "read")) as u:
            found = await walk(u, new_id(), definition, contact, happened=happened)
        ways.append([stop.step_id for stop in found.stops])
    assert ways == [["entry", "listen", "nudge", "end"], ["entry", "listen", "end"]]
    async with world.app.uow(person(world.practice_id, "author")) as u:
        with pytest.raises(Forbidden):
            await walk(u, new_id(), definition, contact)


@pytest.mark.covers("BLD-9")
async def test_people_who_join_and_come_again_are_let_in_as_the_engine_lets_them(
    world: World, database_url: str
):
    now = world.clock.now()
    for n in range(10):
        make_contact(
            database_url, world.practice_id, now, contact_id=known("person", n), registered_at=now - timedelta(days=n * 3)
        )  # fmt: skip
    entry = Entry(
        id="entry", how="schedule", cron="0 9 * * 1", reentry=Reentry(rule="after_exit"), next="hello"
    )
    definition = journey(
        message("hello", "pause"), Wait(id="pause", until=day(24 * 3), next="end"), entry=entry
    )
    campaign_id = known("campaign")
    found = await foreseen(world, definition, campaign_id)
    assert found.entered == 10 * 4
    await launch(world.app, world.practice_id, definition, campaign_id=campaign_id, kind="recurring")
    for _ in range(DAYS):
        async with world.app.uow(system(world.practice_id, "scheduler")) as u:
            await start_recurring(u)
        await world.run()
        world.clock.advance(hours=24 if world.clock.now().hour == 8 else 22)
    sent, _ = await happened(world, campaign_id)
    assert Counter(found.sent_per_day) == sent
