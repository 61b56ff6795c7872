"""Who gets which step when, and why not: the engine's rules again, one person at a time.

Slow and obvious on purpose. It knows no SQL, no batches and no locks; where it and the product
disagree, one of the two is wrong. The only thing it takes from the product is how many pieces of
work were committed before a crash.
"""

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.contracts.journey import Branch, Entry, Exit, Message, Split, Step, Wait, WaitEvent, ports
from tests.factories.proof.gates import bucket, next_window
from tests.factories.proof.rows import Campaign, Execution, Person, Practice, Sent, Walk
from tests.factories.proof.suppression import Suppression

HOLD_TIME = timedelta(hours=72)
RESCAN = timedelta(seconds=60)
DAILY_AT, ZONE = time(9), ZoneInfo("Europe/London")
"""When recurring campaigns start, by the practice's clock."""


class Crashed(Exception):
    """The work that was paid for is done."""


class Model(Suppression):
    """What should be true. `now` moves only by whoever drives both."""

    def __init__(self, now: datetime, people: list[Person], practice: Practice, salt: str) -> None:
        self.now, self.people, self.practice, self.salt = now, people, practice, salt
        self.campaigns: list[Campaign] = []
        self.walks: list[Walk] = []
        self.sent: list[Sent] = []
        self.refused: list[tuple[UUID, UUID, str, str]] = []
        self._paid: int | None = None
        self._together: list[Sent] = []

    # --- time --------------------------------------------------------------------------------

    def tick(self) -> None:
        """What the scheduler does: holds run out, recurring campaigns start."""
        for person in self.people:
            self.expire(person)
        for campaign in self.campaigns:
            if campaign.kind != "recurring" or campaign.state != "active":
                continue
            before = [campaign.resumed, *(x.planned for x in campaign.executions)]
            since = max([campaign.activated, *(at for at in before if at)])
            # Of all that was missed, one makes good; what passed during a pause is over.
            last = datetime.combine(self.now.astimezone(ZONE).date(), DAILY_AT, ZONE)
            if last > self.now:
                last = datetime.combine(last.date() - timedelta(days=1), DAILY_AT, ZONE)
            if last > since:
                campaign.executions.append(Execution(self.now, last))

    def settle(self, pieces: int | None = None) -> None:
        """Everything that is due now, the longest due step first, until nothing is; or as many
        pieces of it, each a transaction, as came through before a crash."""
        self._paid = pieces
        try:
            while self._round():
                pass
        except Crashed:
            pass

    def _piece(self) -> None:
        if self._paid == 0:
            raise Crashed
        if self._paid is not None:
            self._paid -= 1

    def _round(self) -> bool:
        worked = self._enrol()
        groups: dict[tuple[UUID, str], datetime] = {}
        for walk in self._due():
            key = (walk.campaign.version, walk.step)
            groups[key] = min(walk.due, groups.get(key, walk.due))
        for version, step in sorted(groups, key=lambda k: (groups[k], k)):
            group = [w for w in self._due() if (w.campaign.version, w.step) == (version, step)]
            group.sort(key=lambda w: (w.person.id, w.number))
            late = [w for w in group if self._put_off(w)]
            group = [w for w in group if w not in late]
            worked = worked or bool(late)
            if group:
                self._piece()
                worked = True
            self._together = []
            for n, walk in enumerate(group):
                # One message at a time to each person; who is in twice comes again next round.
                message = isinstance(walk.campaign.step(step), Message)
                if not message or walk.person not in (w.person for w in group[:n]):
                    self._advance(walk)
        return self._close() or worked

    def _due(self) -> list[Walk]:
        if self.practice.killed:
            return []
        return [
            w for w in self.walks if w.state == "live" and w.due <= self.now and w.campaign.state == "active"
        ]

    def _close(self) -> bool:
        """Runs that everybody has left are over; who is left in an ended campaign goes."""
        over = [
            (c, x)
            for c in self.campaigns
            for x in c.executions
            if c.state == "active" and c.kind != "dynamic" and not x.scanning and not x.ended
            and not any(w.execution is x and w.open for w in self.walks)
        ]  # fmt: skip
        if over:
            self._piece()
        for campaign, execution in over:
            execution.ended = True
            if campaign.kind == "one_off":
                campaign.state = "completed"
        left = [w for w in self.walks if w.open and w.campaign.state in ("completed", "cancelled")]
        if left:
            self._piece()
            for walk in left:
                walk.end("exited", "CAMPAIGN_ENDED", self.now)
            for sent in self.sent:
                if sent.walk in left and sent.status in ("requested", "accepted"):
                    sent.status = "cancel_requested"
        return bool(over or left)

    # --- coming in ---------------------------------------------------------------------------

    def _enrol(self) -> bool:
        worked = False
        for campaign in self.campaigns:
            for execution in campaign.executions:
                again = execution.scanned is None or execution.scanned <= self.now - RESCAN
                if campaign.kind == "dynamic" and campaign.state == "active" and again:
                    execution.scanning = True
        running = [(c, x) for c in self.campaigns for x in c.executions if not x.ended]
        for campaign, execution in sorted(running, key=lambda one: one[1].started):
            if self.practice.killed or campaign.state != "active" or not execution.scanning:
                continue
            chosen = [p for p in self.people if self._belongs(p, campaign) and self._may_come(p, campaign)]
            if chosen:
                self._piece()
            worked = True
            execution.scanning, execution.scanned = False, self.now
            for person in chosen:
                self._enter(person, campaign, execution)
        return worked

    def _belongs(self, person: Person, campaign: Campaign) -> bool:
        """Is this person in the audience? Here audiences are kinds of people."""
        return person.kind in campaign.journey.audience.kinds

    def _may_come(self, person: Person, campaign: Campaign) -> bool:
        """ENG-7."""
        mine = [w for w in self.walks if w.person is person and w.campaign is campaign]
        reentry = campaign.entry.reentry
        match reentry.rule:
            case "never":
                return not mine
            case "after_exit":
                return not any(w.open for w in mine)
            case "after_period":
                since = self.now - timedelta(days=reentry.days)
                return not any(w.ended is None or w.ended > since for w in mine)
        return True

    def triggered(self, person: Person, type: str) -> None:
        """Let in whom an event starts a journey for."""
        for campaign in self.campaigns:
            entry = campaign.entry
            if campaign.state != "active" or campaign.kind != "event":
                continue
            if not entry.event or entry.event.type != type:
                continue
            since = self.now - timedelta(hours=entry.limit_hours)
            mine = [w for w in self.walks if w.person is person and w.campaign is campaign]
            recent = entry.limit_hours and any(w.entered > since for w in mine)
            if not recent and self._belongs(person, campaign) and self._may_come(person, campaign):
                self._enter(person, campaign, None)

    def _enter(self, person: Person, campaign: Campaign, execution: Execution | None) -> None:
        reason, _ = self.gate(person, campaign)
        entry = campaign.entry
        if reason:
            row = (person.id, campaign.id, entry.id, reason)
            if row not in self.refused:
                self.refused.append(row)
            return
        number = 1 + sum(w.person is person and w.campaign is campaign for w in self.walks)
        assert entry.next
        if entry.delay_minutes:  # they wait at the door, and are looked at again then
            step, due = entry.id, self.now + timedelta(minutes=entry.delay_minutes)
        else:
            step, due = entry.next, self._due_at(campaign.step(entry.next), person)
        self.walks.append(Walk(person, campaign, number, step, due, self.now, execution))

    # --- going on ----------------------------------------------------------------------------

    def _due_at(self, step: Step, person: Person) -> datetime:
        match step:
            case Wait():
                return self.now + timedelta(minutes=step.until.minutes)  # type: ignore[union-attr]
            case WaitEvent():
                return self.now + timedelta(minutes=step.timeout_minutes)
            case Message(window=window) if window is not None:
                return next_window(window, person, self.now, self.practice.holidays, arrives=True)
        return self.now

    def _put_off(self, walk: Walk) -> bool:
        """Who is due at a message outside its window waits for the next opening (ENG-4)."""
        step = walk.campaign.step(walk.step)
        if not isinstance(step, Message) or step.window is None:
            return False
        at = next_window(step.window, walk.person, self.now, self.practice.holidays, arrives=False)
        if at > self.now:
            walk.due = at
        return at > self.now

    def _advance(self, walk: Walk) -> None:
        step = walk.campaign.step(walk.step)
        port = "next"
        match step:
            case Entry():
                if not self._belongs(walk.person, walk.campaign):
                    return walk.end("exited", "NOT_IN_AUDIENCE", self.now)
            case Message():
                if not self._message(walk, step):
                    return
            case WaitEvent():
                port = "on_event" if walk.event else "on_timeout"
            case Branch():
                port = "path-0" if walk.person.kind == "lead" else "otherwise"
            case Split():
                share = bucket(f"split/{step.id}/", walk.person)
                port = "arm-0" if share < step.arms[0].percent * 100 else "arm-1"
            case Exit():
                return walk.end("completed", "END_OF_JOURNEY", self.now)
        target = next(to for key, _, to in ports(step) if key == port)
        assert target
        walk.step, walk.event = target, False
        walk.due = self._due_at(walk.campaign.step(target), walk.person)

    def _message(self, walk: Walk, step: Message) -> bool:
        """Ask for it or refuse it; false when the walk does not go on."""
        person, campaign = walk.person, walk.campaign
        reason, effect = self.gate(person, campaign)
        before = [s for s in self.sent if s not in self._together]
        reason = reason or self.tired(walk, step, before)
        if reason is None:
            verdicts = [(c, self.channel(person, c)) for c in step.channels]
            channels = tuple(c for c, why in verdicts if why is None)
            reason = None if channels else verdicts[0][1]
            # Of those who come together, whoever has a reason of their own is told that one.
            if reason is None and self.in_household(walk, step, self._together):
                reason = "DUPLICATE_DESTINATION"
            if reason is None:
                self.sent.append(Sent(walk, step.id, self.now, channels))
                self._together.append(self.sent[-1])
                return True
        self.refused.append((person.id, campaign.id, step.id, reason))
        if effect == "hold":
            walk.state, walk.why, walk.due = "held", reason, self.now
        elif effect == "exit":
            walk.end("exited", reason, self.now)
        return effect == "skip"
