"""A Communication Hub on the test's database, bus and clock, and what a test asks of it."""

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import orjson
from aiosmtpd.smtp import SMTP

from services.bootstrap import App, bootstrap
from services.contracts.envelope import Envelope, envelope
from services.kit.bus import STREAM
from services.kit.ids import new_id
from services.neighbours.hub.contracts import Outcome, Outgoing, Sent, unmarked
from services.neighbours.hub.handlers import Intake
from services.neighbours.hub.sending import Sender
from services.neighbours.hub.service import Hub
from services.neighbours.hub.web import web_app
from services.neighbours.hub.wiring import build
from tests.factories.ids import fixed_id

WORDS = {
    "email": {
        "subject": "Hello {{ contact.first_name }}",
        "body": "Dear {{ contact.first_name }},\n\nBook at https://practice.example/book?a=1&b=2 today.",
        "preheader": "",
    },
    "sms": {"subject": "", "body": "Hello {{ contact.first_name }}, reply STOP to opt out.", "preheader": ""},
    "in_app": {"subject": "Hello", "body": "Hello {{ contact.first_name }}", "preheader": ""},
}


class Recorder:
    """Keeps what it is given, answers what it is told to, in order; afterwards `Sent`."""

    name, simulated = "recorder", False

    def __init__(self, *answers: Outcome, idempotent: bool = True, metered: bool = False) -> None:
        self.answers, self.taken = list(answers), list[Outgoing]()
        self.idempotent, self.metered = idempotent, metered

    async def hand_over(self, batch, begin=unmarked):
        for message in batch:
            await begin(message)
        self.taken += batch
        return [self.answers.pop(0) if self.answers else Sent() for _ in batch]


@dataclass
class HubWorld:
    app: App
    hub: Hub
    intake: Intake
    sender: Sender
    practice: UUID

    def request(self, contact: UUID, **over: Any) -> Envelope:
        """A step request as the engine emits it. Its words are `words()`."""
        dispatch = over.pop("dispatch_id", None) or fixed_id()
        return self.event(
            "campaign.step.requested",
            {
                "dispatch_id": str(dispatch),
                "idempotency_key": over.pop("idempotency_key", str(dispatch)),
                "practice_id": str(self.practice),
                "campaign_id": str(new_id()),
                "version_id": str(new_id()),
                "step_id": "hello",
                "contact_id": str(contact),
                "channels": ["email"],
                "content_ref": content_ref(WORDS),
                **over,
            },
        )

    def words(self, words: dict[str, Any] = WORDS) -> Envelope:
        data = {"content_ref": content_ref(words), "practice_id": str(self.practice), "content": words}
        return self.event("campaign.content.published", data)

    def event(self, type: str, data: dict[str, Any]) -> Envelope:
        return envelope(
            id=new_id(),
            source="test",
            type=type,
            time=self.app.clock.now(),
            practice_id=self.practice,
            data=data,
        )

    async def hear(self, *events: Envelope) -> None:
        """Publish on the right streams and let the intake take it."""
        for event in events:
            stream = {"consent": "consent", "contact": "contacts"}.get(event.type.split(".")[0], "campaigns")
            await self.app.bus.publish(stream, [event])
        while await self.intake.run_once():
            pass

    async def send(self) -> None:
        while await self.sender.run_once(self.practice):
            pass

    async def reports(self) -> list[tuple[str, dict[str, Any]]]:
        """Every `hub.message.*` so far: (status, data), in stream order."""
        while await self.hub.relay.run_once(self.practice):
            pass
        entries = await self.app.bus.redis.xrange(STREAM + "hub")
        events = [orjson.loads(fields[b"event"]) for _, fields in entries]
        return [(event["type"].removeprefix("hub.message."), event["data"]) for event in events]

    async def statuses(self) -> list[str]:
        return [status for status, _ in await self.reports()]

    async def message(self, dispatch_id: UUID | str) -> Any:
        async with self.hub.unit(self.practice) as u:
            sql = "SELECT * FROM hub.message WHERE dispatch_id = :id"
            return (await u.execute(sql, id=dispatch_id)).one()

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=web_app(self.hub))
        return httpx.AsyncClient(transport=transport, base_url=self.hub.settings.hub_address())


def content_ref(words: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(words, option=orjson.OPT_SORT_KEYS)).hexdigest()


@asynccontextmanager
async def hub_world(
    app: App, practice: UUID, database_url: str, redis_url: str, *, adapters=None, **settings: Any
):
    """The Hub with its own role; `settings` override, `adapters` replace the configured ones."""
    wired = bootstrap(
        config=app.settings.model_copy(update=settings),
        clock=app.clock,
        database_url=database_url,
        redis_url=redis_url,
        role="cm_hub",
    )
    hub = build(
        settings=wired.settings,
        clock=wired.clock,
        keyring=wired.keyring,
        bus=wired.bus,
        uow=wired.uow,
        relay=wired.relay,
        adapters=adapters,
    )
    intake = Intake(hub, "test")
    await intake.prepare()
    yield HubWorld(app, hub, intake, Sender(hub), practice)
    await wired.close()


@asynccontextmanager
async def mail_server(handler: Any):
    """A real SMTP server on a free port of this machine; yields the port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, hostname="mail.test", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
