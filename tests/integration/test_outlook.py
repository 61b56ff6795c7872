"""A quiet canvas explains itself."""

import pytest

from services.contracts.journey import SendWindow
from services.engine.outlook import outlook
from services.kit.actor import system
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World


@pytest.mark.covers("BLD-8")
async def test_what_comes_next_is_said_in_the_practices_time(world: World, database_url: str):
    make_contact(database_url, world.practice_id, world.clock.now())
    made = await launch(world.app, world.practice_id, journey(message("hello", "end", window=SendWindow())))
    world.clock.advance(hours=10)  # 21:00 on Monday in London
    await world.run()
    async with world.app.uow(system(world.practice_id, "test")) as u:
        assert await outlook(u, made.campaign_id) == "The next people move on tomorrow at 09:00."
    await world.advance(hours=12)
    async with world.app.uow(system(world.practice_id, "test")) as u:
        assert (
            await outlook(u, made.campaign_id)
            == "1 message is with the Hub, which sends outside quiet hours."
        )
