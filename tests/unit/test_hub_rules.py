"""The Hub's rules by themselves: night, caps, channels, retries, STOP, links, text and HTML."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.contracts.events import ContactCaps
from services.kit.chance import id_at, seeded
from services.kit.ids import new_id
from services.neighbours.hub import email_html, rules
from services.neighbours.hub.contracts import Claimed, Person, Practice
from services.neighbours.hub.mime import BadAddress, envelope_address

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def message(**over) -> Claimed:
    values = {
        "dispatch_id": new_id(),
        "campaign_id": new_id(),
        "contact_id": new_id(),
        "channels": ["in_app", "email"],
        "content_ref": "x",
        "topic": "marketing",
        "purpose": "marketing",
        "caps": ContactCaps(),
        "test": False,
        "attempts": 0,
        "token": "t",
        "accepted_at": NOW,
    }
    return Claimed(**{**values, **over})


def person(**over) -> Person:
    values = {
        "contact_id": new_id(),
        "email": "a@b.example",
        "granted": frozenset({"email", "sms", "in_app"}),
    }
    return Person(**{**values, **over})


def decide(m: Claimed, p: Person, now: datetime = NOW, zone: ZoneInfo = LONDON) -> rules.Decision:
    return rules.decide(m, p, now, written={"email", "sms", "in_app"}, zone=zone, touches=p.touches)


@pytest.mark.covers("HUB-3")
class TestChannel:
    def test_the_first_that_reaches_is_taken(self):
        in_app = person(app_user=True)
        assert decide(message(), in_app) == rules.Send("in_app", str(in_app.contact_id))
        assert decide(message(), person()) == rules.Send("email", "a@b.example")

    def test_without_consent_there_is_no_message(self):
        assert decide(message(), person(granted=frozenset())) == rules.Refuse("no_consent")

    def test_a_closed_channel_falls_back_to_the_next(self):
        p = person(app_user=True, closed=frozenset({"in_app"}))
        assert decide(message(), p) == rules.Send("email", "a@b.example")
        assert decide(message(channels=["in_app"]), p) == rules.Refuse("closed")

    def test_whatsapp_needs_a_verified_number(self):
        p = person(phone="+447700900001", granted=frozenset({"whatsapp"}))
        assert rules.choose(["whatsapp"], p, {"whatsapp"}) == rules.Refuse("unreachable")

    @pytest.mark.parametrize("stop", ["deceased", "do_not_contact", "contact_unknown"])
    def test_some_people_get_nothing(self, stop):
        assert decide(message(test=True), person(stop=stop)) == rules.Refuse(stop)


@pytest.mark.covers("HUB-3")
class TestQuietHours:
    @pytest.mark.parametrize(
        ("now", "zone", "until"),
        [
            ("2026-06-01T20:59:59+01:00", "Europe/London", None),
            ("2026-06-01T21:00:00+01:00", "Europe/London", "2026-06-02T08:00:00+01:00"),
            ("2026-06-02T07:59:00+01:00", "Europe/London", "2026-06-02T08:00:00+01:00"),
            ("2026-06-02T08:00:00+01:00", "Europe/London", None),
            ("2026-03-28T22:00:00+00:00", "Europe/London", "2026-03-29T08:00:00+01:00"),  # an hour shorter
            ("2026-10-24T22:00:00+01:00", "Europe/London", "2026-10-25T08:00:00+00:00"),  # an hour longer
            ("2026-06-01T10:00:00+00:00", "America/Los_Angeles", "2026-06-01T15:00:00+00:00"),
        ],
    )
    def test_end_at_eight_where_the_recipient_is(self, now, zone, until):
        expected = datetime.fromisoformat(until) if until else None
        assert rules.quiet_until(datetime.fromisoformat(now), ZoneInfo(zone)) == expected


@pytest.mark.covers("HUB-3")
class TestCaps:
    def test_a_full_period_waits_until_the_oldest_touch_leaves_it(self):
        touches = (NOW - timedelta(days=6), NOW - timedelta(days=1))
        m = message(caps=ContactCaps(max_touches=2, per_days=7))
        assert decide(m, person(touches=touches)) == rules.Defer(NOW + timedelta(days=1), "cap_exceeded")
        assert decide(message(caps=ContactCaps(max_touches=3)), person(touches=touches)) == rules.Send(
            "email", "a@b.example"
        )

    def test_the_minimum_gap_counts_from_the_last_touch(self):
        m = message(caps=ContactCaps(min_gap_hours=4))
        p = person(touches=(NOW - timedelta(hours=1),))
        assert decide(m, p) == rules.Defer(NOW + timedelta(hours=3), "cap_exceeded")

    def test_after_seven_days_it_is_given_up(self):
        m = message(caps=ContactCaps(max_touches=1, per_days=30))
        assert decide(m, person(touches=(NOW - timedelta(days=2),))) == rules.Refuse("cap_exceeded")

    def test_a_test_message_skips_them(self):
        m = message(caps=ContactCaps(max_touches=1), test=True)
        assert isinstance(decide(m, person(touches=(NOW,))), rules.Send)


@pytest.mark.covers("HUB-4")
def test_retries_back_off_and_end():
    waits = [rules.retry_at(n, NOW) for n in range(1, 7)]
    assert [(at - NOW).seconds // 60 for at in waits if at] == [1, 5, 15, 60, 240]
    assert waits[-1] is None


@pytest.mark.covers("HUB-5")
@pytest.mark.parametrize(
    ("text", "stop"),
    [("STOP", True), (" Stop. ", True), ("unsubscribe please", True), ("Opt-out", True), ("quit", True),
     ("Cancel", True), ("Cancel my appointment?", False), ("End of June suits me", False),
     ("Don't stop, I like it", False), ("Yes please", False), ("", False)],
)  # fmt: skip
def test_stop_words(text, stop):
    assert rules.is_stop(text) is stop


def test_a_simulated_recipient_always_does_the_same_and_few_do_everything():
    chance = seeded("recipients")
    ids = [id_at(chance, NOW.timestamp() + n) for n in range(2_000)]
    plans = [rules.simulated(b"k", i, "email", 1) for i in ids]
    assert plans == [rules.simulated(b"k", i, "email", 1) for i in ids]
    opened, clicked = sum("opened" in p for p in plans), sum("clicked" in p for p in plans)
    assert 0.45 < opened / 2_000 < 0.6
    assert 0.1 < clicked / 2_000 < 0.25
    assert all(p["opened"] < p["clicked"] for p in plans if "clicked" in p)
    assert rules.simulated(b"k", ids[0], "sms", 1) == {}


@pytest.mark.covers("HUB-5")
class TestWords:
    def test_plain_words_become_paragraphs_and_links_but_never_tags(self):
        got = email_html.from_markdown(
            "Hi\n\nSee https://a.example/x_y_ or [this](https://b.example).\n\n<script>x</script>"
        )
        assert got.count("<p>") == 3
        assert '<a href="https://a.example/x_y_">' in got
        assert "<script>" not in got

    def test_pasted_html_loses_what_acts(self):
        got = email_html.cleaned(
            '<p style="color:red;position:fixed" onclick="x()">Hi</p><script>x()</script>'
            '<a href="javascript:x()">a</a><form><input></form><iframe src="https://e.example"></iframe>'
        )
        for bad in ("script", "onclick", "position", "<form", "<iframe", "<input"):
            assert bad not in got
        assert "color:red" in got

    def test_links_are_numbered_and_the_opt_out_is_left_alone(self):
        links = email_html.Links("https://hub.example/c/tok", keep="https://hub.example/u/tok")
        got = links.rewrite_html(
            '<a href="https://a.example/?x=1&amp;y=2">a</a> <a href="https://hub.example/u/tok">u</a>'
            ' <a href="mailto:a@b.example">m</a> <a title="t" href="https://a.example/?x=1&amp;y=2">again</a>'
        )
        assert links.targets == ["https://a.example/?x=1&y=2"]
        assert got.count("https://hub.example/c/tok/1") == 2
        assert "https://hub.example/u/tok" in got
        assert "mailto:a@b.example" in got

    @pytest.mark.parametrize(
        "url",
        ["javascript:x", "https://user@evil.example", "https:\\\\evil.example", "//evil.example", "https://"],
    )
    def test_odd_addresses_are_not_links(self, url):
        assert not email_html.is_web_address(url)

    def test_the_postal_address_is_given_once(self):
        practice = Practice(new_id(), "Harbour", "Europe/London", "1 Quay Street, Bristol", "", "")
        parts = {"practice": practice, "subject": "s", "preheader": "", "opt_out": "", "pixel": "p"}
        own = email_html.from_markdown("Hello\n\n---\n\nHarbour,\n1 Quay Street, Bristol")
        assert email_html.page(body=own, **parts).count("1 Quay Street") == 1
        assert email_html.page(body="<p>Hello</p>", **parts).count("1 Quay Street") == 1

    def test_text_alternative(self):
        got = email_html.as_text(
            email_html.from_markdown("Hi\nthere\n\n- one\n- [two](https://a.example)\n\nBye & so")
        )
        assert got == "Hi\nthere\n\n- one\n- two: https://a.example\n\nBye & so"


@pytest.mark.parametrize(
    "bad", ["", "a", "a@", "@b.example", "a b@c.example", "a@b.example\r\nX: y", "ü@b.example"]
)
def test_bad_addresses_never_reach_an_envelope(bad):
    with pytest.raises(BadAddress):
        envelope_address(bad)


def test_a_domain_of_another_script_travels_as_ascii():
    assert envelope_address("a@bücher.example") == "a@xn--bcher-kva.example"


@pytest.mark.covers("HUB-3")
@pytest.mark.parametrize(
    ("start", "end", "local", "until"),
    [
        (time(21), time(8), "2026-06-01T23:00", "2026-06-02T08:00"),
        (time(21), time(8), "2026-06-01T03:00", "2026-06-01T08:00"),
        (time(19), time(9, 30), "2026-06-01T19:00", "2026-06-02T09:30"),
        (time(12), time(14), "2026-06-01T13:00", "2026-06-01T14:00"),
        (time(12), time(14), "2026-06-01T14:00", None),
        (time(8), time(8), "2026-06-01T08:00", None),
    ],
)
def test_quiet_hours_are_those_the_practice_declared(start: time, end: time, local: str, until: str | None):
    zone = ZoneInfo("Europe/London")
    caps = ContactCaps(quiet_start=start, quiet_end=end)
    found = rules.quiet_until(datetime.fromisoformat(local).replace(tzinfo=zone), zone, caps)
    wanted = datetime.fromisoformat(until).replace(tzinfo=zone) if until else None
    assert found == wanted
