"""What is asked about a person touches the months that their journeys began in, not every month there is."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.contracts.journey import Caps, Wait, WaitFor
from services.engine import timeline_queries
from services.engine.plans import plan_of, policy_for
from services.engine.timeline import TimelinePage, timeline
from services.gates.reasons import Reason
from services.gates.statement import facts
from services.insights.queries import TOUCHING_VERSIONS
from services.kit.actor import system
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.suppression import queries
from services.suppression.contracts import Suppress
from services.suppression.service import apply
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, run
from tests.factories.world import World

MONTHS = 36
FACTS = f"""
WITH cand AS (SELECT CAST(:contact AS uuid) AS contact_id), {facts(each=True)}
SELECT touches, last_touch, duplicate FROM f
"""
REFUSED = """
INSERT INTO cm.refusal (practice_id, refusal_id, at, contact_id, campaign_id, version_id, step_id, reason)
VALUES (:p, uuidv7(), :now, :c, :k, :v, 'one', 'NO_CONSENT')
"""
ASIDE = r"(dispatch|transition|refusal|message_event|audit)_(\d{6})"


async def touched(u: Unit, sql: str, **values: Any) -> dict[str, set[str]]:
    """Months of each partitioned table that a statement really looked into, by the database's own word."""
    plan = (await u.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", **values)).scalar_one()
    found: dict[str, set[str]] = {}

    def walk(node: dict[str, Any]) -> None:
        named = re.fullmatch(ASIDE, node.get("Relation Name", ""))
        if named and node["Actual Loops"] > 0:
            found.setdefault(named[1], set()).add(named[2])
        for child in node.get("Plans", ()):
            walk(child)

    walk(plan[0]["Plan"])
    return found


@pytest.fixture
async def years(world: World, database_url: str) -> tuple[World, UUID, Launched]:
    """36 months of partitions. Somebody finished a journey in June, is in another since June, whose second
    message goes out in August, and got one of a third in August. Their household shares the address."""
    begin = (world.clock.now() - timedelta(days=30 * (MONTHS - 4))).date()
    run(database_url, "SELECT cm.ensure_partitions(:day, :n)", {"day": begin, "n": MONTHS + 1})
    house, email = new_id(), "house@example.com"
    ada, _ = [
        make_contact(database_url, world.practice_id, world.clock.now(), household_id=house, email=email)
        for _ in range(2)
    ]
    caps = Caps(max_touches=9, per_days=30, min_gap_hours=None)
    run(
        database_url,
        "UPDATE cm.practice SET settings = CAST(:s AS jsonb)",
        {"s": orjson.dumps({"caps": {"max_touches": 9, "per_days": 30, "min_gap_hours": None}}).decode()},
    )
    pause = Wait(id="pause", until=WaitFor(minutes=60 * 24 * 61), next="late")
    both = {"caps": caps}
    await launch(
        world.app, world.practice_id, journey(message("one", "end", one_per_household=False), **both)
    )
    await launch(
        world.app,
        world.practice_id,
        journey(
            message("first", "pause", one_per_household=False),
            pause,
            message("late", "end", one_per_household=False),
            **both,
        ),
    )
    await world.run()
    world.clock.advance(days=62)
    third = await launch(
        world.app, world.practice_id, journey(message("one", "end", one_per_household=False), **both)
    )
    await world.run()
    return world, ada, third


@pytest.mark.covers("SUP-7", "ENG-1")
async def test_limits_and_copies_look_into_the_months_of_journeys_under_way(
    years: tuple[World, UUID, Launched],
):
    world, ada, third = years
    june, august = "202606", "202608"
    async with world.app.uow(system(world.practice_id, "test")) as u:
        plan = await plan_of(u, third.version_id)
        step = plan.steps["one"]
        policy = await policy_for(u, third.campaign_id, third.version_id, plan, step)
        values = policy.params() | {"contact": ada}
        values["one_per_household"] = True
        await u.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        row = (await u.execute(FACTS, **values)).one()
        assert (row.touches, row.duplicate) == (2, True)  # the late message of June's journey, and August's
        assert (await touched(u, FACTS, **values))["dispatch"] <= {june, august}
        await u.execute("SET LOCAL plan_cache_mode = force_generic_plan")  # as a busy connection has it
        assert (await touched(u, FACTS, **values))["dispatch"] <= {june, august}


@pytest.mark.covers("SUP-1", "SUP-8")
async def test_taking_back_and_the_timeline_do_too(
    years: tuple[World, UUID, Launched], monkeypatch: pytest.MonkeyPatch
):
    world, ada, _ = years
    asked: list[tuple[str, dict[str, Any]]] = []
    really = Unit.execute

    async def noted(self: Unit, sql: str, **values: Any) -> Any:
        asked.append((sql, values))
        return await really(self, sql, **values)

    monkeypatch.setattr(Unit, "execute", noted)
    async with world.app.uow(system(world.practice_id, "test")) as u:
        await apply(u, Suppress(contact_id=ada, reason=Reason.STOP))
    async with world.app.uow(staff(world.practice_id, "read")) as u:
        await timeline(u, ada)
    monkeypatch.undo()
    wanted = [queries.PENDING, queries.CANCEL]
    checked = 0
    async with world.app.uow(system(world.practice_id, "test")) as u:
        for sql, values in asked:
            if sql in wanted or ("UNION ALL" in sql and "cm.transition" in sql):
                months = await touched(u, sql, **values)
                assert months.get("dispatch", set()) <= {"202606", "202608"}, sql
                assert months.get("transition", set()) <= {"202606", "202607", "202608"}, sql
                checked += 1
    assert checked >= 3


@pytest.mark.covers("SUP-8", "INS-1")
async def test_a_story_is_read_from_its_newest_months_until_the_page_is_full(
    years: tuple[World, UUID, Launched], database_url: str, monkeypatch: pytest.MonkeyPatch
):
    world, ada, third = years
    by_month = ("transition", "refusal", "message_event", "audit")
    for days in (0, 31, 31, 0):  # refused in August, in September, and twice in October
        world.clock.advance(days=days)
        run(database_url, REFUSED, {"p": world.practice_id, "c": ada, "v": third.version_id, "k": third.campaign_id,
            "now": world.clock.now()})  # fmt: skip
    asked: list[dict[str, Any]] = []
    really = Unit.execute

    async def noted(self: Unit, sql: str, **values: Any) -> Any:
        if sql == timeline_queries.TIMELINE:
            asked.append(values)
        return await really(self, sql, **values)

    async def months(limit: int, after: str | None = None) -> tuple[TimelinePage, set[str]]:
        """A page, and every month it really looked into."""
        asked.clear()
        async with world.app.uow(staff(world.practice_id, "read")) as u:
            with monkeypatch.context() as patch:
                patch.setattr(Unit, "execute", noted)
                page = await timeline(u, ada, after=after, limit=limit)
            found: set[str] = set()
            for mode in ("force_custom_plan", "force_generic_plan"):
                await u.execute(f"SET LOCAL plan_cache_mode = {mode}")
                for values in asked:
                    there = await touched(u, timeline_queries.TIMELINE, **values)
                    found |= set().union(*(there.get(table, set()) for table in by_month))
                    assert there.get("dispatch", set()) <= {"202606", "202608"}, "by the journeys under way"
            return page, found

    page, read = await months(1)
    assert ([item.kind for item in page.items], read) == (["refused"], {"202610"})
    whole, read = await months(500)
    assert whole.older is None
    assert read <= {f"20260{n}" for n in range(4, 10)} | {"202610"}, (
        "nothing from before they were first seen"
    )
    told, after = list(page.items), page.older
    while after is not None:  # page by page it is the same story
        page, _ = await months(3, after)
        told, after = told + list(page.items), page.older
    assert [item.item_id for item in told] == [item.item_id for item in whole.items]
    assert len({item.item_id for item in told}) == len(told) > 12

    async with world.app.uow(system(world.practice_id, "test")) as u:
        values = {
            "practice": world.practice_id,
            "contacts": [ada],
            "ats": [u.now],
            "longest": timedelta(days=70),
        }
        assert (await touched(u, TOUCHING_VERSIONS, **values))["dispatch"] == {"202606", "202608"}
        campaigns = {"practice": world.practice_id, "contact": ada, "since": u.now - timedelta(days=40)}
        assert min((await touched(u, timeline_queries.CAMPAIGNS, **campaigns))["refusal"]) == "202608"
