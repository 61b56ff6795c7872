"""The bundled Hub says what became of messages when it is asked (LIF-8)."""

import pytest

from services.contracts.hub_api import StatusAnswer
from services.intake.asking import token_of
from services.kit.ids import new_id
from tests.factories.hub import HubWorld, Recorder, hub_world
from tests.factories.practice import make_contact


@pytest.fixture
async def world(app, practice, database_url, servers):
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), Recorder())
    async with hub_world(app, practice, database_url, servers.redis_url, adapters=adapters) as made:
        yield made


@pytest.mark.covers("LIF-8", "HUB-1")
async def test_the_hub_names_what_it_knows_to_whom_it_knows(world: HubWorld, database_url: str):
    contact = make_contact(database_url, world.practice, world.app.clock.now())
    request = world.request(contact)
    await world.hear(world.words(), request)
    dispatch, unknown = str(request.data["dispatch_id"]), str(new_id())
    question = {"practice_id": str(world.practice), "dispatch_ids": [dispatch, unknown]}
    async with world.client() as client:
        assert (await client.post("/status", json=question)).status_code == 401
        token = token_of(world.hub.settings, world.hub.keyring)
        headers = {"Authorization": f"Bearer {token}"}
        said = []
        for _ in range(2):
            answer = await client.post("/status", json=question, headers=headers)
            assert answer.status_code == 200
            (known,) = StatusAnswer.model_validate_json(answer.content).messages
            assert str(known.dispatch_id) == dispatch
            said.append(known.status)
            await world.send()
        assert said[0] == "accepted"
        assert said[1] in ("sent", "delivered")
        many = {**question, "dispatch_ids": [str(new_id())] * 501}
        assert (await client.post("/status", json=many, headers=headers)).status_code == 422
