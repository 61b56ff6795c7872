"""The one list of gates as preview and "why not now" ask it."""

from uuid import UUID

import pytest

from services.contracts.journey import Caps
from services.engine.reach import reach
from services.engine.why_not import why_not_now
from services.gates.contracts import tighten
from services.gates.gates import GATES
from services.gates.reasons import SENTENCES, Reason
from services.gates.words import LABELS
from services.kit.actor import system
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World


@pytest.mark.covers("AUD-4", "SUP-10")
async def test_the_preview_counts_whom_dispatch_would_refuse_and_why(world: World, database_url: str):
    now, household = world.clock.now(), new_id()
    make_contact(database_url, world.practice_id, now)
    make_contact(database_url, world.practice_id, now, consent=())
    make_contact(database_url, world.practice_id, now, do_not_contact=True)
    make_contact(database_url, world.practice_id, now, email=None)
    for _ in range(2):
        make_contact(database_url, world.practice_id, now, email="family@example.com", household_id=household)
    definition = journey(message("hello", "end"))
    async with world.app.uow(system(world.practice_id, "test")) as u:
        seen = await reach(u, new_id(), definition)
    assert (seen.count, seen.reachable) == (6, 2)
    assert {e.reason: e.count for e in seen.excluded} == {
        "NO_CONSENT": 1, "DO_NOT_CONTACT": 1, "NO_ADDRESS": 1, "DUPLICATE_DESTINATION": 1,
    }  # fmt: skip
    await launch(world.app, world.practice_id, definition)
    done = await world.run()
    assert done.requested == seen.reachable


@pytest.mark.covers("SUP-8")
async def test_why_not_now_runs_every_gate(world: World, database_url: str):
    person = make_contact(
        database_url, world.practice_id, world.clock.now(), consent=(), do_not_contact=True, email=None
    )
    made = await launch(world.app, world.practice_id, journey(message("hello", "end")))
    async with world.app.uow(system(world.practice_id, "test")) as u:
        (why,) = await why_not_now(u, person, campaign_id=made.campaign_id)
    assert {(a.channel, a.sentence) for a in why.refusals} == {
        (None, SENTENCES[Reason.DO_NOT_CONTACT]),
        ("email", SENTENCES[Reason.NO_ADDRESS]),
        ("email", SENTENCES[Reason.NO_CONSENT]),
    }
    assert [a.reason for a in why.answers] == [g.reason for g in GATES]
    assert not why.would_send


@pytest.mark.covers("SUP-8")
def test_every_gate_has_words_for_those_who_pass():
    assert {gate.reason for gate in GATES} == set(LABELS)


@pytest.mark.covers("SUP-7")
@pytest.mark.parametrize(
    ("practice", "campaign", "both"),
    [
        (Caps(max_touches=3, per_days=7), Caps(max_touches=9, per_days=7), (3, 7)),
        (Caps(max_touches=3, per_days=7), Caps(max_touches=1, per_days=30), (1, 30)),
        (Caps(), Caps(max_touches=2, per_days=7), (2, 7)),
    ],
)
def test_a_campaign_only_tightens(practice: Caps, campaign: Caps, both: tuple[int, int]):
    tight = tighten(practice, campaign)
    assert (tight.max_touches, tight.per_days) == both


def test_every_reason_has_a_sentence_and_every_gate_a_reason():
    assert set(SENTENCES) == set(Reason)
    assert {g.reason for g in GATES} <= set(Reason)


@pytest.mark.covers("GOV-5")
async def test_our_refusals_hold_no_personal_data(world: World, database_url: str):
    person: UUID = make_contact(
        database_url, world.practice_id, world.clock.now(), email="ada@secret.example", consent=()
    )
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    for table in ("refusal", "audit", "enrolment", "outbox", "dispatch"):
        for row in await world.rows(
            f"SELECT t::text AS line FROM cm.{table} t WHERE practice_id = :practice"
        ):
            assert "secret.example" not in row.line
            assert "Byron" not in row.line
    assert person
