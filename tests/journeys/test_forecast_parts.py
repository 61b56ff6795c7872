"""In how many sessions a forecast is worked out changes no figure of it (BLD-9)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts.journey import (
    Arm,
    Branch,
    Caps,
    Entry,
    EventMatch,
    Journey,
    Pace,
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
from services.engine.plan import Plan
from services.forecast import parts, turns
from services.forecast.contracts import Forecast, Rate, Rates
from services.forecast.service import forecast
from services.kit.ids import new_id
from tests.conftest import START
from tests.factories.campaign import journey, message
from tests.factories.forecast_model import someone, write_crowd
from tests.factories.journeys import person
from tests.factories.practice import make_practice, run
from tests.factories.world import World

OFFICE = SendWindow(days=["mon", "wed", "thu"])
RATES = Rates(
    {
        "goal": Rate("goal", 0.3, "given", 0, 30, 168),
        "left": Rate("left", 0.15, "given", 0, 2, 48),
        "opened": Rate("opened", 0.4, "given", 0, 6, 168),
        "a_day": Rate("a_day", 1.5, "given"),
    }
)
CHANNELS = st.frozensets(st.sampled_from(("email", "sms")), min_size=1)
people = st.lists(
    st.tuples(
        st.sampled_from(("lead", "patient")), CHANNELS, CHANNELS, st.sampled_from(("", "a", "b", "c", "d"))
    ),
    min_size=4,
    max_size=24,
)
steps = st.lists(
    st.sampled_from(
        ("message", "letter", "windowed", "wait", "office", "opened", "leads", "toss", "birthday")
    ),
    min_size=2,
    max_size=6,
)
entries = st.sampled_from(
    (
        Entry(id="entry", next="s0"),
        Entry(id="entry", next="s0", how="schedule", cron="0 9 * * 1", reentry=Reentry(rule="after_exit")),
        Entry(id="entry", next="s0", how="manual"),
    )
)
paces = st.sampled_from((Pace(), Pace(spread_minutes=600), Pace(per_hour=3)))


def a_journey(kinds: list[str], entry: Entry, pace: Pace) -> Journey:
    """One step after the other; who takes another way leaves one out."""
    ids = [f"s{n}" for n in range(len(kinds))] + ["end", "end"]
    return journey(
        *(_step(kind, ids[n], ids[n + 1], ids[n + 2]) for n, kind in enumerate(kinds)),
        entry=entry,
        pace=pace,
        caps=Caps(max_touches=2, per_days=6, min_gap_hours=20),
    )


def _step(kind: str, own: str, after: str, other: str) -> Any:
    match kind:
        case "message":
            return message(own, after)
        case "letter":
            return message(own, after, channels=["sms", "email"], one_per_household=False)
        case "windowed":
            return message(own, after, window=OFFICE, channels=["email", "sms"])
        case "wait":
            return Wait(id=own, until=WaitFor(minutes=60 * 31), next=after)
        case "office":
            return Wait(id=own, until=WaitUntilWindow(window=OFFICE), next=after)
        case "opened":
            event = EventMatch(type="hub.message.opened")
            return WaitEvent(id=own, event=event, timeout_minutes=60 * 48, on_event=after, on_timeout=other)
        case "leads":
            lead = Condition(field="contact.kind", op="is", value="lead")
            return Branch(id=own, paths=[Path(when=lead, next=other)], otherwise=after)
        case "birthday":
            new = Condition(field="contact.registered", op="within_last_days", value=2)
            return Branch(id=own, paths=[Path(when=new, next=other)], otherwise=after)
        case _:
            return Split(id=own, arms=[Arm(percent=50, next=after), Arm(percent=50, next=other)])


async def in_parts(world: World, practice: UUID, definition: Journey, number: int) -> Forecast:
    async with world.app.uow(person(practice, "read")) as u:
        return await forecast(u, new_id(), definition, days=21, rates=RATES, parts=number)


def a_crowd(world: World, url: str, given: list[Any]) -> UUID:
    practice = make_practice(url, world.clock.now())
    crowd = [someone(n, *one) for n, one in enumerate(given)]
    write_crowd(url, practice, world.clock.now(), crowd)
    held = {"practice": practice, "id": new_id(), "contact": crowd[0].contact_id, "now": START}
    run(
        url,
        "INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, applied_by, applied_at, expires_at)"
        " VALUES (:practice, :id, :contact, 'CONCIERGE_RECOVERY_HOLD', 'all', 'test', :now, :until)",
        {**held, "until": START + timedelta(days=4)},
    )
    return practice


@pytest.mark.covers("BLD-9")
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=people, kinds=steps, entry=entries, pace=paces)
async def test_the_figures_are_the_same_in_any_number_of_parts(
    world: World, database_url: str, people, kinds, entry, pace
):
    practice = a_crowd(world, database_url, people)
    definition = a_journey(kinds, entry, pace)
    alone = await in_parts(world, practice, definition, 1)
    for number in (2, 3):
        assert await in_parts(world, practice, definition, number) == alone


def mixed() -> tuple[list[Any], Journey]:
    """Twenty people of whom most share a home and an address, and nothing that lets them in one by one."""
    channels = frozenset(("email", "sms"))
    given = [("patient", channels, channels, "abcd"[n % 4] if n < 16 else "") for n in range(20)]
    kinds = ["message", "wait", "opened", "windowed", "leads", "message"]
    return given, a_journey(kinds, Entry(id="entry", next="s0"), Pace())


@pytest.mark.covers("BLD-9")
@pytest.mark.parametrize("broken", ["households", "turns"])
async def test_a_wrong_division_is_heard(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
):
    given, definition = mixed()
    practice = a_crowd(world, database_url, given)
    alone = await in_parts(world, practice, definition, 1)
    assert await in_parts(world, practice, definition, 3) == alone
    assert alone.refused["DUPLICATE_DESTINATION"] > 0
    assert alone.goals > 0
    if broken == "households":
        monkeypatch.setattr(
            parts, "MINE", parts.MINE.replace("coalesce(c.household_id, {person})", "{person}")
        )
        apart = await in_parts(world, practice, definition, 3)
        assert apart.refused["DUPLICATE_DESTINATION"] < alone.refused["DUPLICATE_DESTINATION"]
    else:
        whole = parts.Parts.ask

        async def first_alone(self: parts.Parts, sql: str, **values: Any) -> list[Any]:
            rows = await whole(self, sql, **values)
            return rows[:1] if "low" in values else rows

        monkeypatch.setattr(parts.Parts, "ask", first_alone)
        with pytest.raises(AssertionError):
            assert await in_parts(world, practice, definition, 3) == alone


@pytest.mark.covers("BLD-9")
async def test_people_who_are_let_in_one_by_one_are_not_divided(world: World):
    plain = a_journey(["message"], Entry(id="entry", next="s0"), Pace())
    manual = a_journey(["message"], Entry(id="entry", next="s0", how="manual"), Pace())
    paced = a_journey(["message"], Entry(id="entry", next="s0"), Pace(per_hour=5))
    async with world.app.uow(person(world.practice_id, "read")) as u:
        found = [await parts.parts_for(u, Plan.of(one), 2) for one in (plain, manual, paced)]
        assert found == [2, 1, 1]
        assert await parts.parts_for(u, Plan.of(plain)) == 1, "few people are quicker in one session"


@pytest.mark.covers("BLD-9")
async def test_a_forecast_says_how_far_it_is(world: World, database_url: str):
    given, definition = mixed()
    practice = a_crowd(world, database_url, given)
    said: list[float] = []

    async def tell(share: float) -> None:
        said.append(share)

    async with world.app.uow(person(practice, "read")) as u:
        await forecast(u, new_id(), definition, days=21, rates=RATES, parts=2, tell=tell)
    assert said == sorted(set(said))
    assert 0 < said[0] < 0.5 < said[-1] <= 1


@pytest.mark.covers("BLD-9")
def test_those_with_the_lowest_turns_reach_the_goal_and_those_with_the_highest_leave():
    goal, left = Rate("goal", 0.2, "given", 0, 24, 168), Rate("left", 0.1, "given", 0, 2, 48)
    low, high = turns.acting(30, goal.share, left.share, turns.FIRST)
    assert (low, high) == (6, 3)
    order = [n * 10 for n in range(30)]
    found = turns.acts(order[:low], order[-high:], 30, goal, left, turns.FIRST)
    assert list(found.cuts) == sorted(found.cuts)
    reach = found.hours[: found.goals]
    assert list(reach) == sorted(reach)
    assert found.hours[found.goals] is None
    assert found.cuts[found.goals] == order[low - 1] + 1
    assert turns.acting(3, 1.0, 1.0, turns.FIRST) == (3, 0)
    everybody = turns.acts([1, 2, 3], [], 3, replace(goal, share=1.0), left, turns.FIRST)
    assert None not in everybody.hours[: everybody.goals]
    reached = 0
    carried = turns.FIRST
    for _ in range(100):  # one message at a time, a fifth of which reach the goal
        reached += turns.acting(1, goal.share, 0, carried)[0]
        carried = turns.carry(carried, 1, goal.share)
    assert reached == 20
