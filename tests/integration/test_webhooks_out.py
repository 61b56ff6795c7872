"""Campaign events reach the endpoints that asked for them: signed, at least once, and nobody else's network."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from cm_app.api.factory import api
from services.access import service as access
from services.kit.errors import Conflict, Forbidden, Invalid
from services.kit.ids import new_id
from services.suppression.service import resume_marketing, stop_marketing
from services.webhooks import service as webhooks
from services.webhooks.contracts import EVENT_TYPES, Delivery, Endpoint, EndpointWithSecret
from services.webhooks.jobs import Deliverer, FanOut, forget_old
from services.webhooks.rules import OVERTAKE_AFTER, SCHEDULE
from services.webhooks.sending import Sender
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact, make_practice
from tests.factories.receiver import Receiver, receiver
from tests.factories.world import World

pytestmark = pytest.mark.covers("EVT-6")
APPLIED, LIFTED = "campaign.suppression.applied", "campaign.suppression.lifted"


class Hooks:
    """One practice's outbound webhooks, driven by hand."""

    def __init__(self, world: World, sender: Sender) -> None:
        self.world = world
        self.admin = staff(world.practice_id, "administer", "suppress")
        self.fan_out = FanOut(world.app.uow, world.app.bus, "test")
        self.deliverer = Deliverer(world.app.uow, world.app.bus, sender)

    async def add(self, url: str, *types: str) -> EndpointWithSecret:
        async with self.world.app.uow(self.admin) as u:
            return await webhooks.add(
                u, label="Warehouse", url=url, event_types=types or EVENT_TYPES, private=True
            )

    async def stop(self, contact: UUID) -> None:
        async with self.world.app.uow(self.admin) as u:
            await stop_marketing(u, contact, note="asked")

    async def resume(self, contact: UUID) -> None:
        async with self.world.app.uow(self.admin) as u:
            await resume_marketing(u, contact, note="asked")

    async def queue(self) -> None:
        """Relay what was emitted and queue it for the endpoints."""
        while await self.world.app.relay.run_once(self.world.practice_id):
            pass
        while await self.fan_out.run_once():
            pass

    async def run(self) -> int:
        await self.queue()
        return await self.deliverer.run_once()

    async def test(self, made: EndpointWithSecret) -> UUID:
        async with self.world.app.uow(self.admin) as u:
            return await webhooks.send_test(u, made.endpoint.endpoint_id)

    async def log(self, made: EndpointWithSecret, **more: Any) -> list[Delivery]:
        async with self.world.app.uow(self.admin) as u:
            return await webhooks.deliveries(u, made.endpoint.endpoint_id, **more)

    async def look(self, made: EndpointWithSecret) -> Endpoint:
        async with self.world.app.uow(self.admin) as u:
            return await webhooks.endpoint(u, made.endpoint.endpoint_id)


@pytest.fixture
async def hooks(world: World) -> AsyncIterator[Hooks]:
    made = Hooks(world, Sender(private=True))
    await made.fan_out.prepare()
    yield made
    await made.deliverer.close()


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def contact(world: World, database_url: str) -> UUID:
    return make_contact(database_url, world.practice_id, world.clock.now())


def checked(server: Receiver, secret: str, n: int = -1) -> Any:
    """The event of a request, once the published library is content with its signature."""
    headers, body = server.requests[n]
    return Webhook(secret).verify(body, headers)


async def test_what_was_asked_for_arrives_signed_in_order_and_once(hooks: Hooks, server: Receiver, contact):
    await hooks.stop(contact)  # before anybody asked
    hooks.world.clock.advance(seconds=1)
    made = await hooks.add(server.url, APPLIED, LIFTED)
    await hooks.resume(contact)
    await hooks.stop(contact)
    await hooks.resume(contact)
    assert await hooks.run() == 3
    assert [event["type"] for event in server.events] == [LIFTED, APPLIED, LIFTED]
    event = checked(server, made.secret)
    assert (event["subject"], event["data"]["reason"]) == (str(contact), "MANUAL_SUPPRESSION")
    assert event["id"] == server.ids[-1]
    assert server.requests[-1][0]["content-type"] == "application/cloudevents+json"
    newest = (await hooks.log(made))[0]
    assert (newest.status, newest.attempts, newest.code, str(newest.event_id)) == (
        "delivered", 1, 204, server.ids[-1],
    )  # fmt: skip
    # The bus brings everything again: nothing is sent twice.
    await hooks.world.app.bus.redis.xgroup_setid("cm:events:campaigns", "webhooks", "0")
    assert await hooks.run() == 0
    page = await hooks.log(made, limit=2)
    assert len(await hooks.log(made, before=page[-1].event_id)) == 1


async def test_a_crash_between_sending_and_recording_sends_again_with_the_same_id(
    hooks: Hooks, server: Receiver, contact, monkeypatch
):
    made = await hooks.add(server.url, APPLIED)
    await hooks.stop(contact)
    with monkeypatch.context() as patched:

        async def crash(*_: Any) -> bool:
            raise ConnectionError("killed")

        patched.setattr(Deliverer, "_record", crash)
        with pytest.raises(ConnectionError):
            await hooks.run()
    assert len(server.ids) == 1
    again = Deliverer(hooks.world.app.uow, hooks.world.app.bus, hooks.deliverer.sender)
    assert await again.run_once() == 0  # leased
    hooks.world.clock.advance(minutes=1)
    assert await again.run_once() == 1
    assert server.ids == [server.ids[0]] * 2
    assert [d.status for d in await hooks.log(made)] == ["delivered"]


async def test_failures_are_retried_on_schedule_for_a_day_then_parked_until_somebody_asks(
    hooks: Hooks, server: Receiver, contact
):
    server.code = 503
    made = await hooks.add(server.url, APPLIED)
    await hooks.stop(contact)
    began = hooks.world.clock.now()
    assert await hooks.run() == 1
    for n, wait in enumerate(SCHEDULE):
        hooks.world.clock.advance(seconds=wait.total_seconds() * 0.9)
        assert await hooks.run() == 0, f"attempt {n + 2} came early"
        hooks.world.clock.advance(seconds=wait.total_seconds() * 0.2)
        assert await hooks.run() == 1
    assert timedelta(hours=20) < hooks.world.clock.now() - began < timedelta(hours=30)
    (parked,) = await hooks.log(made, status="failed")
    assert (parked.attempts, parked.code, parked.problem) == (11, 503, "It answered with 503.")
    assert len(set(server.ids)) == 1
    server.code = 200
    hooks.world.clock.advance(hours=9)
    assert await hooks.run() == 0
    async with hooks.world.app.uow(hooks.admin) as u:
        assert await webhooks.retry(u, made.endpoint.endpoint_id) == 1
    assert await hooks.run() == 1
    assert (await hooks.look(made)).failing_since is None
    assert len(set(server.ids)) == 1


async def test_later_events_of_a_contact_wait_behind_a_failing_one_but_not_for_ever(
    hooks: Hooks, server: Receiver, contact
):
    server.answers = [500] * OVERTAKE_AFTER
    await hooks.add(server.url, APPLIED, LIFTED)
    await hooks.stop(contact)
    await hooks.resume(contact)
    for wait in (timedelta(), *SCHEDULE[: OVERTAKE_AFTER - 1]):
        hooks.world.clock.advance(seconds=wait.total_seconds() * 1.1)
        assert await hooks.run() == 1
    assert {e["type"] for e in server.events} == {APPLIED}
    hooks.world.clock.advance(minutes=6)
    await hooks.run()
    assert server.events[-1]["type"] == LIFTED


async def test_both_secrets_sign_for_a_day_after_a_rotation(hooks: Hooks, server: Receiver):
    first = await hooks.add(server.url)
    async with hooks.world.app.uow(hooks.admin) as u:
        second = await webhooks.rotate(u, first.endpoint.endpoint_id)
    assert first.secret != second.secret
    assert second.endpoint.old_secret_until is not None
    sent = await hooks.test(first)
    await hooks.run()
    for secret in (first.secret, second.secret):
        assert checked(server, secret)["id"] == str(sent)
    hooks.world.clock.advance(hours=24, seconds=1)
    await hooks.test(first)
    await hooks.run()
    assert checked(server, second.secret)["type"] == "webhook.test"
    assert len(server.requests[-1][0]["webhook-signature"].split()) == 1
    stored = await hooks.world.one("SELECT secret FROM cm.webhook_endpoint WHERE practice_id = :practice")
    assert second.secret.encode() not in bytes(stored)


async def test_a_slow_endpoint_delays_nobody_else(hooks: Hooks, server: Receiver, contact):
    with receiver(hold=Event()) as slow:
        await hooks.add(slow.url, APPLIED)
        quick = await hooks.add(server.url, APPLIED)
        await hooks.stop(contact)
        await hooks.queue()
        assert await hooks.deliverer.start_due() == 2
        busy = hooks.deliverer._busy
        assert await busy[quick.endpoint.endpoint_id] == 1
        assert len(server.ids) == 1
        assert await hooks.deliverer.start_due() == 0  # the slow one is still at it
        assert slow.hold is not None
        slow.hold.set()
        await hooks.deliverer.run_once()
        assert slow.ids == server.ids


async def test_an_endpoint_that_wants_no_more_or_fails_for_days_is_stopped_with_a_notice(
    hooks: Hooks, server: Receiver
):
    gone = await hooks.add(server.url)
    server.code = 410
    await hooks.test(gone)
    await hooks.run()
    found = await hooks.look(gone)
    assert (found.state, found.stopped_why) == ("stopped", "It answered 410: it wants no more events.")
    with pytest.raises(Conflict):
        await hooks.test(gone)
    async with hooks.world.app.uow(hooks.admin) as u:
        await webhooks.change(u, gone.endpoint.endpoint_id, on=True, private=True)
    server.code = 500
    await hooks.test(gone)
    await hooks.run()
    hooks.world.clock.advance(days=2)
    await hooks.run()
    assert (await hooks.look(gone)).state == "on"
    hooks.world.clock.advance(days=1, seconds=1)
    await hooks.run()
    assert (await hooks.look(gone)).state == "stopped"
    assert {d.status for d in await hooks.log(gone)} == {"failed"}
    stops = "SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'webhook.stopped'"
    assert await hooks.world.one(stops) == 2
    hooks.world.clock.advance(days=31)
    async with hooks.world.app.uow(hooks.admin) as u:
        assert await forget_old(u) == 2


async def test_a_failing_endpoint_gets_one_request_at_a_time_until_it_is_back(
    hooks: Hooks, server: Receiver, database_url: str
):
    await hooks.add(server.url, APPLIED)
    server.answers = [500] * 6
    for _ in range(6):
        await hooks.stop(make_contact(database_url, hooks.world.practice_id, hooks.world.clock.now()))
    assert await hooks.run() == 6
    hooks.world.clock.advance(seconds=10)
    server.answers = [500]
    assert await hooks.run() == 1
    hooks.world.clock.advance(minutes=1)
    assert await hooks.run() == 6
    assert len(set(server.ids)) == 6


async def test_redirects_are_not_followed_and_long_answers_are_cut_off(hooks: Hooks, server: Receiver):
    with receiver() as elsewhere:
        server.code, server.location, server.body = 302, elsewhere.url, b"x" * 1_000_000
        made = await hooks.add(server.url)
        await hooks.test(made)
        await hooks.run()
        assert elsewhere.requests == []
    (tried,) = await hooks.log(made)
    assert (tried.status, tried.code) == ("waiting", 302)
    assert "redirect" in tried.problem


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"])
async def test_nothing_is_sent_into_a_private_network(hooks: Hooks, server: Receiver, host: str):
    """Also when the address was added while it was allowed, and whatever it is called."""
    made = await hooks.add(server.url.replace("127.0.0.1", host))
    await hooks.test(made)
    strict = Sender(private=False)
    try:
        await Deliverer(hooks.world.app.uow, hooks.world.app.bus, strict).run_once()
    finally:
        await strict.close()
    (tried,) = await hooks.log(made)
    assert server.requests == []
    assert (tried.code, tried.problem) == (
        None, "The address leads to a private network, where webhooks do not go.",
    )  # fmt: skip


async def test_a_server_that_is_not_there_or_never_answers_is_an_outcome(hooks: Hooks):
    with receiver() as running:
        made = await hooks.add(running.url)
    await hooks.test(made)
    await hooks.run()
    assert (await hooks.log(made))[0].problem == "The server could not be reached."
    hasty = Sender(private=True, timeout=0.2)
    try:
        with receiver(hold=Event()) as silent:
            late = await hooks.add(silent.url)
            await hooks.test(late)
            await Deliverer(hooks.world.app.uow, hooks.world.app.bus, hasty).run_once()
            assert (await hooks.log(late))[0].problem == "No answer within 0.2 seconds."
    finally:
        await hasty.close()


async def test_only_administrators_of_the_practice_see_and_change_endpoints(
    hooks: Hooks, server: Receiver, database_url: str
):
    made = await hooks.add(server.url)
    uow, practice = hooks.world.app.uow, hooks.world.practice_id
    async with uow(staff(practice, "read", "manage")) as u:
        with pytest.raises(Forbidden):
            await webhooks.endpoints(u)
    other = make_practice(database_url, hooks.world.clock.now(), name="Another")
    async with uow(staff(other, "administer")) as u:
        assert await webhooks.endpoints(u) == []
        assert await webhooks.deliveries(u, made.endpoint.endpoint_id) == []
    async with uow(hooks.admin) as u:
        with pytest.raises(Invalid, match=r"https://.*Nobody sends pipeline\.lead\.cold"):
            await webhooks.add(
                u, label="x", url="http://example.com", event_types=["pipeline.lead.cold"], private=False
            )


async def test_integrators_manage_endpoints_over_the_api(world: World, server: Receiver):
    cast = {p.role: p for p in await access.ensure_demo_people(world.app, world.practice_id)}
    transport = httpx.ASGITransport(api(world.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
        ada = {"login": cast["administrator"].login, "password": cast["administrator"].password}
        assert (await client.post("/api/session", json=ada)).status_code == 200
        types = (await client.get("/api/v1/webhooks/event-types?limit=200")).json()["rows"]
        assert "campaign.step.requested" in types
        assert "campaign.content.published" not in types
        new = {"label": "CRM", "url": "https://hooks.example.com/cm", "event_types": types[:2]}
        refused = await client.post("/api/v1/webhooks", json={**new, "url": "https://127.0.0.1/"})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/url")
        made = (await client.post("/api/v1/webhooks", json=new)).json()
        assert made["secret"].startswith("whsec_")
        path = f"/api/v1/webhooks/{made['endpoint']['endpoint_id']}"
        assert "secret" not in (await client.get(path)).json()
        assert (await client.post(path + "/secret")).json()["secret"] != made["secret"]
        sent = (await client.post(path + "/test")).json()["event_id"]
        (waiting,) = (await client.get(path + "/deliveries?status=waiting")).json()["rows"]
        assert (waiting["event_id"], waiting["type"]) == (sent, "webhook.test")
        off = (
            await client.patch(path, json={"on": False, "label": "CRM 2"}, headers={"if-match": "*"})
        ).json()
        assert (off["state"], off["label"]) == ("off", "CRM 2")
        assert (await client.post(path + "/retry")).status_code == 409
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).status_code == 404
        assert (await client.get(f"/api/v1/webhooks/{new_id()}/deliveries")).status_code == 404
