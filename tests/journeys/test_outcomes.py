"""What became of a run: by the Hub's events and, where none come, by asking (LIF-8, 002)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import stamina

from services.contracts.hub_api import ASKED
from services.contracts.journey import Pace
from services.engine.executions import runs
from services.engine.ticks import TICKS, run_tick
from services.intake.asking import AGES, Asking, Hub
from services.kit.actor import system
from tests.factories.campaign import Launched, journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

OUTCOME = "SELECT outcome FROM cm.execution WHERE practice_id = :practice"
SENT = "SELECT dispatch_id, contact_id, campaign_id, status FROM cm.dispatch WHERE practice_id = :practice ORDER BY contact_id"
RECOUNT = next(tick for tick in TICKS if tick.name == "recount")


async def ran(world: World, database_url: str, people: int) -> tuple[Launched, list[Any]]:
    for _ in range(people):
        make_contact(database_url, world.practice_id, world.clock.now())
    made = await launch(
        world.app, world.practice_id, journey(message("hello", "end", one_per_household=False), pace=Pace())
    )
    await world.run()
    return made, await world.rows(SENT)


async def told(world: World, sent: Any, what: str) -> None:
    data = {
        "dispatch_id": sent.dispatch_id, "contact_id": sent.contact_id, "campaign_id": sent.campaign_id, "channel": "email",
    }  # fmt: skip
    await world.event(f"hub.message.{what}", data)


async def outcome(world: World) -> str:
    world.clock.advance(seconds=6)
    await run_tick(world.app, RECOUNT)
    return str(await world.one(OUTCOME))


@pytest.mark.covers("LIF-8")
async def test_the_outcome_follows_what_the_hub_reports_after_the_run_has_ended(
    world: World, database_url: str
):
    made, sent = await ran(world, database_url, 3)
    assert await world.one(OUTCOME) == "delivered"
    await told(world, sent[0], "failed")
    assert await outcome(world) == "partial"
    await told(world, sent[1], "bounced")
    await told(world, sent[2], "failed")
    assert await outcome(world) == "failed"
    async with world.app.uow(system(world.practice_id, "test")) as u:
        (run,) = await runs(u, made.campaign_id)
    assert (run.requested, run.failed, run.delivered, run.enrolled) == (3, 3, 0, 3)
    changes = await world.rows(
        "SELECT detail FROM cm.audit WHERE practice_id = :practice AND tag = 'execution.ended' ORDER BY at, audit_id"
    )
    assert [orjson.loads(row.detail)["outcome"] for row in changes] == ["delivered", "partial", "failed"]


@pytest.mark.covers("LIF-8")
async def test_nobody_to_write_to_is_empty_and_a_cancelled_run_stays_stopped(world: World, database_url: str):
    await launch(world.app, world.practice_id, journey(message("hello", "end")))
    await world.run()
    assert await world.one(OUTCOME) == "empty"
    await world.rows("UPDATE cm.execution SET outcome = 'stopped' WHERE practice_id = :practice RETURNING 1")
    await world.rows(
        "UPDATE cm.execution SET recount_at = :now WHERE practice_id = :practice RETURNING 1",
        now=world.clock.now(),
    )
    assert await outcome(world) == "stopped"


class SilentHub:
    """A Hub that sends no events, and answers when it is asked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.says: dict[UUID, tuple[str, str]] = {}
        self.asked: list[int] = []
        self.broken = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer secret"
        if self.broken:
            self.broken -= 1
            return httpx.Response(503)
        ids = [UUID(one) for one in orjson.loads(request.content)["dispatch_ids"]]
        self.asked.append(len(ids))
        at = self.world.clock.now().isoformat()
        found = [
            {
                "dispatch_id": str(i),
                "status": self.says[i][0],
                "at": at,
                "channel": "email",
                "reason": self.says[i][1],
            }
            for i in ids
            if i in self.says
        ]
        return httpx.Response(200, json={"messages": found})

    def asking(self) -> Asking:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self), base_url="http://hub.example.com")
        return Asking(self.world.app.uow, Hub(client, "secret"))


@pytest.mark.covers("LIF-8")
async def test_a_silent_hub_is_asked_at_each_age_until_everything_is_known(world: World, database_url: str):
    _, sent = await ran(world, database_url, 3)
    start = world.clock.now()
    hub = SilentHub(world)
    asking = hub.asking()
    ages = []
    hub.says = {one.dispatch_id: ("sent", "") for one in sent}
    while world.clock.now() < start + timedelta(minutes=40):
        world.clock.advance(seconds=5)
        before = len(hub.asked)
        await asking.run_once()
        if len(hub.asked) > before:
            ages.append((world.clock.now() - start, hub.asked[-1]))
        if world.clock.now() - start == timedelta(minutes=6):
            hub.says[sent[0].dispatch_id] = ("delivered", "")
        if world.clock.now() - start == timedelta(minutes=21):
            hub.says[sent[1].dispatch_id] = ("failed", "No such number")
            hub.says[sent[2].dispatch_id] = ("bounced", "Mailbox gone")
    assert [age for age, _ in ages] == list(AGES)[:6]  # at thirty minutes there is nothing left to ask
    assert [count for _, count in ages] == [3, 3, 3, 2, 2, 2]
    statuses = await world.rows(
        "SELECT status, failure FROM cm.dispatch WHERE practice_id = :practice ORDER BY contact_id"
    )
    assert [tuple(row) for row in statuses] == [
        ("delivered", None), ("failed", "No such number"), ("bounced", "Mailbox gone"),
    ]  # fmt: skip
    assert await outcome(world) == "partial"
    assert await asking.run_once() == 0


@pytest.mark.covers("LIF-8")
async def test_a_hub_that_reports_by_itself_is_asked_only_about_what_it_said_nothing_of(
    world: World, database_url: str
):
    _, sent = await ran(world, database_url, 2)
    await told(world, sent[0], "sent")
    hub = SilentHub(world)
    world.clock.advance(seconds=31)
    await hub.asking().run_once()
    assert hub.asked == [1]
    noted = await world.rows("SELECT detail FROM cm.message_event WHERE practice_id = :practice")
    assert [row.detail for row in noted] != [ASKED]


@pytest.mark.covers("LIF-8")
async def test_a_hub_in_trouble_is_tried_again_and_nobody_is_asked_about_twice(
    world: World, database_url: str
):
    _, sent = await ran(world, database_url, 1)
    hub = SilentHub(world)
    hub.says = {sent[0].dispatch_id: ("delivered", "")}
    hub.broken = 3  # three tries, then it waits for the next age
    world.clock.advance(seconds=31)
    with stamina.set_testing(True, attempts=3):  # the tries, without the pauses between them
        assert await hub.asking().run_once() == 0
    assert (hub.asked, hub.broken) == ([], 0)
    world.clock.advance(minutes=5)
    assert await hub.asking().run_once() == 1
    assert await hub.asking().run_once() == 0
    assert hub.asked == [1]
