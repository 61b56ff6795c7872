"""From request to report: taken once, asked again at the last moment, sent once."""

from datetime import timedelta

import pytest

from services.contracts.events import HubMessageEvent
from services.kit.bus import DEAD
from services.kit.ids import new_id
from services.neighbours.hub.contracts import Later, Never, Unknown
from services.neighbours.hub.sending import LEASE
from tests.factories.hub import Recorder, hub_world
from tests.factories.practice import make_contact, run


@pytest.fixture
def out() -> Recorder:
    return Recorder()


@pytest.fixture
async def world(app, practice, database_url, servers, out):
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), out)
    async with hub_world(app, practice, database_url, servers.redis_url, adapters=adapters) as made:
        yield made


@pytest.fixture
def contact(database_url, practice, app):
    return make_contact(database_url, practice, app.clock.now())


@pytest.mark.covers("HUB-1", "EVT-2")
async def test_a_request_delivered_ten_times_is_one_message(world, out, contact):
    request = world.request(contact)
    await world.hear(world.words(), *[request] * 10)
    again = request.model_copy(update={"id": str(new_id())})  # the same key in an event of its own
    await world.hear(again)
    await world.send()
    assert [m.text.splitlines()[0] for m in out.taken] == ["Dear Ada,"]
    reports = await world.reports()
    assert [status for status, _ in reports] == ["accepted", "accepted", "sent", "delivered"]
    for _, data in reports:
        assert HubMessageEvent.model_validate(data).dispatch_id == out.taken[0].dispatch_id


@pytest.mark.covers("EVT-5", "HUB-1")
async def test_who_asks_again_hears_what_became_of_it(world, out, contact, practice):
    """An answer may be lost with the bus that carried it; asking again is how it is found out."""
    sent, refused = world.request(contact), world.request(new_id())
    await world.hear(world.words(), sent, refused)
    await world.send()
    await world.reports()
    await world.app.bus.redis.flushall()  # every answer is lost, and the groups with them
    await world.hear(*(e.model_copy(update={"id": str(new_id())}) for e in (sent, refused)))
    await world.send()
    assert await world.statuses() == ["sent", "delivered", "failed"]
    assert len(out.taken) == 1, "asking again sends nothing again"


@pytest.mark.covers("HUB-1")
async def test_cancelled_before_it_went_it_never_goes(world, out, contact):
    early, late = new_id(), new_id()
    cancel = {"contact_id": str(contact), "practice_id": str(world.practice), "reason": "booked"}
    cancels = [
        world.event("campaign.step.cancelled", {**cancel, "dispatch_id": str(d)}) for d in (early, late)
    ]
    await world.hear(world.words(), cancels[0], world.request(contact, dispatch_id=early))
    await world.hear(world.request(contact, dispatch_id=late), cancels[1])
    await world.send()
    assert out.taken == []
    assert [(await world.message(d)).state for d in (early, late)] == ["cancelled", "cancelled"]


async def test_other_events_pass_and_malformed_ones_are_kept(world):
    lifecycle = {"campaign_id": str(new_id()), "practice_id": str(world.practice), "actor": "x"}
    bad = world.request(new_id())
    bad.data["channels"] = ["pigeon"]
    nul = world.request(new_id(), topic="a\x00b")
    await world.hear(world.event("campaign.cancelled", lifecycle), bad, nul, world.request(new_id()))
    assert await world.app.bus.redis.xlen(DEAD) == 2
    assert await world.statuses() == ["accepted"]
    pending = await world.app.bus.redis.xpending("cm:events:campaigns", "hub")
    assert pending["pending"] == 0


@pytest.mark.covers("HUB-3", "SUP-3")
class TestAtTheLastMoment:
    async def failures(self, world) -> list[str]:
        return [data["reason"] for status, data in await world.reports() if status == "failed"]

    async def test_no_consent_no_message(self, world, out, app, database_url):
        nobody = make_contact(database_url, world.practice, app.clock.now(), consent=())
        stopped = make_contact(database_url, world.practice, app.clock.now(), do_not_contact=True)
        await world.hear(
            world.words(), world.request(nobody), world.request(stopped), world.request(new_id())
        )
        await world.send()
        assert out.taken == []
        assert sorted(await self.failures(world)) == ["contact_unknown", "do_not_contact", "no_consent"]

    async def test_a_revocation_after_acceptance_wins_and_a_later_grant_lifts_it(
        self, world, out, contact, clock
    ):
        choice = {"contact_id": str(contact), "practice_id": str(world.practice), "channel": "all"}
        await world.hear(world.words(), world.request(contact))
        await world.hear(world.event("consent.revoked", choice))
        await world.send()
        assert (out.taken, await self.failures(world)) == ([], ["closed"])
        clock.advance(minutes=1)
        await world.hear(world.event("consent.granted", choice), world.request(contact))
        await world.send()
        assert len(out.taken) == 1

    async def test_night_waits_for_eight_in_the_recipients_morning(
        self, world, out, app, database_url, clock
    ):
        clock.advance(hours=11)  # 22:00 in London, 14:00 in Los Angeles
        london = make_contact(database_url, world.practice, app.clock.now())
        angeles = make_contact(database_url, world.practice, app.clock.now(), timezone="America/Los_Angeles")
        await world.hear(world.words(), world.request(london), world.request(angeles))
        await world.send()
        assert [m.contact_id for m in out.taken] == [angeles]
        clock.advance(hours=9, minutes=59)
        await world.send()
        assert len(out.taken) == 1
        clock.advance(minutes=1)
        await world.send()
        assert [m.contact_id for m in out.taken] == [angeles, london]

    async def test_caps_hold_inside_one_batch_too(self, world, out, contact, clock):
        caps = {"max_touches": 1, "per_days": 2}
        both = [world.request(contact, caps=caps) for _ in range(2)]
        trial = world.request(contact, caps=caps, test=True)
        await world.hear(world.words(), *both, trial)
        await world.send()
        assert sorted(m.subject for m in out.taken) == ["Hello Ada", "[Test] Hello Ada"]
        clock.advance(days=2, minutes=1)
        await world.send()
        assert len(out.taken) == 3
        assert await self.failures(world) == []

    async def test_channels_fall_back_in_the_order_asked(self, world, out, app, database_url):
        away = make_contact(database_url, world.practice, app.clock.now(), app_user=False)
        await world.hear(world.words(), world.request(away, channels=["in_app", "sms", "email"]))
        await world.send()
        assert [m.channel for m in out.taken] == ["email"]

    async def test_words_that_come_late_are_waited_for(self, world, out, contact, clock):
        await world.hear(world.request(contact))
        await world.send()
        await world.hear(world.words())
        clock.advance(seconds=31)
        await world.send()
        assert len(out.taken) == 1

    async def test_not_before_is_kept(self, world, out, contact, clock):
        at = clock.now() + timedelta(hours=2)
        await world.hear(world.words(), world.request(contact, not_before=at.isoformat()))
        await world.send()
        assert out.taken == []
        clock.advance(hours=2)
        await world.send()
        assert len(out.taken) == 1


@pytest.mark.covers("HUB-3")
async def test_a_used_up_allowance_queues_and_frees_up(world, out, contact, clock):
    out.metered = True
    object.__setattr__(world.hub, "settings", world.hub.settings.model_copy(update={"hub_hourly": 2}))
    await world.hear(world.words(), *[world.request(contact) for _ in range(3)])
    await world.send()
    assert len(out.taken) == 2
    clock.advance(minutes=59)
    await world.send()
    assert len(out.taken) == 2
    clock.advance(minutes=2)
    await world.send()
    assert len(out.taken) == 3


@pytest.mark.covers("HUB-4")
class TestWhatTransportsDo:
    async def test_a_passing_failure_is_tried_again_then_given_up(self, world, out, contact, clock):
        out.answers = [Later("451 busy")] * 6
        await world.hear(world.words(), world.request(contact))
        await world.send()
        assert await world.statuses() == ["accepted"]
        for minutes in (1, 5, 15, 60, 240):
            clock.advance(minutes=minutes - 0.5)
            await world.send()
            before = len(out.taken)
            clock.advance(minutes=0.5)
            await world.send()
            assert len(out.taken) == before + 1
        assert await world.statuses() == ["accepted", "failed"]

    async def test_a_hard_bounce_closes_the_address(self, world, out, contact):
        out.answers = [Never("550 no such user", address_dead=True)]
        await world.hear(world.words(), world.request(contact))
        await world.send()
        await world.hear(world.request(contact))
        await world.send()
        reports = await world.reports()
        assert [s for s, _ in reports] == ["accepted", "bounced", "accepted", "failed"]
        assert reports[1][1]["permanent"] is True
        assert reports[3][1]["reason"] == "closed"

    async def test_an_unknown_end_is_never_repeated(self, world, out, contact):
        out.answers = [Unknown("cut off")]
        await world.hear(world.words(), world.request(contact))
        await world.send()
        assert await world.statuses() == ["accepted", "failed"]
        assert len(out.taken) == 1

    @pytest.mark.parametrize(
        ("idempotent", "begun", "repeated"), [(True, True, True), (False, True, False), (False, False, True)]
    )
    async def test_a_crash_in_the_hand_off_repeats_only_what_is_safe(
        self, world, out, contact, clock, idempotent, begun, repeated, monkeypatch
    ):
        class Crash(BaseException):
            pass

        async def crash(batch, begin):
            if begun:
                await begin(batch[0])
            raise Crash

        out.idempotent = idempotent
        await world.hear(world.words(), world.request(contact))
        with monkeypatch.context() as patch:
            patch.setattr(out, "hand_over", crash)
            with pytest.raises(Crash):
                await world.send()
        await world.sender.recover_once(world.practice)
        await world.send()
        assert out.taken == []  # within the lease it may still be in hand
        clock.advance(seconds=LEASE.total_seconds() + 1)
        await world.sender.recover_once(world.practice)
        await world.send()
        assert len(out.taken) == repeated
        ends = ["sent", "delivered"] if repeated else ["failed"]
        assert await world.statuses() == ["accepted", *ends]


async def test_what_another_reader_left_is_taken_over(world, out, contact):
    await world.app.bus.publish("campaigns", [world.words(), world.request(contact)])
    dead = type(world.intake)(world.hub, "dead")
    await dead.consumer.read(block_ms=0)
    assert await world.intake.run_once() == 0
    assert await world.intake.reclaim_once(stale_ms=0) == 2
    await world.send()
    assert len(out.taken) == 1


async def test_messages_of_another_practice_stay_apart(world, out, app, contact, database_url):
    other = new_id()
    stray = world.request(contact).model_copy(update={"practiceid": other})
    await world.hear(world.words(), stray)
    await world.send()
    assert out.taken == []
    assert await app.bus.redis.xlen(DEAD) == 1


async def test_names_from_a_list_cannot_write_links_or_headers(world, out, app, database_url):
    sly = make_contact(
        database_url,
        world.practice,
        app.clock.now(),
        first_name="[Win](https://evil.example) <b>\r\nBcc: x@y.example",
    )
    await world.hear(world.words(), world.request(sly))
    await world.send()
    (message,) = out.taken
    assert "\n" not in message.subject
    assert message.links == ("https://practice.example/book?a=1&b=2",)
    assert 'href="https://evil' not in message.html
    assert "<b>" not in message.html


async def test_one_practices_words_and_person_make_one_email(world, out, contact, database_url):
    run(database_url, "UPDATE canonical.practice SET phone = '0117 496 0123'", {})
    await world.hear(world.words(), world.request(contact))
    await world.send()
    (mail,) = out.taken
    assert mail.sender == "Harbour Dental"
    assert "1 Harbour Street" in mail.html
    assert "1 Harbour Street" in mail.text
    assert mail.html.count(mail.unsubscribe_url) == 1
    assert mail.text.count(mail.unsubscribe_url) == 1
    assert 'href="https://practice.example' not in mail.html
