"""Who gets which step when, and why not: the engine's rules again, one person at a time.

Slow and obvious on purpose. It knows no SQL, no batches and no locks; where it and the product
disagree, one of the two is wrong.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.journey import (
    Branch,
    Entry,
    Exit,
    Journey,
    Message,
    Split,
    Step,
    Wait,
    WaitEvent,
    ports,
)

HOLDS = ("RECALL_RECONNECT_ENROLMENT", "CONCIERGE_RECOVERY_HOLD", "MANUAL_SUPPRESSION")
LONG = ("nurture", "keep_informed", "drip")
HOLD_TIME = timedelta(hours=72)


@dataclass(eq=False)
class Ban:
    reason: str
    scope: str = "all"
    channel: str | None = None
    types: tuple[str, ...] = ()
    ref: str | None = None
    expires: datetime | None = None

    def covers(self, campaign: "Campaign") -> bool:
        return self.scope == "all" or (self.scope == "types" and campaign.journey.campaign_type in self.types)

    def same(self, other: "Ban") -> bool:
        return (self.reason, self.scope, self.channel, self.ref) == (
            other.reason, other.scope, other.channel, other.ref,
        )  # fmt: skip


@dataclass(eq=False)
class Person:
    id: UUID
    kind: str
    consent: dict[str, str]
    bans: list[Ban] = field(default_factory=list)


@dataclass(eq=False)
class Campaign:
    id: UUID
    version: UUID
    journey: Journey
    kind: str
    paused: bool = False
    to_enrol: bool = True

    @property
    def entry(self) -> Entry:
        return next(s for s in self.journey.steps if isinstance(s, Entry))

    def step(self, step_id: str) -> Step:
        return next(s for s in self.journey.steps if s.id == step_id)


@dataclass(eq=False)
class Walk:
    """One entry of one person into one campaign."""

    person: Person
    campaign: Campaign
    number: int
    step: str
    due: datetime
    entered: datetime
    state: str = "live"
    why: str | None = None
    event: bool = False


@dataclass(eq=False)
class Sent:
    walk: Walk
    step: str
    at: datetime
    channels: tuple[str, ...]
    taken_back: bool = False


class Model:
    """What should be true. `now` moves only by `advance`."""

    def __init__(self, now: datetime, people: list[Person], touches: int, gap_hours: int) -> None:
        self.now, self.people, self.touches, self.gap = now, people, touches, timedelta(hours=gap_hours)
        self.campaigns: list[Campaign] = []
        self.walks: list[Walk] = []
        self.sent: list[Sent] = []
        self.refused: list[tuple[UUID, UUID, str, str]] = []
        self.killed = False

    # --- the engine ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Everything that is due now, the longest due step first, until nothing is."""
        for person in self.people:
            self._expire(person)
        while not self.killed and self._round():
            pass

    def _expire(self, person: Person) -> None:
        if len(self._live(person)) < len(person.bans):
            person.bans = self._live(person)
            self._release(person)

    def _live(self, person: Person) -> list[Ban]:
        return [b for b in person.bans if b.expires is None or b.expires > self.now]

    def _round(self) -> bool:
        worked = False
        for campaign in self.campaigns:
            if campaign.to_enrol and not campaign.paused:
                campaign.to_enrol, worked = False, True
                for person in self.people:
                    self._enter(person, campaign)
        groups: dict[tuple[UUID, str], datetime] = {}
        for walk in self._due():
            key = (walk.campaign.version, walk.step)
            groups[key] = min(walk.due, groups.get(key, walk.due))
        for version, step in sorted(groups, key=lambda k: (groups[k], k)):
            for walk in self._due():
                if (walk.campaign.version, walk.step) == (version, step):
                    self._advance(walk)
                    worked = True
        return worked

    def _due(self) -> list[Walk]:
        return [w for w in self.walks if w.state == "live" and w.due <= self.now and not w.campaign.paused]

    def _enter(self, person: Person, campaign: Campaign) -> None:
        reason, _ = self._gate(person, campaign)
        entry = campaign.entry
        if reason:
            row = (person.id, campaign.id, entry.id, reason)
            if row not in self.refused:
                self.refused.append(row)
            return
        number = 1 + sum(w.person is person and w.campaign is campaign for w in self.walks)
        assert entry.next
        due = self._due_at(campaign.step(entry.next))
        self.walks.append(Walk(person, campaign, number, entry.next, due, self.now))

    def _due_at(self, step: Step) -> datetime:
        match step:
            case Wait():
                return self.now + timedelta(minutes=step.until.minutes)  # type: ignore[union-attr]
            case WaitEvent():
                return self.now + timedelta(minutes=step.timeout_minutes)
        return self.now

    def _advance(self, walk: Walk) -> None:
        step = walk.campaign.step(walk.step)
        match step:
            case Message():
                if not self._message(walk, step):
                    return
                port = "next"
            case WaitEvent():
                port = "on_event" if walk.event else "on_timeout"
            case Branch():
                port = "path-0" if walk.person.kind == "lead" else "otherwise"
            case Split():
                salted = f"split/{step.id}/{walk.person.id}".encode()
                bucket = int(hashlib.sha256(salted).hexdigest()[:7], 16) % 10_000
                port = "arm-0" if bucket < step.arms[0].percent * 100 else "arm-1"
            case Exit():
                walk.state, walk.why = "completed", "END_OF_JOURNEY"
                return
            case _:
                port = "next"
        target = next(to for key, _, to in ports(step) if key == port)
        assert target
        walk.step, walk.event = target, False
        walk.due = self._due_at(walk.campaign.step(target))

    def _message(self, walk: Walk, step: Message) -> bool:
        """Ask for it or refuse it; false when the walk does not go on."""
        person, campaign = walk.person, walk.campaign
        reason, effect = self._gate(person, campaign)
        if reason is None:
            touches = [s.at for s in self.sent if s.walk.person is person and not s.taken_back]
            if sum(at > self.now - timedelta(days=7) for at in touches) >= self.touches:
                reason = "FREQUENCY_CAP"
            elif any(at > self.now - self.gap for at in touches):
                reason = "MINIMUM_GAP"
        if reason is None:
            verdicts = [(c, self._channel(person, c)) for c in step.channels]
            channels = tuple(c for c, why in verdicts if why is None)
            if channels:
                self.sent.append(Sent(walk, step.id, self.now, channels))
                return True
            reason = verdicts[0][1]
            assert reason
        self.refused.append((person.id, campaign.id, step.id, reason))
        if effect == "hold":
            walk.state, walk.why, walk.due = "held", reason, self.now
        elif effect == "exit":
            walk.state, walk.why = "exited", reason
        return effect == "skip"

    def _gate(self, person: Person, campaign: Campaign) -> tuple[str | None, str]:
        reasons = {b.reason for b in self._live(person) if b.covers(campaign)}
        for reason in ("EMERGENCY_STACK_EXCLUSION", *HOLDS, "UNSUBSCRIBED", "CONSENT_REVOKED"):
            if reason in reasons:
                return reason, "hold" if reason in HOLDS else "exit"
        return None, "skip"

    def _channel(self, person: Person, channel: str) -> str | None:
        closed = {b.reason for b in self._live(person) if b.scope == "channel" and b.channel == channel}
        if "STOP" in closed:
            return "STOP"
        if person.consent.get(channel) == "revoked" or "CONSENT_REVOKED" in closed:
            return "CONSENT_REVOKED"
        return None if person.consent.get(channel) == "granted" else "NO_CONSENT"

    # --- suppression ----------------------------------------------------------------------------

    def ban(self, person: Person, ban: Ban, effect: str) -> None:
        self._expire(person)
        for old in person.bans:
            if old.same(ban):
                old.expires = max(filter(None, (old.expires, ban.expires)), default=None)
                break
        else:
            person.bans.append(ban)
        stopped = []
        for walk in self.walks:
            if walk.person is not person or walk.state not in ("live", "held"):
                continue
            if effect == "none" or not ban.covers(walk.campaign):
                continue
            stopped.append(walk)
            if effect == "exit":
                walk.state, walk.why = "exited", ban.reason
            elif walk.state == "live":
                walk.state, walk.why = "held", ban.reason
        for sent in self.sent:
            only = ban.scope == "channel" and sent.channels == (ban.channel,)
            if sent.walk.person is person and (
                sent.walk in stopped or only or ban.covers(sent.walk.campaign)
            ):
                sent.taken_back = True

    def end(self, person: Person, reason: str) -> None:
        """Every journey of theirs ends, and what is under way is taken back."""
        for walk in self.walks:
            if walk.person is person and walk.state in ("live", "held"):
                walk.state, walk.why = "exited", reason
        for sent in self.sent:
            sent.taken_back |= sent.walk.person is person

    def lift(self, person: Person, *reasons: str, ref: str | None = None, channel: str | None = None) -> None:
        over = [
            b
            for b in person.bans
            if b.reason in reasons
            and (ref is None or b.ref == ref)
            and (channel is None or b.scope == "all" or b.channel == channel)
        ]
        if over:
            person.bans = [b for b in person.bans if b not in over]
            self._release(person)

    def _release(self, person: Person) -> None:
        for walk in self.walks:
            if walk.person is not person or walk.state != "held":
                continue
            if not any(b.reason in HOLDS and b.covers(walk.campaign) for b in self._live(person)):
                walk.state, walk.why, walk.due = "live", None, max(walk.due, self.now)

    # --- events that only journeys know ---------------------------------------------------------

    def happened(self, person: Person, type: str) -> None:
        """Wake who waits for it, then let in whom it starts a journey for."""
        for walk in self.walks:
            step = walk.campaign.step(walk.step)
            waits = isinstance(step, WaitEvent) and step.event.type == type and not walk.event
            if walk.person is person and walk.state == "live" and waits:
                walk.event, walk.due = True, min(walk.due, self.now)
        for campaign in self.campaigns:
            entry = campaign.entry
            if campaign.paused or campaign.kind != "event" or not entry.event or entry.event.type != type:
                continue
            mine = [w for w in self.walks if w.person is person and w.campaign is campaign]
            recent = any(w.entered > self.now - timedelta(hours=entry.limit_hours) for w in mine)
            if not recent and not any(w.state in ("live", "held") for w in mine):
                self._enter(person, campaign)
