"""Real mail to a real server, and what its readers do: open, click, unsubscribe, text back."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from pydantic import SecretStr

from tests.factories.hub import WORDS, content_ref, hub_world, mail_server
from tests.factories.practice import make_contact


class Mailbox:
    """A mail server's memory. `refuse`: recipient → the answer it gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"


@pytest.fixture
async def mailbox():
    box = Mailbox()
    async with mail_server(box) as box.port:
        yield box


@pytest.fixture
async def world(app, practice, database_url, servers, mailbox):
    address = SecretStr(f"smtp://127.0.0.1:{mailbox.port}")
    async with hub_world(
        app, practice, database_url, servers.redis_url, smtp_url=address, gateway_token=SecretStr("gate")
    ) as made:
        yield made


@pytest.fixture
def contact(database_url, practice, app):
    return make_contact(
        database_url,
        practice,
        app.clock.now(),
        consent=("email", "sms"),
        email="ada@example.com",
        phone="+447700900123",
    )


async def send_one(world, contact, **over) -> None:
    await world.hear(world.words(), world.request(contact, **over))
    await world.send()


@pytest.mark.covers("HUB-2", "CNT-8")
async def test_an_email_arrives_as_a_person_should_get_it(world, contact, mailbox):
    await send_one(world, contact, test=True)
    (mail,) = mailbox.mails
    assert mail["From"] == "Harbour Dental <hello@practice.example>"
    assert mail["To"] == "ada@example.com"
    assert mail["Subject"] == "[Test] Hello Ada"
    assert mail["Message-ID"].endswith("@practice.example>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for part in (text, page):
        assert "Dear Ada," in part
        assert "1 Harbour Street, Bristol BS1 5TY" in part
        assert mail["List-Unsubscribe"][1:-1] in part
    assert await world.statuses() == ["accepted", "sent", "delivered"]
    assert all(data["test"] for _, data in await world.reports())


@pytest.mark.covers("HUB-5")
async def test_opening_and_clicking_are_reported(world, contact, mailbox, clock):
    await send_one(world, contact)
    page = mailbox.mails[0].get_body(("html",)).get_content()
    pixel = re.search(r'src="([^"]+/o/[^"]+)"', page)[1]
    link = re.search(r'href="([^"]+/c/[^"]+)"', page)[1]
    async with world.client() as client:
        for _ in range(3):
            answer = await client.get(pixel)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        clock.advance(minutes=1)
        await client.get(pixel)
        answer = await client.get(link)
        assert answer.status_code == 302
        assert answer.headers["location"] == "https://practice.example/book?a=1&b=2"
        assert (await client.get(link[:-1] + "2")).status_code == 404
        for bad in ("/c/guess/1", "/u/guess", "/c/guess/https://evil.example"):
            answer = await client.get(bad)
            assert answer.status_code == 404
            assert "location" not in answer.headers
        assert (await client.get("/o/guess.gif")).status_code == 200
    assert (await world.statuses())[3:] == ["opened", "opened", "clicked"]
    assert (await world.reports())[-1][1]["link"] == "https://practice.example/book?a=1&b=2"


@pytest.mark.covers("HUB-5", "SUP-3")
class TestUnsubscribe:
    async def test_looking_changes_nothing_and_a_choice_of_topic_is_kept(self, world, contact, mailbox):
        await send_one(world, contact, topic="tooth_whitening")
        url = mailbox.mails[0]["List-Unsubscribe"][1:-1]
        async with world.client() as client:
            page = await client.get(url)
            assert page.status_code == 200
            assert "Messages about tooth whitening" in page.text
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert page.headers["referrer-policy"] == "no-referrer"
            assert (await world.statuses())[3:] == []
            for _ in range(2):
                done = await client.post(url, data={"scope": "topic"})
                assert "You are unsubscribed" in done.text
        status, data = (await world.reports())[-1]
        assert (status, data["topic"], data["all_topics"]) == ("unsubscribed", "tooth_whitening", False)
        assert (await world.statuses()).count("unsubscribed") == 1
        await world.hear(
            world.request(contact, topic="tooth_whitening"), world.request(contact, topic="recall")
        )
        await world.send()
        assert len(mailbox.mails) == 2

    async def test_one_click_stops_everything(self, world, contact, mailbox, clock):
        later = (clock.now() + timedelta(days=5)).isoformat()
        waiting = world.request(contact, channels=["sms"], not_before=later)
        await world.hear(world.words(), waiting, world.request(contact, topic="recall"))
        await world.send()
        url = mailbox.mails[0]["List-Unsubscribe"][1:-1]
        async with world.client() as client:
            answer = await client.post(url, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        await world.send()
        reports = await world.reports()
        assert [s for s, _ in reports][-2:] == ["unsubscribed", "failed"]
        assert reports[-2][1]["all_topics"] is True
        assert reports[-1][1]["reason"] == "closed"
        await world.hear(world.request(contact, channels=["email", "sms", "in_app"]))
        await world.send()
        assert (await world.statuses())[-1] == "failed"


@pytest.mark.covers("HUB-4")
async def test_a_refused_recipient_bounces_and_a_busy_one_waits(
    world, contact, mailbox, database_url, app, clock
):
    busy = make_contact(database_url, world.practice, app.clock.now(), email="busy@example.com")
    policy = make_contact(database_url, world.practice, app.clock.now(), email="policy@example.com")
    mailbox.refuse = {
        "ada@example.com": "550 5.1.1 No such user",
        "busy@example.com": "451 4.2.0 Try later",
        "policy@example.com": "550 5.7.1 Not from you",
    }
    await world.hear(world.words(), *[world.request(c) for c in (contact, busy, policy)])
    await world.send()
    bounced = {d["contact_id"]: d for s, d in await world.reports() if s == "bounced"}
    assert set(bounced) == {str(contact), str(policy)}
    assert all(d["permanent"] and "550" in d["reason"] for d in bounced.values())
    mailbox.refuse = {}
    clock.advance(minutes=1)
    await world.hear(world.request(contact), world.request(policy))
    await world.send()
    assert sorted(m["To"] for m in mailbox.mails) == ["busy@example.com", "policy@example.com"]


@pytest.mark.covers("HUB-4", "EVT-5")
async def test_an_unreachable_mail_server_loses_and_doubles_nothing(world, contact, mailbox, clock):
    email = world.hub.adapters["email"]
    right, email.port = email.port, 1  # nobody listens there
    await send_one(world, contact)
    assert await world.statuses() == ["accepted"]
    email.port = right
    clock.advance(minutes=1)
    await world.send()
    assert len(mailbox.mails) == 1


@pytest.mark.covers("HUB-5")
async def test_texting_back(world, contact, app, database_url):
    make_contact(database_url, world.practice, app.clock.now(), phone="+447700900999")
    await send_one(world, contact, channels=["sms"])
    gate = {"Authorization": "Bearer gate"}

    async def text(sender: str, words: str, headers=gate):
        async with world.client() as client:
            return await client.post("/inbound/sms", json={"from": sender, "text": words}, headers=headers)

    assert (await text("+447700900123", "STOP", headers={})).status_code == 401
    assert (await text("07700 900123", "Yes please, Tuesday")).json() == {"understood": "reply"}
    assert (await text("+447700900123", "Stop")).json() == {"understood": "stop"}
    assert (await text("+447700900000", "Hello?")).json() == {"understood": "unknown"}
    assert (await world.statuses())[3:] == ["replied", "stop"]
    await world.hear(world.request(contact, channels=["sms"]), world.request(contact, channels=["email"]))
    await world.send()
    assert sorted((await world.statuses())[5:]) == ["accepted", "accepted", "delivered", "failed", "sent"]


@pytest.mark.covers("HUB-5", "CNT-8")
async def test_html_words_and_an_opt_out_of_their_own(world, contact, mailbox):
    words = {
        "email": {
            **WORDS["email"],
            "body": '<h1>Hi {{ contact.first_name }}</h1><p><a href="https://a.example/x">Book</a></p>'
            '<p><a href="{{ unsubscribe_url }}">No more, thanks</a></p><script>alert(1)</script>',
        }
    }
    await world.hear(world.words(words), world.request(contact, content_ref=content_ref(words)))
    await world.send()
    page = mailbox.mails[0].get_body(("html",)).get_content()
    url = mailbox.mails[0]["List-Unsubscribe"][1:-1]
    assert page.count(url) == 1
    assert "/c/" in page
    assert "alert" not in page
    assert f"No more, thanks: {url}" in mailbox.mails[0].get_body(("plain",)).get_content()


@pytest.mark.covers("CNT-2")
async def test_words_that_cannot_be_filled_in_fail_and_the_rest_goes(world, contact, mailbox):
    words = {"email": {**WORDS["email"], "body": "On {{ next_appointment.date }}"}}
    await world.hear(world.words(words), world.request(contact, content_ref=content_ref(words)))
    await send_one(world, contact)
    failed = [d["reason"] for s, d in await world.reports() if s == "failed"]
    assert failed == ["render_problem"]
    assert len(mailbox.mails) == 1
