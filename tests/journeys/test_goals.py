"""What a journey is for ends it for whoever does it, and for nobody else (LIF-9)."""

from typing import Any, get_args

import pytest

from services.contracts.journey import EventMatch, Goal, Wait, WaitFor
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

SENT = "SELECT step_id FROM cm.dispatch WHERE practice_id = :practice AND contact_id = :contact ORDER BY requested_at"
STANDS = (
    "SELECT state, exit_reason FROM cm.whereabouts WHERE practice_id = :practice AND contact_id = :contact"
)
PROVEN_BY: dict[str, tuple[str, dict[str, Any], str]] = {
    "engagement": ("loyalty.milestone.reached", {}, "GOAL_REACHED"),
    "booking": ("appointment.booked", {"appointment_id": new_id()}, "APPOINTMENT_BOOKED"),
    "conversion": ("proposal.accepted", {"proposal_id": new_id()}, "GOAL_REACHED"),
    "revenue": ("proposal.accepted", {"proposal_id": new_id(), "value": 1200}, "GOAL_REACHED"),
}


@pytest.mark.covers("LIF-9")
@pytest.mark.parametrize("objective", PROVEN_BY)
async def test_the_goal_ends_the_journey_for_whoever_reaches_it(
    world: World, database_url: str, objective: Any
):
    type, data, reason = PROVEN_BY[objective]
    won, silent = (make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(2))
    steps = (
        message("hello", "pause"), Wait(id="pause", until=WaitFor(minutes=60 * 24), next="again"), message("again", "end"),
    )  # fmt: skip
    await launch(
        world.app, world.practice_id,
        journey(*steps, goal=Goal(objective=objective, event=EventMatch(type=type))),
    )  # fmt: skip
    await world.run()
    await world.event(type, {"patient_id": won, **data})
    await world.advance(hours=25)

    (reached,), (still,) = [await world.rows(STANDS, contact=person) for person in (won, silent)]
    assert (reached.state, reached.exit_reason) == ("exited", reason)
    assert [row.step_id for row in await world.rows(SENT, contact=won)] == ["hello"]
    assert (still.state, still.exit_reason) == ("completed", "END_OF_JOURNEY")
    assert [row.step_id for row in await world.rows(SENT, contact=silent)] == ["hello", "again"]


@pytest.mark.covers("LIF-9")
def test_every_objective_has_something_that_proves_it():
    assert set(PROVEN_BY) == set(get_args(Goal.model_fields["objective"].annotation))
