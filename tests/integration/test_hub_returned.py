"""What comes back hours later: bounces and complaints by mail, over real SMTP (HUB-4, SUP-6)."""

from email import message_from_bytes
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import default

import pytest
from pydantic import SecretStr

from services.engine.service import Engine
from services.intake.consumer import Intake
from services.kit.ids import new_id
from services.neighbours.hub.recipients import came_back
from services.neighbours.hub.returned import Returned, read_returned, verp
from tests.factories.campaign import journey, launch, message
from tests.factories.hub import WORDS, hub_world, mail_server
from tests.factories.practice import make_contact
from tests.factories.world import World

TOKEN = "Ab-_cdefghijklmnopqrstuvwxyz0123"


class Mailbox:
    """A mail server that takes everything and keeps what it got."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []

    async def handle_DATA(self, server, session, envelope):
        self.got.append((envelope.mail_from, envelope.content))
        return "250 Taken"


def original(dispatch_id) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "hello@practice.example", "ada@mail.example", "Hello"
    mail["Message-ID"] = f"<{dispatch_id}@practice.example>"
    mail.set_content("Hello")
    return mail.as_bytes()


def report(
    raw: bytes, *, status: str, action: str = "failed", to: str = "bounces@x.example", enclosed="whole"
) -> bytes:
    """A delivery report as a mail server writes it (RFC 3464), about `raw`."""
    mail = MIMEMultipart("report", report_type="delivery-status")
    mail["From"], mail["To"], mail["Subject"] = "mailer-daemon@mx.example", to, "Undelivered"
    mail.attach(MIMEText("Your message could not be delivered."))
    about, one = Message(), Message()
    about["Reporting-MTA"] = "dns; mx.example"
    one["Final-Recipient"], one["Action"], one["Status"] = "rfc822; ada@mail.example", action, status
    one["Diagnostic-Code"] = f"smtp; 550 {status} said so"
    status_part = MIMEBase("message", "delivery-status")
    status_part.set_payload([about, one])
    mail.attach(status_part)
    parsed = message_from_bytes(raw)
    if enclosed == "whole":
        mail.attach(MIMEMessage(parsed))
    elif enclosed == "headers":
        head = MIMEText("".join(f"{k}: {v}\n" for k, v in parsed.items()))
        head.replace_header("Content-Type", "text/rfc822-headers")
        mail.attach(head)
    return mail.as_bytes()


def complaint(raw: bytes, kind: str = "abuse") -> bytes:
    """A report of the Abuse Reporting Format (RFC 5965) about `raw`."""
    mail = MIMEMultipart("report", report_type="feedback-report")
    mail["From"], mail["To"], mail["Subject"] = "fbl@provider.example", "abuse@x.example", "Complaint"
    mail.attach(MIMEText("Somebody reported this."))
    part = MIMEBase("message", "feedback-report")
    part.set_payload(f"Feedback-Type: {kind}\nUser-Agent: Feedback/1\nVersion: 1\n")
    mail.attach(part)
    mail.attach(MIMEMessage(message_from_bytes(raw)))
    return mail.as_bytes()


@pytest.mark.covers("HUB-4")
class TestReading:
    @pytest.mark.parametrize(
        ("status", "permanent"),
        [
            ("5.1.1", True), ("5.1.2", True), ("5.1.10", True), ("5.0.0", True), ("5.2.1", True),
            ("5.1.7", False), ("5.2.2", False), ("5.7.1", False), ("5.4.4", False), ("4.4.7", False),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("enclosed", ["whole", "headers"])
    def test_a_dead_address_is_told_from_a_bad_day(self, status: str, permanent: bool, enclosed: str):
        dispatch = new_id()
        found = read_returned(report(original(dispatch), status=status, enclosed=enclosed))
        assert found is not None
        assert (found.what, found.permanent, found.dispatch_id) == ("bounced", permanent, dispatch)
        assert found.reason.startswith(status)

    def test_the_return_address_names_the_message_when_nothing_is_enclosed(self):
        raw = report(b"Subject: x\n\nx", status="5.1.1", to=verp("bounces@x.example", TOKEN), enclosed="none")
        assert (read_returned(raw) or pytest.fail("not read")).token == TOKEN
        told = report(b"Subject: x\n\nx", status="5.1.1", enclosed="none")
        assert read_returned(told) is None
        assert (read_returned(told, verp("b@x.example", TOKEN)) or pytest.fail("not read")).token == TOKEN

    @pytest.mark.parametrize("kind", ["abuse", "opt-out", "not-spam", "auth-failure"])
    def test_complaints(self, kind: str):
        dispatch = new_id()
        found = read_returned(complaint(original(dispatch), kind))
        if kind in ("not-spam", "auth-failure"):
            assert found is None
        else:
            assert found == Returned("complained", True, kind, "", dispatch)

    @pytest.mark.parametrize(
        "raw",
        [b"", b"\xff\xfe\x00", b"Subject: out of office\n\nBack on Monday", original("not-an-id")],
    )
    def test_anything_else_is_no_report(self, raw: bytes):
        assert read_returned(raw) is None

    @pytest.mark.parametrize("action", ["delayed", "relayed", "delivered"])
    def test_what_only_takes_longer_is_none_either(self, action: str):
        assert read_returned(report(original(new_id()), status="4.4.1", action=action)) is None


@pytest.mark.covers("HUB-4", "SUP-6", "SUP-1")
async def test_a_bounce_by_mail_closes_the_channel_all_the_way_through(
    app, practice, clock, database_url, servers, tmp_path
):
    """Journey → Hub → SMTP → the mail server's report → Hub → suppression and block list."""
    mailbox = Mailbox()
    contact = make_contact(database_url, practice, clock.now(), email="ada@mail.example")
    intake = Intake(app.uow, app.bus, "test")
    await intake.prepare()
    world = World(app, clock, practice, Engine(app.uow), intake)
    async with mail_server(mailbox) as port:
        settings = {
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{port}"), "bounce_address": "bounces@x.example",
            "home": tmp_path, "gateway_token": SecretStr("secret"),
        }  # fmt: skip
        async with hub_world(app, practice, database_url, servers.redis_url, **settings) as hub:
            await launch(app, practice, journey(message("hello", "end")))
            await world.run()
            await app.relay.run_once(practice)
            await hub.hear(hub.words())
            dispatch = await world.one("SELECT dispatch_id FROM cm.dispatch WHERE practice_id = :practice")
            ref = (await hub.message(dispatch)).content_ref  # the words of this test's journey
            named = {"practice_id": str(practice), "content_ref": ref, "content": WORDS}
            await hub.hear(hub.event("campaign.content.published", named))
            await hub.send()
            ((mail_from, sent),) = mailbox.got
            token = (await hub.message(dispatch)).token
            assert mail_from == f"bounces+{token}@x.example"
            assert message_from_bytes(sent, policy=default)["Message-ID"].startswith(f"<{dispatch}@")
            raw = report(sent, status="5.1.1", to=mail_from, enclosed="none")
            async with hub.client() as client:
                assert (await client.post("/inbound/mail", content=raw)).status_code == 401
                mine = {"headers": {"Authorization": "Bearer secret"}, "content": raw}
                answers = [
                    (await client.post("/inbound/mail", **mine)).json()["understood"] for _ in range(2)
                ]
                large = await client.post("/inbound/mail", headers=mine["headers"], content=b"x" * 2_000_001)
            assert answers == ["taken", "known"]
            assert large.status_code == 413
            assert await hub.statuses() == ["accepted", "sent", "delivered", "bounced"]
    await world.intake.drain()
    live = await world.rows("SELECT reason, channel FROM cm.suppression WHERE practice_id = :practice AND contact_id = :c", c=contact)  # fmt: skip
    assert [tuple(row) for row in live] == [("HARD_BOUNCE", "email")]
    assert (
        await world.one("SELECT reason FROM cm.blocked_destination WHERE practice_id = :practice")
        == "hard_bounce"
    )
    await launch(app, practice, journey(message("again", "end")))
    assert (await world.run()).requested == 0


@pytest.mark.covers("HUB-4", "SUP-6")
async def test_soft_bounces_close_nothing_complaints_everything_and_strangers_change_nothing(
    app, practice, clock, database_url, servers, tmp_path
):
    contact, other = (make_contact(database_url, practice, clock.now()) for _ in range(2))
    async with hub_world(app, practice, database_url, servers.redis_url, home=tmp_path) as hub:
        soft, loud, waiting = hub.request(contact), hub.request(other), hub.request(other)
        await hub.hear(hub.words(), soft, loud)
        await hub.send()
        await hub.hear(waiting)
        ids = {name: event.data["dispatch_id"] for name, event in {"soft": soft, "loud": loud, "waiting": waiting}.items()}  # fmt: skip

        async def settle(raw: bytes) -> str:
            return await came_back(hub.hub, read_returned(raw) or pytest.fail("not read"))

        assert await settle(report(original(ids["soft"]), status="5.2.2")) == "taken"
        assert await settle(report(original(ids["waiting"]), status="5.1.1")) == "early"
        assert await settle(complaint(original(ids["loud"]))) == "taken"
        assert await settle(complaint(original(ids["loud"]))) == "known"
        assert await settle(report(original(new_id()), status="5.1.1")) == "unknown"
        said = [(s, d.get("permanent")) for s, d in await hub.reports() if s in ("bounced", "complained")]
        assert said == [("bounced", False), ("complained", True)]
        async with hub.hub.unit(practice) as u:
            closed = (
                await u.execute("SELECT contact_id, channel, reason FROM hub.closed ORDER BY channel")
            ).all()
        assert {row.contact_id for row in closed} == {other}
        assert [row.channel for row in closed] == ["email", "in_app", "sms", "whatsapp"]
        # Two records become one: what either closed stays closed, and nothing more is sent.
        await hub.hear(hub.event("contact.merged", {"contact_id": str(contact), "merged_id": str(other), "practice_id": str(practice)}))  # fmt: skip
        again = hub.request(contact)
        await hub.hear(again)
        await hub.send()
        assert (await hub.message(again.data["dispatch_id"])).failure == "closed"
