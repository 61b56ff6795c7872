"""One contract for every way out, the console's files, the demo's outbox and its readers."""

from collections import Counter
from email import message_from_bytes
from email.policy import default
from uuid import UUID

import httpx
import pytest
from aiosmtpd.handlers import Sink

from services.kit.ids import new_id
from services.neighbours.hub.adapters.console import ConsoleAdapter, NullAdapter
from services.neighbours.hub.adapters.gateway import GatewayAdapter
from services.neighbours.hub.adapters.in_app import InAppAdapter
from services.neighbours.hub.adapters.smtp import SmtpAdapter
from services.neighbours.hub.contracts import Adapter, Later, Never, Outgoing, Sent
from services.neighbours.hub.engagement import simulate_once
from services.neighbours.hub.rules import simulated
from services.neighbours.hub.web import outbox_url
from tests.factories.hub import hub_world, mail_server
from tests.factories.practice import make_contact


def outgoing(practice, channel="email", **over) -> Outgoing:
    values = {
        "dispatch_id": new_id(),
        "practice_id": practice,
        "contact_id": new_id(),
        "channel": channel,
        "to": "ada@example.com" if channel == "email" else "+447700900123",
        "sender": "Harbour Dental",
        "subject": "Grüße",
        "text": "Hello – ✓",
        "html": "<p>Hello – ✓</p>" if channel == "email" else "",
        "unsubscribe_url": "https://hub.example/u/x" if channel == "email" else "",
    }
    return Outgoing(**{**values, **over})


def gateway(answer: int, seen: list | None = None) -> GatewayAdapter:
    def respond(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return httpx.Response(answer, json={"id": "p-1"})

    return GatewayAdapter("https://gateway.example/send", "secret", transport=httpx.MockTransport(respond))


@pytest.fixture
async def sink():
    async with mail_server(Sink()) as port:
        yield port


@pytest.fixture
async def world(app, practice, database_url, servers, tmp_path):
    async with hub_world(
        app, practice, database_url, servers.redis_url, home=tmp_path, demo_engagement=True
    ) as made:
        yield made


@pytest.fixture(params=["console", "null", "in_app", "gateway", "smtp"])
def adapter(request, world, tmp_path, sink) -> Adapter:
    return {
        "console": lambda: ConsoleAdapter(tmp_path / "hub", "hello@practice.example"),
        "null": NullAdapter,
        "in_app": lambda: InAppAdapter(world.hub.uow),
        "gateway": lambda: gateway(202),
        "smtp": lambda: SmtpAdapter(f"smtp://127.0.0.1:{sink}", "hello@practice.example"),
    }[request.param]()


@pytest.mark.covers("HUB-2")
class TestEveryAdapter:
    async def test_answers_for_each_message_in_order(self, adapter, practice):
        batch = [outgoing(practice, "email") for _ in range(9)]
        outcomes = await adapter.hand_over(batch)
        assert len(outcomes) == 9
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        assert await adapter.hand_over([]) == []
        assert adapter.name
        assert {type(adapter.idempotent), type(adapter.metered), type(adapter.simulated)} == {bool}

    async def test_an_idempotent_one_takes_a_repetition(self, adapter, practice, world):
        message = outgoing(practice, "email")
        if adapter.idempotent:
            assert await adapter.hand_over([message]) == await adapter.hand_over([message])
        async with world.hub.unit(practice) as u:
            assert (await u.execute("SELECT count(*) FROM hub.in_app_message")).scalar() <= 1

    async def test_one_bad_address_harms_no_other(self, adapter, practice):
        batch = [outgoing(practice, to="not an address"), outgoing(practice)]
        first, second = await adapter.hand_over(batch)
        assert isinstance(first, Sent | Never)
        assert isinstance(second, Sent)


@pytest.mark.covers("HUB-2", "HUB-4")
@pytest.mark.parametrize(
    ("answer", "kind"),
    [(200, Sent), (202, Sent), (429, Later), (503, Later), (401, Later), (400, Never), (422, Never)],
)
async def test_what_a_gateway_answers(practice, answer, kind):
    seen: list[httpx.Request] = []
    message = outgoing(practice, "sms")
    (outcome,) = await gateway(answer, seen).hand_over([message])
    assert isinstance(outcome, kind)
    assert seen[0].headers["Idempotency-Key"] == str(message.dispatch_id)
    assert seen[0].headers["Authorization"] == "Bearer secret"


async def test_an_unreachable_gateway_waits(practice):
    def fail(request):
        raise httpx.ConnectError("down")

    adapter = GatewayAdapter("https://gateway.example", "", transport=httpx.MockTransport(fail))
    assert isinstance((await adapter.hand_over([outgoing(practice, "sms")]))[0], Later)


@pytest.mark.covers("HUB-1")
async def test_a_gateways_receipt_settles_a_message(world, database_url, practice, app):
    contact = make_contact(database_url, practice, app.clock.now(), consent=("sms",), phone="+447700900123")
    world.hub.adapters["sms"] = gateway(202)
    await world.hear(world.words(), world.request(contact, channels=["sms"]))
    await world.send()
    _, sent = await world.reports()
    assert sent[0] == "sent"
    body = {"practice_id": str(practice), "id": sent[1]["dispatch_id"], "status": "delivered"}
    async with world.client() as client:
        assert (await client.post("/inbound/receipt", json=body)).json() == {"news": True}
        assert (await client.post("/inbound/receipt", json=body)).json() == {"news": False}
    assert await world.statuses() == ["accepted", "sent", "delivered"]


async def test_the_console_writes_files_that_the_outbox_shows(world, database_url, practice, app, tmp_path):
    contact = make_contact(
        database_url, practice, app.clock.now(), consent=("email", "sms"), phone="+447700900123"
    )
    await world.hear(
        world.words(),
        world.request(contact),
        world.request(contact, channels=["sms"]),
        world.request(new_id()),
    )
    await world.send()
    files = {path.suffix: path for path in (tmp_path / "hub" / str(practice)).iterdir()}
    assert set(files) == {".eml", ".txt"}
    assert files[".eml"].stat().st_mode & 0o777 == 0o600
    mail = message_from_bytes(files[".eml"].read_bytes(), policy=default)
    url = outbox_url(world.hub.settings, world.hub.keyring, practice)
    async with world.client() as client:
        assert (await client.get(url.split("?")[0])).status_code == 404
        page = (await client.get(url)).text
        assert "Ada Byron" in page
        assert "the contact is not known" in page
        one = url.replace("?", f"/{files['.eml'].stem}?")
        assert str(mail["Subject"]) in (await client.get(one)).text
        body = await client.get(one.replace("?", "/body?"))
        assert "Dear Ada," in body.text
        assert body.headers["content-security-policy"].startswith("sandbox;")
        text = await client.get(url.replace("?", f"/{files['.txt'].stem}?"))
        assert "reply STOP" in text.text
    object.__setattr__(
        world.hub, "settings", world.hub.settings.model_copy(update={"environment": "production"})
    )
    async with world.client() as client:
        assert (await client.get(url)).status_code == 404


async def test_a_demos_readers_open_and_click_by_themselves(world, database_url, practice, app, clock):
    contact = make_contact(database_url, practice, app.clock.now())
    requests = [world.request(contact) for _ in range(60)]
    key = world.hub.keyring.derive("hub.engagement")
    will = Counter(
        what for r in requests for what in simulated(key, UUID(r.data["dispatch_id"]), "email", links=1)
    )
    assert 0 < will["clicked"] < will["opened"] < 60
    await world.hear(world.words(), *requests)
    await world.send()
    assert await simulate_once(world.hub, practice) == 0
    clock.advance(seconds=70)
    happened = await simulate_once(world.hub, practice)
    statuses = await world.statuses()
    assert happened == will.total()
    assert {what: statuses.count(what) for what in will} == will
    assert await simulate_once(world.hub, practice) == 0
