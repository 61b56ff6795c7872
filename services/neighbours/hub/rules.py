"""What the Hub decides about one message at the last moment: pure, no I/O.

Order: may this person get anything, on which channel, is it night where they are, did they get
too much lately. Doubt refuses (D21).
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.contracts.events import ContactCaps
from services.contracts.journey import Channel
from services.neighbours.hub.contracts import Claimed, Person

GIVE_UP_AFTER = timedelta(days=7)
RETRY_MINUTES = (1, 5, 15, 60, 240)
MAX_ATTEMPTS = len(RETRY_MINUTES) + 1

STOP_WORDS = frozenset(
    {"stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "optout", "opt out", "revoke"}
)


@dataclass(frozen=True, slots=True)
class Send:
    channel: Channel
    to: str


@dataclass(frozen=True, slots=True)
class Defer:
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    reason: str


Decision = Send | Defer | Refuse


def decide(
    message: Claimed,
    person: Person,
    now: datetime,
    *,
    written: Collection[str],
    zone: ZoneInfo,
    touches: Sequence[datetime],
) -> Decision:
    """`written` are the channels there are words for; `zone` the recipient's; `touches` the
    person's earlier ones and those of this batch, oldest first."""
    if message.to_address:  # a test to the team itself: nobody's consent, night or limits are in it
        channel = message.channels[0]
        return Send(channel, message.to_address) if channel in written else Refuse("no_content")
    if person.stop:
        return Refuse(person.stop)
    choice = choose(message.channels, person, written)
    if isinstance(choice, Refuse):
        return choice
    waits = [Defer(until, "quiet_hours")] if (until := quiet_until(now, zone, message.caps)) else []
    if not message.test:
        allowed = cap_until(touches, message.caps, now)
        waits += [Defer(allowed, "cap_exceeded")] if allowed else []
    if not waits:
        return choice
    longest = max(waits, key=lambda wait: wait.until)
    if longest.until > message.accepted_at + GIVE_UP_AFTER:
        return Refuse(longest.reason)
    return longest


def choose(channels: Sequence[Channel], person: Person, written: Collection[str]) -> Send | Refuse:
    """The first channel, in the order asked for, that has words, reaches and is allowed.

    If none: the reason of the channel that came closest.
    """
    reasons: list[str] = []
    for channel in channels:
        to = address(person, channel)
        if channel not in written:
            reasons.append("no_content")
        elif not to:
            reasons.append("unreachable")
        elif channel in person.closed:
            reasons.append("closed")
        elif channel not in person.granted:
            reasons.append("no_consent")
        else:
            return Send(channel, to)
    closest = ("closed", "no_consent", "unreachable", "no_content")
    return Refuse(next((reason for reason in closest if reason in reasons), "no_content"))


def address(person: Person, channel: Channel) -> str:
    """Where a channel reaches this person; empty when it does not (001 BR-CAM-003.6–9)."""
    match channel:
        case "email":
            return person.email or ""
        case "sms":
            return person.phone or ""
        case "whatsapp":
            return (person.phone or "") if person.whatsapp_verified else ""
        case "in_app":
            return str(person.contact_id) if person.app_user else ""


def quiet_until(now: datetime, zone: ZoneInfo, caps: ContactCaps = ContactCaps()) -> datetime | None:
    """The end of the quiet hours that `now` falls into, UTC; None outside them (D23).

    Wall-clock arithmetic in the recipient's zone, so 08:00 stays 08:00 through a clock change.
    """
    start, end = caps.quiet_start, caps.quiet_end
    local = now.astimezone(zone)
    overnight = start > end
    quiet = (local.time() >= start or local.time() < end) if overnight else start <= local.time() < end
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if overnight and local.time() >= start else 0)
    return datetime.combine(day, end, zone).astimezone(UTC)


def cap_until(touches: Sequence[datetime], caps: ContactCaps, now: datetime) -> datetime | None:
    """When the declared caps next allow a touch; None when they do now (D22, 000 §6.1)."""
    moments: list[datetime] = []
    if caps.max_touches is not None:
        period = timedelta(days=caps.per_days)
        recent = [at for at in touches if at > now - period]
        if len(recent) >= caps.max_touches:
            moments.append(recent[-caps.max_touches] + period)
    if caps.min_gap_hours and touches:
        moments.append(touches[-1] + timedelta(hours=caps.min_gap_hours))
    return max((m for m in moments if m > now), default=None)


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When to try again after `attempts` failed ones; None: no more (HUB-4)."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return now + timedelta(minutes=RETRY_MINUTES[max(attempts, 1) - 1])


def is_stop(text: str) -> bool:
    """Does a reply mean "stop writing to me"? The keyword alone, or as the first word."""
    words = re.sub(r"[^\w\s]", " ", text.lower()).split()
    return bool(words) and (" ".join(words) in STOP_WORDS or words[0] in STOP_WORDS - {"end", "cancel"})


def chance(key: bytes, dispatch_id: UUID, what: str) -> float:
    """A number in [0, 1) that is always the same for this message and question."""
    digest = hmac.new(key, f"{what}/{dispatch_id}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def simulated(key: bytes, dispatch_id: UUID, channel: Channel, links: int) -> dict[str, timedelta]:
    """What a demo's recipient will do, after how long: openings and clicks, some of them."""
    if channel not in ("email", "in_app") or chance(key, dispatch_id, "opens") >= 0.52:
        return {}
    opened = timedelta(seconds=3 + 42 * chance(key, dispatch_id, "opens after"))
    plan = {"opened": opened}
    if links and chance(key, dispatch_id, "clicks") < 0.34:
        plan["clicked"] = opened + timedelta(seconds=2 + 20 * chance(key, dispatch_id, "clicks after"))
    return plan
