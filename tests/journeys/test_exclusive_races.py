"""Two campaigns want one person for themselves at once: one has them, from the very first moment (SUP-7).

The checker is checked, too: entering under the shared lock must be convicted.
"""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from services.audit.append import pseudonyms
from services.bootstrap import App
from services.contracts.journey import Caps, SubCampaign, Wait, WaitFor
from services.contracts.segment import Audience, Condition
from services.engine import enrol
from services.engine.enrol import Entered, choose, enter
from services.engine.plans import plan_of, policy_for
from services.engine.service import Engine
from services.kit.actor import system
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.practice import make_contact, make_practice

EVERYBODY = "SELECT contact_id FROM canonical.contact WHERE practice_id = :practice"
LIVE_IN = """
SELECT contact_id, count(*) AS n FROM cm.enrolment WHERE practice_id = :practice AND state = 'live' GROUP BY 1
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""
REFUSED = """
SELECT count(*) FROM cm.refusal WHERE practice_id = :practice AND reason = 'EXCLUSIVE_ENROLMENT' AND step_id = 'entry'
"""


def lasting(*, alone: bool = True, **more):
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 9), next="late")
    return journey(pause, message("late", "end"), caps=Caps(exclusive=alone), **more)


async def a_practice(app: App, database_url: str, people: int, *, leads: int = 0) -> UUID:
    """People who are known already: who is seen for the first time is locked by being made."""
    practice = make_practice(database_url, app.clock.now())
    kinds = ["patient"] * people + ["lead"] * leads
    known = [make_contact(database_url, practice, app.clock.now(), kind=kind) for kind in kinds]
    async with app.uow(system(practice, "test")) as u:
        await pseudonyms(u, known)
    return practice


def only(kind: str) -> Audience:
    return Audience(kinds=[kind], include=[Condition(field="contact.kind", op="in", value=[kind])])


async def let_in(
    app: App, practice: UUID, campaign: Launched, asked: asyncio.Event, go: asyncio.Event
) -> Entered:
    """A worker that has let people in, and does not commit before `go`."""
    async with app.uow(system(practice, "engine")) as u:
        plan = await plan_of(u, campaign.version_id)
        policy = await policy_for(u, campaign.campaign_id, campaign.version_id, plan)
        chosen = await choose(u, EVERYBODY, {"practice": practice})
        entered = await enter(u, plan, policy, candidates=chosen)
        asked.set()
        await go.wait()
    return entered


async def race(app: App, practice: UUID, first: Launched, second: Launched) -> tuple[int, int]:
    """Both at once: the second asks before the first has committed. How many each let in."""
    began, ended, go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(60):
        one = asyncio.create_task(let_in(app, practice, first, began, go))
        await began.wait()
        other = asyncio.create_task(let_in(app, practice, second, ended, go))
        async with app.uow.engine.connect() as connection:  # until it has asked, or PostgreSQL makes it wait
            while not ended.is_set() and not (await connection.execute(text(WAITING))).scalar_one():
                await connection.rollback()
        go.set()
        return (await one).enrolled, (await other).enrolled


async def most(app: App, practice: UUID) -> int:
    """How many journeys the busiest person is in."""
    async with app.uow(system(practice, "test")) as u:
        return max(row.n for row in await u.execute(LIVE_IN, practice=practice))


@pytest.mark.covers("SUP-7", "ENG-1")
async def test_of_two_exclusive_campaigns_at_once_one_lets_them_in(app: App, database_url: str):
    practice = await a_practice(app, database_url, 30)
    campaigns = [await launch(app, practice, lasting()) for _ in range(2)]
    assert await race(app, practice, *campaigns) == (30, 0)
    assert await most(app, practice) == 1
    async with app.uow(system(practice, "test")) as u:
        assert (await u.execute(REFUSED, practice=practice)).scalar_one() == 30


@pytest.mark.covers("SUP-7")
async def test_who_wants_them_alone_waits_for_who_shares_them(app: App, database_url: str):
    practice = await a_practice(app, database_url, 5)
    shares, alone = await launch(app, practice, lasting(alone=False)), await launch(app, practice, lasting())
    assert await race(app, practice, shares, alone) == (5, 0)


@pytest.mark.covers("SUP-7")
async def test_the_race_convicts_entering_under_a_shared_lock(
    app: App, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enrol, "ALONE", enrol.TOGETHER)
    practice = await a_practice(app, database_url, 5)
    campaigns = [await launch(app, practice, lasting()) for _ in range(2)]
    assert await race(app, practice, *campaigns) == (5, 5)
    assert await most(app, practice) == 2


@pytest.mark.covers("SUP-7", "ENG-1")
async def test_many_workers_and_campaigns_neither_share_a_person_nor_wait_for_each_other(
    app: App, database_url: str
):
    """Enrolling in bulk, and handing over from journeys that end with it, all at once."""
    practice = await a_practice(app, database_url, 120, leads=40)
    for alone in (True, False):
        to = await launch(app, practice, lasting(alone=alone), kind="event")
        hand = SubCampaign(id="hand", campaign_id=str(to.campaign_id), next="end")
        await launch(app, practice, journey(hand, audience=only("lead")))
    for _ in range(4):
        await launch(app, practice, lasting(audience=only("patient")))
    async with asyncio.timeout(120):
        await asyncio.gather(*(Engine(app.uow).drain(practice) for _ in range(4)))
    async with app.uow(system(practice, "test")) as u:
        live = {row.contact_id: row.n for row in await u.execute(LIVE_IN, practice=practice)}
    assert len(live) == 160
    assert set(live.values()) == {1}
