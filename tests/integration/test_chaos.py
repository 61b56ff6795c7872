"""`cm chaos`: a short run with real processes, and faults planted in a real product's records."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cm_app.chaos import evidence, report
from cm_app.chaos.books import balance
from cm_app.chaos.journal import Asked
from cm_app.chaos.run import Wish, run
from services.kit.ids import new_id
from services.kit.outbox import Relay
from services.neighbours.hub.adapters.journal import JournalAdapter
from tests.factories.campaign import journey, launch, message
from tests.factories.hub import HubWorld, hub_world
from tests.factories.practice import make_contact
from tests.factories.practice import run as sql
from tests.factories.world import World


@pytest.mark.timeout(240)
@pytest.mark.covers("ENG-1", "EVT-5")
def test_a_short_run_balances(tmp_path):
    """Six kills in two rounds, days that pass, the whole balance."""
    told = run(Wish(kills=6, seed=11, people=60, a_round=3, between=0.7), None)
    assert [(line.name, line.wrong) for line in told.lines if not line.ok] == []
    assert sum(told.killed.values()) == 6
    assert told.events > 20
    assert told.messages > 60
    assert report.figures(told)["chaos"] == "ok"


@dataclass
class Told:
    """A practice where three people were written to and one revoked; everything came to rest."""

    world: World
    hub: HubWorld
    database_url: str
    journal: Path
    asked: dict[str, Asked]

    async def lines(self) -> list[str]:
        """The names of the lines that do not balance."""
        found = await evidence.gather(
            self.world.app, self.world.practice_id, self.database_url, self.asked, self.journal
        )
        # No journal of the platform here: what others than the harness sent is not on trial.
        return [line.name for line in balance(found) if not line.ok]

    def plant(self, statement: str, **values: Any) -> None:
        sql(self.database_url, statement, {"practice": self.world.practice_id, **values})


@pytest.fixture
async def told(world: World, database_url, servers, tmp_path):
    path = tmp_path / "hub" / "journal.jsonl"
    out = JournalAdapter(path, world.clock, idempotent=False)
    people = [make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(3)]
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), out)
    async with hub_world(
        world.app, world.practice_id, database_url, servers.redis_url, adapters=adapters
    ) as hub:
        story = Told(world, hub, database_url, path, {})
        await hub.hear(hub.words())
        await launch(world.app, world.practice_id, journey(message("hello", None)))
        await world.run()
        story.plant(
            "UPDATE cm.outbox SET data = jsonb_set(CAST(data AS jsonb), '{content_ref}', to_jsonb(CAST(:ref AS text)))",
            ref=hub.words().data["content_ref"],
        )
        await _send_everything(story)
        await _revoked(story, people[0])
        await _send_everything(story)
        yield story


async def _revoked(told: Told, person: UUID) -> None:
    event_id = str(new_id())
    told.asked[event_id] = Asked(
        event_id, "consent.revoked", str(person), "chaos", final=True, acknowledged=True
    )
    await told.world.event("consent.revoked", {"contact_id": person}, id=event_id, source="chaos")
    told.asked[event_id].snapshot = await told.world.one("SELECT CAST(pg_current_snapshot() AS text)")


async def _send_everything(told: Told, relay: Relay | None = None) -> None:
    await (relay or told.world.app.relay).run_once(told.world.practice_id)
    while await told.hub.intake.run_once():
        pass
    await told.hub.send()
    await told.hub.statuses()
    await told.world.intake.drain()


async def lose_a_dispatch(told: Told) -> None:
    told.plant("DELETE FROM cm.dispatch WHERE ctid = (SELECT min(ctid) FROM cm.dispatch)")


async def lose_a_message(told: Told) -> None:
    told.plant(
        "DELETE FROM hub.message WHERE dispatch_id = (SELECT min(CAST(dispatch_id AS text))::uuid FROM hub.message)"
    )


async def send_one_twice(told: Told) -> None:
    lines = told.journal.read_text().splitlines(keepends=True)
    told.journal.write_text("".join([*lines, lines[0]]))


async def send_one_to_nobody(told: Told) -> None:
    told.journal.write_text("".join(told.journal.read_text().splitlines(keepends=True)[1:]))


async def lose_an_event(told: Told) -> None:
    told.plant("DELETE FROM cm.inbound_event WHERE source = 'chaos'")


async def lose_somebody(told: Told) -> None:
    told.plant("DELETE FROM cm.enrolment WHERE ctid = (SELECT min(ctid) FROM cm.enrolment)")


async def lose_an_answer(told: Told) -> None:
    told.plant("UPDATE cm.dispatch SET status = 'accepted'")


async def count_twice(told: Told) -> None:
    told.plant("UPDATE cm.metric SET value = value + 1 WHERE name = 'delivered'")


async def cut_the_audit(told: Told) -> None:
    told.plant("ALTER TABLE cm.audit DISABLE TRIGGER USER")
    told.plant("DELETE FROM cm.audit WHERE ctid = (SELECT min(ctid) FROM cm.audit)")


async def leave_something_lying(told: Told) -> None:
    told.plant("UPDATE hub.message SET state = 'sending'")


async def send_to_the_revoked(told: Told) -> None:
    """An engine that forgot the suppression: its rows are gone when the next campaign asks."""
    told.plant("DELETE FROM cm.suppression")
    told.world.clock.advance(days=8)  # past the practice's own caps
    await launch(told.world.app, told.world.practice_id, journey(message("late", None)))
    await told.world.run()
    await _send_everything(told)


async def delete_before_publishing(told: Told) -> None:
    """A relay that strikes its rows out first and is killed before it has published them."""

    class Hasty(Relay):
        async def _publish(self, practice_id, rows) -> None:
            return

    told.world.clock.advance(days=8)
    await launch(told.world.app, told.world.practice_id, journey(message("next", None)))
    await told.world.run()
    relay = told.world.app.relay
    await _send_everything(told, Hasty(relay.engine, relay.bus, told.world.app.keyring))


FAULTS: dict[str, tuple[Callable[[Told], Awaitable[None]], str]] = {
    "a request is lost": (lose_a_dispatch, "steps requested once"),
    "the Hub loses a message": (lose_a_message, "requests at the Hub"),
    "a message leaves twice": (send_one_twice, "left the building"),
    "a delivered message never left": (send_one_to_nobody, "left the building"),
    "an acknowledged event is lost": (lose_an_event, "events taken in"),
    "somebody is lost": (lose_somebody, "enrolments"),
    "an answer is lost": (lose_an_answer, "answers of the Hub"),
    "a number is wrong": (count_twice, "numbers shown"),
    "the audit is cut": (cut_the_audit, "audit"),
    "a message is half sent": (leave_something_lying, "nothing left lying"),
    "somebody is sent to after they revoked": (send_to_the_revoked, "nothing after the closing"),
    "a relay deletes before it publishes": (delete_before_publishing, "requests at the Hub"),
}


@pytest.mark.covers("ENG-1", "EVT-5")
async def test_a_product_at_rest_balances(told: Told):
    assert len(told.journal.read_text().splitlines()) == 3
    assert await told.lines() == []


@pytest.mark.covers("ENG-1", "EVT-5")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_planted_fault_is_found(told: Told, fault: str):
    plant, line = FAULTS[fault]
    await plant(told)
    assert line in await told.lines()
