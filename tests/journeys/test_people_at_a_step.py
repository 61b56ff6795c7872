"""The people behind a count, and when each moves on (BLD-8)."""

import pytest

from services.engine.standing import people_here
from services.insights.service import step_numbers
from services.kit.actor import Actor
from services.kit.errors import Forbidden, Invalid, NotFound
from services.kit.ids import new_id
from tests.factories.campaign import launch
from tests.factories.journeys import journey, person
from tests.factories.practice import make_contact
from tests.factories.world import World

PATIENTS = {"include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}]}


@pytest.mark.covers("BLD-8")
async def test_a_count_opens_the_people_there_with_when_they_move_on(world: World, database_url: str):
    now = world.app.clock.now()
    people = [
        make_contact(database_url, world.practice_id, now, first_name=f"Ada{n}", last_name="Byron")
        for n in range(7)
    ]
    made = await launch(world.app, world.practice_id, journey(audience=PATIENTS))
    await world.run()
    await world.event("concierge.recovery.started", {"contact_id": people[0]})
    reader = person(world.practice_id, "read")
    async with world.app.uow(reader) as u:
        first = await people_here(u, made.campaign_id, "pause", limit=4)
        rest = await people_here(u, made.campaign_id, "pause", after=first.after, limit=4)
        held = await people_here(u, made.campaign_id, "pause", what="held")
        numbers = {n.step_id: n for n in await step_numbers(u, made.campaign_id)}
        with pytest.raises(Invalid, match="no place"):
            await people_here(u, made.campaign_id, "pause", after="x")
        with pytest.raises(NotFound):
            await people_here(u, new_id(), "pause")
    assert len(first.people) == 4
    assert rest.after is None
    seen = [*first.people, *rest.people]
    assert {one.contact_id for one in seen} == set(people[1:])
    assert {(one.moves_at - now).days for one in seen} == {3}
    assert [one.moves_at for one in seen] == sorted(one.moves_at for one in seen)
    assert seen[0].name.endswith("Byron")
    (one,) = held.people
    assert (one.contact_id, "Concierge" in one.held_why) == (people[0], True)
    assert (numbers["pause"].waiting, numbers["pause"].held) == (6, 1)
    assert numbers["hello"].ports == {"next": 7}, "the link after a message says how many took it"
    with pytest.raises(Forbidden):
        async with world.app.uow(Actor(world.practice_id, "api:key", frozenset({"author"}))) as u:
            await people_here(u, made.campaign_id, "pause")
