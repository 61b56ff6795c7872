"""When to try again, when to give up, and which addresses a webhook may reach. Pure."""

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from services.webhooks.contracts import EVENT_TYPES

SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=8),
)
"""The wait after each failed attempt: eleven attempts within 24 hours, then it is parked."""
JITTER = 0.1
"""Waits are up to this share longer, by the event's id, so that a recovered endpoint is not flooded."""
OVERTAKE_AFTER = 5
"""Later events of a contact wait behind an earlier one until that failed so often (some 13 minutes):
order per contact is kept through a hiccup, and one event nobody accepts does not hold up the rest."""
STOP_AFTER = timedelta(days=3)
"""An endpoint that accepted nothing for so long is stopped, with a notice."""
OLD_SECRET = timedelta(hours=24)
"""After a rotation both secrets sign for so long."""
KEPT = timedelta(days=30)
"""How long deliveries stay in the log; as long as raw inbound events (D26)."""
LONGEST_PAUSE = timedelta(minutes=5)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal")


def next_try(event_id: UUID, attempt: int, now: datetime) -> datetime | None:
    """When to try again after `attempt` (from 1) failed; None: never by itself."""
    if attempt > len(SCHEDULE):
        return None
    wait = SCHEDULE[attempt - 1]
    return now + wait * (1 + JITTER * (event_id.int % 1000) / 1000)


def pause_after(failures: int) -> timedelta:
    """How long to leave an endpoint alone after `failures` rounds in which everything failed."""
    return min(timedelta(seconds=2 ** min(failures, 20)), LONGEST_PAUSE)


def url_problem(url: str, *, private: bool) -> str:
    """Why an address cannot be an endpoint; empty when it can. `private`: see `reachable`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "This is not a web address."
    if parts.scheme not in ("https", "http") or not host or len(url) > 2000 or not url.isprintable():
        return "Give a full web address, such as https://example.com/hooks."
    if parts.username or parts.password or parts.fragment or " " in url:
        return "Leave user names, passwords and # out of the address: requests are signed instead."
    if parts.scheme == "http" and not private:
        return "Webhooks travel encrypted: the address begins with https://."
    if private:
        return ""
    if host == "localhost" or host.endswith(_LOCAL_NAMES):
        return "This address leads to a private network. Webhooks go to public addresses only."
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return ""
    return "" if reachable(str(literal), private=False) else "This address leads to a private network."


def reachable(address: str, *, private: bool) -> bool:
    """May a webhook connect to this IP address? Public ones only, whatever they are wrapped in;
    with `private` also loopback and private networks, and never link-local (cloud metadata)."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = _inside(found)
    if found.is_multicast or found.is_link_local or found.is_unspecified:
        return False
    return found.is_global or (private and (found.is_loopback or found.is_private))


def _inside(found: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    if found.sixtofour is not None:
        return found.sixtofour
    if found.teredo is not None:
        return found.teredo[1]
    if found in _NAT64:
        return ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    return found


def unknown_types(wanted: Iterable[str]) -> list[str]:
    """Those of `wanted` that cannot be subscribed to."""
    return sorted(set(wanted) - set(EVENT_TYPES))
