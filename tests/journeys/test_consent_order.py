"""Yes and no are heard in any order and mean the same (EVT-1, docs/decisions/0013)."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from services.contracts.envelope import Envelope, envelope
from services.contracts.events import source_of
from services.kit.ids import new_id
from services.suppression.agreement import CHANNELS
from tests.factories.practice import make_contact
from tests.factories.world import World

LIVE = """
SELECT contact_id, scope, channel FROM cm.suppression WHERE practice_id = :practice AND lifted_at IS NULL
"""
YES, NO = "consent.granted", "consent.revoked"
Word = tuple[str, str | None, int, str]
"""(event, channel or None for all, minute at which it was said, purpose)"""
STORIES = 40


def closed(story: list[Word]) -> set[str]:
    """The plain model: a channel is closed if the last word about it was a no; of two at once, the no."""
    last: dict[str, tuple[int, bool]] = {}
    for event, about, minute, purpose in story:
        if purpose == "service":
            continue
        for channel in CHANNELS if about is None else (about,):
            last[channel] = max(last.get(channel, (-1, False)), (minute, event != YES))
    return {channel for channel, (_, no) in last.items() if no}


def told(world: World, contact: UUID, word: Word, began: datetime) -> Envelope:
    event, channel, minute, purpose = word
    data = {"contact_id": str(contact), "practice_id": str(world.practice_id), "purpose": purpose}
    if event.startswith("hub."):
        data |= {"dispatch_id": str(new_id()), "campaign_id": str(new_id()), "all_topics": True}
        data |= {"channel": channel} if channel else {}
    else:
        data |= {"channel": channel or "all"}
    at = began + timedelta(minutes=minute)
    return envelope(
        id=new_id(), source=source_of(event), type=event, time=at, practice_id=world.practice_id, data=data
    )


def some_word(chance: Random) -> Word:
    event = chance.choice([YES, YES, YES, NO, NO, "hub.message.stop", "hub.message.unsubscribed"])
    channel = None if event.endswith("unsubscribed") else chance.choice([None, *CHANNELS])
    purpose = chance.choice(["marketing", "marketing", "all", "service"]) if event in (YES, NO) else "all"
    return event, channel, chance.randrange(8), purpose


async def remains(world: World) -> dict[UUID, set[str]]:
    """What is closed for each contact, as the gates see it: by channel, or for everything."""
    found: dict[UUID, set[str]] = {}
    for row in await world.rows(LIVE):
        found.setdefault(row.contact_id, set()).update(CHANNELS if row.scope == "all" else [row.channel])
    return found


@pytest.mark.covers("EVT-1", "SUP-6")
async def test_the_order_in_which_consent_is_heard_changes_nothing(world: World, database_url: str):
    seed = Random().randrange(10**6)  # pytest-randomly: the same for the same run's seed
    chance = Random(seed)
    began = world.clock.now()
    world.clock.advance(hours=1)
    stories: dict[UUID, list[Word]] = {}
    heard: list[list[Envelope]] = []
    for _ in range(STORIES):
        story = [some_word(chance) for _ in range(chance.randrange(2, 8))]
        for _ in range(3):  # the same story in three orders, to three people
            contact = make_contact(database_url, world.practice_id, began)
            stories[contact] = story
            words = [told(world, contact, word, began) for word in story]
            chance.shuffle(words)
            heard.append(words)
    while heard:  # everybody's events in between each other's, in waves
        words = chance.choice(heard)
        one = words.pop()
        await world.app.bus.publish("other", [one])
        if not words:
            heard.remove(words)
    await world.intake.drain()
    found = await remains(world)
    for contact, story in stories.items():
        assert found.get(contact, set()) == closed(story), (seed, story)


@pytest.mark.covers("EVT-1")
@pytest.mark.parametrize("later", [False, True])
async def test_a_yes_to_one_channel_and_a_no_to_all(world: World, database_url: str, later: bool):
    """The yes is older (changes nothing) or newer (opens its channel and no other), heard first or last."""
    began = world.clock.now()
    world.clock.advance(hours=1)
    yes: Word = (YES, "email", 9 if later else 1, "marketing")
    no: Word = (NO, None, 5, "marketing")
    for order in ([yes, no], [no, yes]):
        contact = make_contact(database_url, world.practice_id, began)
        for word in order:
            await world.app.bus.publish("other", [told(world, contact, word, began)])
            await world.intake.drain()
        still = set(CHANNELS) - ({"email"} if later else set())
        assert (await remains(world))[contact] == still


@pytest.mark.covers("EVT-1", "SUP-6")
async def test_at_the_same_moment_the_no_counts(world: World, database_url: str):
    began = world.clock.now()
    yes, no = (YES, None, 0, "marketing"), (NO, "sms", 0, "marketing")
    for order in ([yes, no], [no, yes]):
        contact = make_contact(database_url, world.practice_id, began)
        for word in order:
            await world.app.bus.publish("other", [told(world, contact, word, began)])
            await world.intake.drain()
        assert (await remains(world))[contact] == {"sms"}
