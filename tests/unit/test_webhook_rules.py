"""Which addresses webhooks may reach, and when they are tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from services.kit.ids import new_id
from services.webhooks.rules import SCHEDULE, next_try, pause_after, reachable, url_problem

pytestmark = pytest.mark.covers("EVT-6")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "1.1.1.1"])
def test_public_addresses_are_reached(address: str):
    assert reachable(address, private=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "169.254.169.254",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_nothing_else_is(address: str):
    assert not reachable(address, private=False)


def test_development_reaches_its_own_networks_but_never_the_machines_metadata():
    assert reachable("127.0.0.1", private=True)
    assert reachable("10.0.0.1", private=True)
    assert reachable("::1", private=True)
    assert not reachable("169.254.169.254", private=True)
    assert not reachable("::ffff:169.254.169.254", private=True)
    assert not reachable("0.0.0.0", private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "example.com", "https://user:pw@example.com/",
        "https://example.com/#x", "https://localhost/", "https://db.internal/", "https://10.0.0.1/",
        "https://[::1]/", "https://example.com:99999/", "https://exa mple.com/", "https://example.com/\r\nx: y",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_an_endpoint_say_why(url: str):
    assert url_problem(url, private=False).endswith(".")


def test_a_full_https_address_can():
    assert url_problem("https://hooks.example.com:8443/cm?tenant=1", private=False) == ""
    assert url_problem("http://127.0.0.1:8000/", private=True) == ""


def test_eleven_attempts_within_about_a_day_each_wait_longer_or_as_long():
    event = new_id()
    waits = [next_try(event, n, NOW) for n in range(1, len(SCHEDULE) + 1)]
    assert all(w is not None for w in waits)
    assert next_try(event, len(SCHEDULE) + 1, NOW) is None
    assert list(SCHEDULE) == sorted(SCHEDULE)
    assert timedelta(hours=22) < sum(SCHEDULE, timedelta()) < timedelta(hours=26)
    assert pause_after(1) == timedelta(seconds=2)
    assert pause_after(50) == timedelta(minutes=5)
