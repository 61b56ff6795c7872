"""What each signal does to the people it is about, one walk at a time."""

from collections.abc import Callable
from datetime import datetime

from services.contracts.journey import WaitEvent
from tests.factories.proof.gates import HOLDS, Gates
from tests.factories.proof.rows import Ban, Campaign, Person, Sent, Walk

RANK = {"accepted": 1, "cancel_requested": 1, "sent": 2, "delivered": 3, "failed": 4, "bounced": 5}


NOES = ("CONSENT_REVOKED", "STOP", "UNSUBSCRIBED", "HARD_BOUNCE")
CHANNELS = ("email", "in_app", "sms", "whatsapp")


class Suppression(Gates):
    people: list[Person]
    campaigns: list[Campaign]

    def ban(self, person: Person, ban: Ban, effect: str) -> None:
        self.expire(person)
        for old in person.bans:
            if old.same(ban):
                old.expires = max(old.expires, ban.expires) if old.expires and ban.expires else None
                old.at = max(filter(None, (old.at, ban.at)), default=None)
                break
        else:
            person.bans.append(ban)
        touched = [] if effect == "none" else self._open(person, ban.covers)
        for walk in touched:
            if effect == "exit":
                walk.end("exited", ban.reason, self.now)
            elif walk.state == "live":
                walk.state, walk.why = "held", ban.reason
        for sent in self.sent:
            only = ban.scope == "channel" and sent.channels == (ban.channel,)
            within = only or ban.scope == "topic" or ban.covers(sent.walk.campaign)
            if sent.walk.person is person and (sent.walk in touched or within):
                sent.take_back(self.now)

    def end(self, person: Person, reason: str) -> None:
        """Every journey of theirs ends, and all that is under way is taken back."""
        self._end(self._open(person), reason)
        for sent in self.sent:
            if sent.walk.person is person:
                sent.take_back(self.now)

    def leave(self, person: Person, campaign: Campaign, reason: str) -> None:
        """They go from one campaign, and all it asked for is taken back."""
        self._end(self._open(person, lambda c: c is campaign), reason)
        for sent in self.sent:
            if sent.walk.person is person and sent.walk.campaign is campaign:
                sent.take_back(self.now)

    def _end(self, walks: list[Walk], reason: str) -> None:
        for walk in walks:
            walk.end("exited", reason, self.now)
        for sent in self.sent:
            if sent.walk in walks:
                sent.take_back(self.now)

    def _open(self, person: Person, within: Callable[[Campaign], bool] = lambda _: True) -> list[Walk]:
        return [w for w in self.walks if w.person is person and w.open and within(w.campaign)]

    def wanted(self, person: Person) -> list[str]:
        """What the journeys want that they are in."""
        return sorted({walk.campaign.journey.goal.objective for walk in self._open(person)})

    def lift(
        self, person: Person, *reasons: str, at: datetime, ref: str | None = None, channel: str | None = None
    ) -> None:
        """End suppressions that what happened `at` that moment may end: older ones."""
        over = [
            b
            for b in person.bans
            if b.reason in reasons
            and (ref is None or b.ref == ref)
            and (channel is None or b.scope == "all" or b.channel == channel)
            and (b.at is None or b.at <= at)
        ]
        if over:
            person.bans = [b for b in person.bans if b not in over]
            self._release(person)

    def agrees(self, person: Person, channel: str, at: datetime) -> None:
        """A yes lifts every older no to its channel; an older no to everything goes on for the others."""
        only = None if channel == "all" else channel
        over = [
            b
            for b in person.bans
            if b.reason in NOES
            and (only is None or b.scope == "all" or b.channel == only)
            and (b.at is None or b.at < at)
        ]
        person.bans = [b for b in person.bans if b not in over]
        for b in over:
            if only and b.scope == "all":
                self._closes(person, b, set(CHANNELS) - {only})

    def refuses(self, person: Person, no: Ban, at: datetime) -> None:
        """A no closes what no later yes has opened."""
        yes = {
            key for type, key, when in person.heard if type == "consent.granted" and when > at
        }  # fmt: skip
        if "all" in yes:
            return
        if not yes or no.scope == "topic":
            self.ban(person, no, "exit" if no.scope == "all" else "none")
        else:
            self._closes(person, no, (set(CHANNELS) if no.scope == "all" else {no.channel or ""}) - yes)

    def _closes(self, person: Person, no: Ban, channels: set[str]) -> None:
        for channel in sorted(channels):
            self.ban(person, Ban(no.reason, scope="channel", channel=channel, at=no.at), "none")

    def expire(self, person: Person) -> None:
        lasting = [b for b in person.bans if self.in_force(b.expires)]
        if len(lasting) < len(person.bans):
            person.bans = lasting
            self._release(person)

    def _release(self, person: Person) -> None:
        for walk in self.walks:
            if walk.person is not person or walk.state != "held":
                continue
            if not any(
                b.reason in HOLDS and b.covers(walk.campaign) and self.in_force(b.expires)
                for b in person.bans
            ):
                # What they waited for came meanwhile, or before: they go on by it at once.
                walk.due = self.now if walk.event else max(walk.due, self.now)
                walk.state, walk.why = "live", None

    def overtaken(self, person: Person, types: tuple[str, ...], at: datetime, *which: str) -> bool:
        """Has the end of it, which happened later, been heard already?"""
        return any(
            type in types and when > at and (not which or key in which) for type, key, when in person.heard
        )

    def block(self, address: str, channel: str) -> None:
        """Staff put an address on the list: what is on its way there is taken back."""
        if address in self.practice.blocked:
            return
        self.practice.blocked.add(address)
        for sent in self.sent:
            if channel in sent.channels and sent.walk.person.address(channel) == address:
                sent.take_back(self.now)

    def signal(self, person: Person, type: str) -> None:
        """Goals and exits that this is, and waits that end with it; asked before anything is suppressed."""
        reached, ended = [], []
        for walk in self._open(person):
            journey, step = walk.campaign.journey, walk.campaign.step(walk.step)
            if journey.goal.event.type == type:
                reached.append(walk)
            elif any(match.type == type for match in journey.exit_on):
                ended.append(walk)
            elif isinstance(step, WaitEvent) and step.event.type == type:
                if walk.state == "live" and not walk.event:
                    walk.due = min(walk.due, self.now)
                walk.event = True
        self._end(reached, "APPOINTMENT_BOOKED" if type == "appointment.booked" else "GOAL_REACHED")
        self._end(ended, "EXIT_EVENT")

    def reported(self, sent: Sent, whats: tuple[str, ...]) -> None:
        """Statuses of one message, in whatever order and however often: they only go forward."""
        best = max(whats, key=lambda what: RANK.get(what, 0))
        if RANK.get(best, 0) > RANK.get(sent.status, 0):
            sent.status = best
