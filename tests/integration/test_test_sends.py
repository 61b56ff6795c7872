"""A test message goes the Hub's way to a named address, and nothing else happens (CNT-5)."""

from uuid import UUID

import httpx
import pytest

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.contracts.journey import Journey
from services.intake.consumer import Intake
from services.kit.errors import Forbidden, Invalid, NotFound
from services.test_sends import service as tests_sent
from services.test_sends.contracts import TriedOut, TryOut
from services.test_sends.rules import PER_PERSON, address_of, masked
from services.test_sends.service import TooManyTests
from tests.factories.hub import HubWorld, Recorder, hub_world
from tests.factories.journeys import email, journey, person
from tests.factories.practice import make_contact

pytestmark = pytest.mark.covers("CNT-5")


@pytest.fixture
def out() -> Recorder:
    return Recorder()


@pytest.fixture
async def world(app, practice, database_url, servers, out):
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), out)
    async with hub_world(app, practice, database_url, servers.redis_url, adapters=adapters) as made:
        yield made


def draft() -> Journey:
    value = journey().model_dump(mode="json")
    welsh = {"email": {"subject": "Helo {{ contact.first_name }}", "body": email()["email"]["body"]}}
    value["steps"][1]["variants"][0]["translations"] = {"cy": welsh}
    value["steps"][1]["channels"] = ["email", "sms"]
    return Journey.model_validate(value)


async def test_it_arrives_marked_and_changes_nothing(
    app: App, practice: UUID, world: HubWorld, out: Recorder
):
    author = person(practice)
    async with app.uow(author) as u:
        row = await campaigns.create(u, name="Recall", journey=draft())
        before = await campaigns.get(u, row.campaign_id)

    async def send(**more: object) -> list[TriedOut]:
        wanted = TryOut.model_validate(
            {"step_id": "hello", "channel": "email", "addresses": ["Maya@Practice.example"], **more}
        )
        return await tests_sent.send(app, author, row.campaign_id, wanted, hub=world.client())

    (sent,) = await send()
    (_welsh,) = await send(language="cy")
    assert (sent.state, sent.sent_to, sent.language) == ("accepted", "Ma…@practice.example", "")
    app.clock.advance(hours=11)  # ten in the evening: quiet hours are for patients
    await world.send()
    assert [(m.to, m.subject, m.language) for m in out.taken] == [
        ("Maya@practice.example", "[Test] Hello", ""), ("Maya@practice.example", "[Test] Helo Amelia", "cy"),
    ]  # fmt: skip
    while await world.hub.relay.run_once(practice):
        pass
    intake = Intake(app.uow, app.bus, "tests")
    await intake.prepare()
    await intake.drain()
    async with app.uow(author) as u:
        assert [t.state for t in await tests_sent.tests(u, row.campaign_id)] == ["delivered", "delivered"]
        assert await campaigns.get(u, row.campaign_id) == before
        for table in ("dispatch", "enrolment", "metric", "message_event", "work"):
            assert (await u.execute(f"SELECT count(*) FROM cm.{table}")).scalar_one() == 0, table
        kept = await u.execute("SELECT to_jsonb(t)::text FROM cm.test_send t")
        assert not any("Maya@" in text for text in kept.scalars()), "the address is not kept"
        tags = (await u.execute("SELECT tag FROM cm.audit")).scalars().all()
        assert tags.count("campaign.test_sent") == 2


async def test_what_cannot_be_sent_is_refused_in_words(
    app: App, practice: UUID, world: HubWorld, database_url: str, out: Recorder
):
    author = person(practice)
    patient = make_contact(database_url, practice, app.clock.now())
    async with app.uow(author) as u:
        row = await campaigns.create(u, name="Recall", journey=draft())

        async def refusal(kind: type[Exception], **more: object) -> str:
            wanted = TryOut.model_validate(
                {"step_id": "hello", "channel": "email", "addresses": ["a@practice.example"], **more}
            )
            with pytest.raises(kind) as refused:
                await tests_sent.ask(u, row.campaign_id, wanted)
            return str(refused.value)

        assert "no words" in await refusal(Invalid, channel="sms", addresses=["07700 900123"])
        assert "no words" in await refusal(Invalid, language="pl")
        assert "not an email" in await refusal(Invalid, addresses=["nobody"])
        assert "own addresses" in await refusal(Invalid, addresses=[f"{patient.hex.upper()}@example.com"])
        assert "no such message" in await refusal(NotFound, step_id="start")
        assert "no such wording" in await refusal(NotFound, variant="z")
        wanted = TryOut(
            step_id="hello", channel="email", addresses=[f"{n}@practice.example" for n in range(5)]
        )
        for _ in range(PER_PERSON // 5):
            await tests_sent.ask(u, row.campaign_id, wanted)
        assert "within an hour" in await refusal(TooManyTests)
    async with app.uow(person(practice, "read", "approve")) as u:
        with pytest.raises(Forbidden):
            await tests_sent.ask(u, row.campaign_id, wanted)
    app.clock.advance(hours=2)
    one = wanted.model_copy(update={"addresses": ["a@practice.example"]})
    away = httpx.AsyncClient(transport=httpx.MockTransport(_away), base_url="http://hub")
    (lost,) = await tests_sent.send(app, author, row.campaign_id, one, hub=away)
    assert (lost.state, lost.reason) == ("failed", "The Communication Hub could not be reached.")
    assert out.taken == []


def _away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("away", request=request)


def test_addresses_are_understood_and_masked():
    assert address_of("sms", "07700 900123", "GB") == ("+447700900123", "")
    assert address_of("sms", "12", "GB")[1]
    assert masked("+447700900123") == "…0123"
    assert masked("maya@practice.example") == "ma…@practice.example"
