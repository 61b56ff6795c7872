"""The set-based forecast and a plain one over random practices (BLD-9)."""

from collections import Counter
from datetime import timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts.journey import Branch, Caps, Path, Wait, WaitFor
from services.contracts.segment import Condition
from services.forecast import queries
from services.forecast.contracts import Rate, Rates
from services.forecast.service import forecast
from services.kit.ids import new_id
from tests.factories.campaign import journey, message
from tests.factories.forecast_model import Letter, simulate, someone, write_crowd
from tests.factories.journeys import person
from tests.factories.practice import make_practice
from tests.factories.world import World

LONDON = ZoneInfo("Europe/London")
DAYS, HALF, WHOLE = 21, 30.0, 168.0
CHANNELS = ("email", "sms")
some_channels = st.frozensets(st.sampled_from(CHANNELS))
people = st.lists(
    st.tuples(st.sampled_from(("lead", "patient")), some_channels, some_channels, st.sampled_from(("", "", "a", "b"))),
    min_size=1, max_size=12,
)  # fmt: skip
letters = st.lists(
    st.tuples(st.integers(1, 100), st.permutations(CHANNELS), st.booleans(), st.booleans()),
    min_size=1,
    max_size=5,
)
caps = st.builds(
    Caps,
    max_touches=st.sampled_from((1, 2, 3)),
    per_days=st.sampled_from((7, 14)),
    min_gap_hours=st.sampled_from((24, 50)),
)


@pytest.mark.covers("BLD-9")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=people, letters=letters, caps=caps, goal=st.sampled_from((0.0, 0.3, 1.0)))
async def test_both_forecasts_say_the_same(world: World, database_url: str, people, letters, caps, goal):
    ours, plain = await both(world, database_url, people, letters, caps, goal)
    assert ours == plain


@pytest.mark.covers("BLD-9")
async def test_the_comparison_hears_a_forecast_that_forgets_what_it_sent(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    reachable = ("patient", frozenset(CHANNELS), frozenset(CHANNELS), "")
    twice = [(1, CHANNELS, False, False), (2, CHANNELS, False, False)]
    limits = Caps(max_touches=1, per_days=7, min_gap_hours=24)
    ours, plain = await both(world, database_url, [reachable], twice, limits, 0.0)
    assert ours == plain
    monkeypatch.setattr(queries, "EXPECTED", "")
    ours, plain = await both(world, database_url, [reachable], twice, limits, 0.0)
    assert ours != plain


async def both(world: World, url: str, people, letters, caps, goal):
    now, practice = world.clock.now(), make_practice(url, world.clock.now())
    crowd = [someone(n, *given) for n, given in enumerate(people)]
    write_crowd(url, practice, now, crowd)
    post = [
        Letter(f"m{n}", hours, tuple(channels), once, spares)
        for n, (hours, channels, once, spares) in enumerate(letters)
    ]
    rates = Rates({"goal": Rate("goal", goal, "given", 0, HALF, WHOLE), "left": Rate("left", 0.0, "given")})
    async with world.app.uow(person(practice, "read")) as u:
        found = await forecast(u, new_id(), _journey(post, caps), days=DAYS, rates=rates)
        turns = {}
        for letter in post:
            rows = await u.execute(
                "SELECT contact_id, uuid_hash_extended(contact_id, :seed) AS turn FROM canonical.contact"
                " WHERE practice_id = :practice",
                practice=practice, seed=crc32(letter.step_id.encode()),
            )  # fmt: skip
            turns[letter.step_id] = {row.contact_id: row.turn for row in rows}
    course = simulate(
        crowd, post, caps, now, now + timedelta(days=DAYS), goal=goal, half=HALF, whole=WHOLE, turns=turns
    )
    sent, refused = Counter(), Counter()
    for (at, step), number in course.sent.items():
        sent[at.astimezone(LONDON).date(), step] += number
    for (at, step, reason), number in course.refused.items():
        refused[at.astimezone(LONDON).date(), step, reason] += number
    return (found.sent_per_day, found.refused_per_day, found.goals), (sent, refused, course.goals)


def _journey(post: list[Letter], caps: Caps):
    """Waits, forks round the letters that spare leads, letters."""
    steps = []
    for n, letter in enumerate(post):
        after = f"w{n + 1}" if n + 1 < len(post) else "end"
        fork = Branch(
            id=f"f{n}",
            paths=[Path(when=Condition(field="contact.kind", op="is", value="lead"), next=after)],
            otherwise=letter.step_id,
        )
        steps += [
            Wait(
                id=f"w{n}",
                until=WaitFor(minutes=letter.hours * 60),
                next=f"f{n}" if letter.spares_leads else letter.step_id,
            ),
            *([fork] if letter.spares_leads else []),
            message(
                letter.step_id, after, channels=list(letter.channels), one_per_household=letter.once_a_home
            ),
        ]
    return journey(*steps, caps=caps)
