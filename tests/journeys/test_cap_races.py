"""Two campaigns are due at once for the same people, and two workers take one each: still nobody
gets more than the practice allows, and a household one copy (D22, D25).

The checker is checked, too: claiming without the lanes must be convicted.
"""

import asyncio
from uuid import UUID

import orjson
import pytest

from services.bootstrap import App
from services.contracts.journey import Message
from services.engine import claim
from services.engine.claim import DueStep, due_steps
from services.engine.message import send
from services.engine.plans import plan_of, policy_for, refs_of
from services.engine.service import Engine, Round
from services.invariants.service import check
from services.kit.actor import system
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact, make_practice, run

PEOPLE = 40
ONE_TOUCH = {"caps": {"max_touches": 1, "per_days": 7, "min_gap_hours": None, "exclusive": False}}
NO_CAPS = {"caps": {"max_touches": None, "per_days": 7, "min_gap_hours": None, "exclusive": False}}
TOUCHES = (
    "SELECT contact_id, count(*) AS n FROM cm.dispatch WHERE practice_id = :practice GROUP BY contact_id"
)


async def prepare(app: App, database_url: str, settings: dict[str, object], campaigns: int) -> UUID:
    """A practice where everybody is due the first message of each campaign now."""
    now = app.clock.now()
    practice = make_practice(database_url, now)
    run(
        database_url,
        "UPDATE cm.practice SET settings = CAST(:s AS jsonb)",
        {"s": orjson.dumps(settings).decode()},
    )
    for _ in range(PEOPLE):
        make_contact(database_url, practice, now)
    for _ in range(campaigns):
        await launch(app, practice, journey(message("one", "end")))
    await enrol(app, practice)
    return practice


async def enrol(app: App, practice: UUID) -> None:
    await Engine(app.uow)._enrol(practice, Round())


async def due(app: App, practice: UUID) -> list[DueStep]:
    async with app.uow(system(practice, "test")) as u:
        return await due_steps(u)


async def decide_together(app: App, practice: UUID, first: DueStep, second: DueStep) -> None:
    """Two workers: both have claimed before either decides, and neither commits before both have."""
    claimed, decided = asyncio.Barrier(2), asyncio.Barrier(2)

    async def work(step: DueStep) -> None:
        async with app.uow(system(practice, "engine")) as u:
            plan = await plan_of(u, step.version_id)
            part = plan.steps[step.step_id]
            assert isinstance(part, Message)
            size = await claim.claim(u, step, alone=True)
            await claimed.wait()
            if size:
                policy = await policy_for(u, step.campaign_id, step.version_id, plan, part)
                await send(u, step, plan, part, policy, refs_of(part), size)
            await decided.wait()

    await asyncio.gather(work(first), work(second))


async def race(app: App, practice: UUID) -> dict[UUID, int]:
    """Both campaigns at once, and what is left after them; how many requests each person got."""
    first, second = await due(app, practice)
    await decide_together(app, practice, first, second)
    await Engine(app.uow).drain(practice)
    assert await due(app, practice) == []
    async with app.uow(system(practice, "test")) as u:
        assert await check(u) == []
        return {r.contact_id: r.n for r in await u.execute(TOUCHES, practice=practice)}


@pytest.fixture
def without_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The obvious way: the rows are locked, and nothing else."""
    free = claim.CLAIM_ALONE.replace("pg_try_advisory_xact_lock(", "(SELECT true OR 0 = ")
    assert free != claim.CLAIM_ALONE
    monkeypatch.setattr(claim, "CLAIM_ALONE", free)


@pytest.mark.covers("SUP-1", "ENG-1")
async def test_nobody_gets_two_though_two_campaigns_are_due_at_once(app: App, database_url: str):
    practice = await prepare(app, database_url, ONE_TOUCH, 2)
    assert set((await race(app, practice)).values()) == {1}


@pytest.mark.covers("SUP-1")
async def test_the_cap_race_convicts_workers_without_lanes(app: App, database_url: str, without_lanes: None):
    practice = await prepare(app, database_url, ONE_TOUCH, 2)
    assert 2 in (await race(app, practice)).values()


HOUSE = """
UPDATE canonical.contact c SET household_id = h.id, email = h.id || '@example.com'
FROM (SELECT contact_id, (array_agg(contact_id) OVER (PARTITION BY n / 2))[1] AS id
      FROM (SELECT contact_id, row_number() OVER (ORDER BY contact_id) - 1 AS n FROM canonical.contact) x) h
WHERE c.contact_id = h.contact_id
"""
COPIES = """
SELECT c.household_id, count(*) AS n FROM cm.dispatch d JOIN canonical.contact c USING (practice_id, contact_id)
WHERE d.practice_id = :practice GROUP BY 1
"""


@pytest.mark.covers("SUP-1")
async def test_people_who_moved_together_are_decided_in_one_lane(app: App, database_url: str):
    practice = await prepare(app, database_url, NO_CAPS, 1)
    run(database_url, HOUSE, {})
    await Engine(app.uow).drain(practice)
    async with app.uow(system(practice, "test")) as u:
        copies = {r.household_id: r.n for r in await u.execute(COPIES, practice=practice)}
        apart = await u.execute(
            "SELECT 1 FROM cm.subject s JOIN canonical.contact c USING (practice_id, contact_id)"
            " WHERE s.practice_id = :practice AND s.lane <> cm.lane(c.household_id)",
            practice=practice,
        )
        assert apart.first() is None
        assert await check(u) == []
    assert len(copies) == PEOPLE // 2
    assert set(copies.values()) == {1}
