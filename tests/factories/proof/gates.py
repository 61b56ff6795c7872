"""Every reason not to send, asked about one person at a time, and when a message may leave."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.contracts.journey import Message, SendWindow
from tests.factories.proof.rows import NEVER_ARRIVED, Campaign, Person, Practice, Sent, Walk

HOLDS = ("RECALL_RECONNECT_ENROLMENT", "CONCIERGE_RECOVERY_HOLD", "MANUAL_SUPPRESSION")
LONG = ("nurture", "keep_informed", "drip")
ORDER = (
    "EMERGENCY_STACK_EXCLUSION",
    "RECALL_RECONNECT_ENROLMENT",
    "CONCIERGE_RECOVERY_HOLD",
    "CONCIERGE_DECLINED",
    "MANUAL_SUPPRESSION",
    "COMPLAINT",
    "UNSUBSCRIBED",
    "STOP",
    "HARD_BOUNCE",
    "CONSENT_REVOKED",
)
Refusal = tuple[str | None, str]
"""(reason, what it does to the walk: skip, hold or exit)"""


def bucket(salt: str, person: Person) -> int:
    """A person's sticky place among 10,000 (D24)."""
    return int(hashlib.sha256(f"{salt}{person.id}".encode()).hexdigest()[:7], 16) % 10_000


def next_window(
    window: SendWindow, person: Person, now: datetime, holidays: tuple[str, ...], *, arrives: bool
) -> datetime:
    """When a message may go, in the person's own time (D23): who arrives after the time it is aimed
    at waits for the next day; what is late by our doing still goes while the window is open."""
    local, aim = ZoneInfo(person.zone), _aim(window, person, now)
    for n in range(31):
        day = now.astimezone(local).date() + timedelta(days=n)
        begins, ends = (datetime.combine(day, t, local).astimezone(UTC) for t in (aim, window.end))
        if arrives and window.aim != "open":
            ends = begins + timedelta(microseconds=1)
        closed = window.skip_holidays and day.isoformat() in holidays
        if ends > now and not closed and f"{day:%a}".lower() in window.days:
            return max(now, begins)
    raise AssertionError("a month without a window")


def _aim(window: SendWindow, person: Person, now: datetime) -> time:
    match window.aim:
        case "at":
            return window.at
        case "best_hour":
            return _best_hour(window, person, now)
    return window.start


def _best_hour(window: SendWindow, person: Person, now: datetime) -> time:
    """The hour of most opens, the earlier of two as good: three at least, and inside the window."""
    local, since = ZoneInfo(person.zone), now - timedelta(days=180)
    opens = Counter(at.astimezone(local).hour for at in person.opened if at > since)
    hour = min(opens, key=lambda h: (-opens[h], h), default=None)
    if hour is None or opens[hour] < 3 or not window.start <= time(hour, 59, 59) or time(hour) >= window.end:
        return window.start
    return max(time(hour), window.start)


class Gates:
    """Needs what the model keeps; changes nothing."""

    now: datetime
    salt: str
    practice: Practice
    walks: list[Walk]
    sent: list[Sent]

    def gate(self, person: Person, campaign: Campaign) -> Refusal:
        """What stops somebody at the door and at every message."""
        if person.do_not_contact:
            return "DO_NOT_CONTACT", "exit"
        reasons = {b.reason for b in person.bans if self.in_force(b.expires) and b.covers(campaign)}
        if person.emergency_open and campaign.journey.campaign_type in LONG:
            reasons.add("EMERGENCY_STACK_EXCLUSION")
        for reason in ORDER:
            if reason in reasons:
                return reason, "hold" if reason in HOLDS else "exit"
        if campaign.journey.caps.exclusive and any(
            w.person is person and w.campaign is not campaign and w.state == "live" for w in self.walks
        ):
            return "EXCLUSIVE_ENROLMENT", "skip"
        if bucket(f"{self.salt}/global/", person) < self.practice.holdout * 100:
            return "GLOBAL_HOLDOUT", "skip"
        if bucket(f"{self.salt}/{campaign.id}/", person) < campaign.journey.holdout_percent * 100:
            return "CAMPAIGN_HOLDOUT", "skip"
        return None, "skip"

    def in_force(self, expires: datetime | None) -> bool:
        return expires is None or expires > self.now

    def tired(self, walk: Walk, step: Message, before: list[Sent]) -> str | None:
        """Is it too soon, or one too many, or does the household have it (D22, D25)?"""
        person, campaign = walk.person, walk.campaign
        if self.in_household(walk, step, before):
            return "DUPLICATE_DESTINATION"
        own, practices = campaign.journey.caps, self.practice.caps
        touches = [s.at for s in self.sent if s.walk.person is person and s.status not in NEVER_ARRIVED]
        days = timedelta(days=max(own.per_days, practices.per_days))
        most = min((n for n in (own.max_touches, practices.max_touches) if n), default=10_000)
        gap = timedelta(hours=max(own.min_gap_hours or 0, practices.min_gap_hours or 0))
        if sum(at > self.now - days for at in touches) >= most:
            return "FREQUENCY_CAP"
        return "MINIMUM_GAP" if any(at > self.now - gap for at in touches) else None

    def in_household(self, walk: Walk, step: Message, sent: list[Sent]) -> bool:
        """Does somebody else there have this message at the same address already (D25)?"""
        person = walk.person
        return bool(step.one_per_household and person.household) and any(
            s.walk.campaign is walk.campaign
            and s.step == step.id
            and s.walk.person is not person
            and s.walk.person.household == person.household
            and s.status not in NEVER_ARRIVED
            for s in sent
        )

    def channel(self, person: Person, name: str) -> str | None:
        """Why a channel is closed for somebody; None when it is open."""
        closed = {
            b.reason
            for b in person.bans
            if self.in_force(b.expires)
            and (b.scope == "topic" or (b.scope == "channel" and b.channel == name))
        }
        if person.address(name) in self.practice.blocked:
            closed.add("GLOBAL_LIST")
        for reason in ("HARD_BOUNCE", "GLOBAL_LIST", "STOP", "UNSUBSCRIBED"):
            if reason in closed:
                return reason
        if person.consent.get(name) == "revoked" or "CONSENT_REVOKED" in closed:
            return "CONSENT_REVOKED"
        return None if person.consent.get(name) == "granted" else "NO_CONSENT"
