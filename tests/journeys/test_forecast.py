"""A forecast and the engine: the same people, the same days, the same answers (BLD-9)."""

from collections import Counter
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from services.contracts.journey import (
    Arm,
    Branch,
    Caps,
    Path,
    SendWindow,
    Split,
    Wait,
    WaitFor,
    WaitUntilWindow,
)
from services.contracts.segment import Condition
from services.engine.reach import NOBODY
from services.forecast import queries
from services.forecast.contracts import Forecast, Rates
from services.forecast.service import forecast
from services.kit.actor import system
from services.kit.ids import new_id
from services.suppression.service import expire
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person
from tests.factories.practice import make_contact, run
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
    now, made, household = world.clock.now(), [], new_id()
    zones = ("Europe/London", "America/New_York", "Australia/Sydney")
    for n in range(number):
        shared = {"household_id": household, "email": "we@example.com"} if n % 8 == 0 else {}
        made.append(
            make_contact(
                url,
                world.practice_id,
                now,
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
    definition, campaign_id = varied(), new_id()
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
    definition, campaign_id = varied(), new_id()
    right = expected(await foreseen(world, definition, campaign_id))
    monkeypatch.setattr(queries, "EXPECTED", "")
    forgetful = expected(await foreseen(world, definition, campaign_id))
    assert right != forgetful
    assert not any(reason == "MINIMUM_GAP" for _, _, reason in forgetful[1])
