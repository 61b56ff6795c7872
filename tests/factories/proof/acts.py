"""What happens to people and campaigns, told to the product and to the model alike."""

from datetime import datetime, timedelta
from typing import Any

from services.campaigns.service import cancel, kill_switch, pause, resume
from services.contracts.journey import Caps
from services.gates.lists import entry_hash, practice_key
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.suppression.blocks import block, unblock
from services.suppression.service import resume_marketing, stop_marketing
from tests.factories.proof.gates import LONG
from tests.factories.proof.journeys import journeys
from tests.factories.proof.model import HOLD_TIME
from tests.factories.proof.rows import Ban, Person, Sent
from tests.factories.proof.world import BEGINS, CAPS, MOST_PEOPLE, World

TERMINAL = (
    "pipeline.opportunity.lost",
    "pipeline.opportunity.won_future_potential",
    "pipeline.opportunity.converted",
    "pipeline.opportunity.closed",
    "pipeline.opportunity.withdrawn",
)
RECALL_ENDS = ("recall.journey.completed", "recall.patient.exited")
CONCIERGE_ENDS = ("concierge.contact.accepted", "concierge.contact.declined")
MOST_CAMPAIGNS = 7
LATE = timedelta(days=30)
HEARD = frozenset(
    [
        "nothing",
        "proposal",
        "visit",
        "booking",
        "concierge",
        "recall",
        "emergency",
        "consent",
        "reports",
        "replies_stop",
        "unsubscribes",
    ]
)
"""Acts that reach the product by the bus only, so that several may come in one wave."""
LIMITS = (CAPS, Caps(max_touches=1, per_days=2, min_gap_hours=0), Caps(max_touches=None, min_gap_hours=30))


class Acts:
    """One act a method: `who` it is about, its value, how many hours ago it was."""

    def __init__(self, world: World) -> None:
        self.world, self.model = world, world.model
        self.ago = 0

    def _event(self, who: int, type: str, key: str = "patient_id", which: str = "", **data: Any) -> Person:
        """Tell the product, and the model what every event means to journeys."""
        person, at = self._who(who), self._at()
        self.world.hears(self.world.understood(type, {key: str(person.id), **data}, at))
        person.heard.append((type, which, at))
        self.model.signal(person, type)
        return person

    def _starts(self, person: Person, type: str) -> None:
        """What happened too long ago starts no journey."""
        if self._at() >= self.model.now - LATE:
            self.model.triggered(person, type)

    def _who(self, who: int) -> Person:
        return self.model.people[who % len(self.model.people)]

    def _at(self) -> datetime:
        return max(self.model.now - timedelta(hours=self.ago), BEGINS)

    # --- campaigns -------------------------------------------------------------------------------

    def launch(self, _who: int, which: int) -> None:
        if len(self.model.campaigns) < MOST_CAMPAIGNS:
            self.world.launch(*journeys()[which])

    def pause(self, which: int, on: bool) -> None:
        before, after, do = ("active", "paused", pause) if on else ("paused", "active", resume)
        for campaign in self.model.campaigns[which % 3 :: 3]:
            if campaign.state == before:
                campaign.state, id = after, campaign.id
                campaign.resumed = campaign.resumed if on else self.model.now
                self.world.act(lambda u, id=id: do(u, id, reason="a test"), self.world.staff())

    def cancel(self, which: int, _: None) -> None:
        for campaign in self.model.campaigns[which % 5 : which % 5 + 1]:
            if campaign.state in ("active", "paused"):
                campaign.state = "cancelled"
                id = campaign.id
                self.world.act(lambda u, id=id: cancel(u, id, reason="a test"), self.world.staff())
                for execution in campaign.executions:
                    execution.ended = True

    def kill_switch(self, _who: int, on: bool) -> None:
        self.world.act(lambda u: kill_switch(u, on, "a test"), self.world.staff())
        self.model.practice.killed = on

    def limits(self, _who: int, which: int) -> None:
        self.world.save(LIMITS[which])

    # --- people ----------------------------------------------------------------------------------

    def arrives(self, _who: int, _: None) -> None:
        if len(self.model.people) < MOST_PEOPLE:
            self.world.arrives("lead", ("email", "sms"), "Europe/Paris", None)

    def do_not_contact(self, who: int, on: bool) -> None:
        person = self._who(who)
        self.world.sql(
            "UPDATE canonical.contact SET do_not_contact = :on WHERE practice_id = :practice AND contact_id = :id",
            id=person.id, on=on,
        )  # fmt: skip
        person.do_not_contact = on

    def booking(self, who: int, _: None) -> None:
        person = self._event(who, "appointment.booked", appointment_id=str(new_id()))
        self.model.end(person, "APPOINTMENT_BOOKED")

    def visit(self, who: int, _: None) -> None:
        person = self._event(who, "appointment.attended", appointment_id=str(new_id()))
        self._starts(person, "appointment.attended")

    def proposal(self, who: int, what: str) -> None:
        person = self._event(who, f"proposal.{what}", proposal_id=str(new_id()))
        self._starts(person, f"proposal.{what}")

    def becomes(self, who: int, kind: str) -> None:
        person = self._who(who)
        self.world.sql(
            "UPDATE canonical.contact SET kind = :kind WHERE practice_id = :practice AND contact_id = :id",
            id=person.id, kind=kind,
        )  # fmt: skip
        person.kind = kind

    def staff_stops(self, who: int, on: bool | int) -> None:
        """For good, or for so many hours."""
        person, staff = self._who(who), self.world.staff()
        if on:
            until = None if on is True else self.model.now + timedelta(hours=on)
            self.world.act(lambda u: stop_marketing(u, person.id, note="", until=until), staff)
            self.model.ban(person, Ban("MANUAL_SUPPRESSION", expires=until), "hold")
        else:
            self.world.act(lambda u: resume_marketing(u, person.id, note=""), staff)
            self.model.lift(person, "MANUAL_SUPPRESSION", at=self.model.now)

    def block_list(self, who: int, on: bool) -> None:
        """Staff put somebody's address on the list, or take it off."""
        address = self._who(who).email
        if on:
            self.world.act(lambda u: block(u, address, ground="asked"), self.world.staff())
            self.model.block(address, "email")
        elif address in self.model.practice.blocked:
            self.world.act(lambda u: _unblock(u, address), self.world.staff())
            self.model.practice.blocked.remove(address)

    # --- suppression signals ---------------------------------------------------------------------

    def consent(self, who: int, value: tuple[str, bool]) -> None:
        channel, granted = value
        person, at, state = self._who(who), self._at(), "granted" if granted else "revoked"
        for one in ("email", "sms") if channel == "all" else (channel,):
            held = person.consent_at.get(one, at)  # the platform keeps the latest word; of two the no
            if at > held or (at == held and not granted) or one not in person.consent_at:
                person.consent_at[one], person.consent[one] = at, state
                self.world.consent(person, one, state)
        self._event(who, f"consent.{state}", "contact_id", channel, channel=channel)
        only = None if channel == "all" else channel
        if granted:
            self.model.agrees(person, channel, at)
        else:
            ban = Ban("CONSENT_REVOKED", scope="channel" if only else "all", channel=only, at=at)
            self.model.refuses(person, ban, at)

    def recall(self, who: int, on: bool) -> None:
        at, ends = self._at(), self.model.now.isoformat()
        if on:
            more = {"journey_id": "r", "enrolled_at": ends}
            person = self._event(who, "recall.patient.enrolled", which="r", **more)
            if not self.model.overtaken(person, RECALL_ENDS, at):
                ban = Ban("RECALL_RECONNECT_ENROLMENT", scope="types", types=LONG, ref="r", at=at)
                self.model.ban(person, ban, "hold")
        else:
            more = {"journey_id": "r", "ended_at": ends}
            person = self._event(who, "recall.journey.completed", which="r", **more)
            self.model.lift(person, "RECALL_RECONNECT_ENROLMENT", at=at, ref="r")

    def concierge(self, who: int, what: str) -> None:
        at, goal = self._at(), "conversion" if what == "contact.declined" and who == 0 else ""
        person = self._event(who, f"concierge.{what}", "contact_id", goal=goal)
        if what == "recovery.started":
            if not self.model.overtaken(person, CONCIERGE_ENDS, at):
                expires = self.model.now + HOLD_TIME
                self.model.ban(person, Ban("CONCIERGE_RECOVERY_HOLD", at=at, expires=expires), "hold")
            return
        if what == "contact.declined":
            for wanted in [goal] if goal else self.model.wanted(person):
                self._declines(person, wanted, at)
        if what == "contact.accepted":
            self.model.lift(person, "CONCIERGE_DECLINED", at=at, ref=f"goal:{goal}" if goal else None)
        self.model.lift(person, "CONCIERGE_RECOVERY_HOLD", at=at)

    def _declines(self, person: Person, goal: str, at: datetime) -> None:
        if not self.model.overtaken(person, ("concierge.contact.accepted",), at):
            ban = Ban("CONCIERGE_DECLINED", scope="goal", goal=goal, ref=f"goal:{goal}", at=at)
            self.model.ban(person, ban, "exit")

    def emergency(self, who: int, on: bool) -> None:
        at, ref = self._at(), str(self._who(who).id)
        if on:
            person = self._event(who, "pipeline.lead.opened", "lead_id", source_channel="Emergency")
            if not self.model.overtaken(person, TERMINAL, at):
                ban = Ban("EMERGENCY_STACK_EXCLUSION", scope="types", types=LONG, ref=ref, at=at)
                self.model.ban(person, ban, "exit")
        else:
            more = {"opportunity_id": str(new_id()), "closed_at": self.model.now.isoformat()}
            closed = "pipeline.opportunity.closed"
            person = self._event(who, closed, "lead_id", source_channel="x", **more)
            self.model.end(person, "OPPORTUNITY_CLOSED")
            self.model.lift(person, "EMERGENCY_STACK_EXCLUSION", at=at, ref=ref)

    # --- the Hub ---------------------------------------------------------------------------------

    def relay(self, _who: int, _: None) -> None:
        self.world.relay()

    def reports(self, which: int, whats: tuple[str, ...]) -> None:
        """What became of one message that left, told in any order."""
        left = [s for s in self.model.sent if s.relayed and s.id and s.status != "cancelled"]
        if not left:
            return
        sent = left[-1 - which % len(left)]
        person, channel, at = sent.walk.person, sent.channels[0], self._at()
        self._reported(sent, whats)
        self.model.reported(sent, whats)
        for what in whats:
            if what == "bounced":
                self.model.refuses(person, Ban("HARD_BOUNCE", scope="channel", channel=channel, at=at), at)
            elif what == "complained":
                self.model.ban(person, Ban("COMPLAINT"), "exit")
            if what in ("bounced", "complained"):  # for whoever else has the same address
                self.model.practice.blocked.add(person.address(channel))
            elif what == "opened":
                person.opened.append(at)
                self._starts(person, "hub.message.opened")

    def _reported(self, sent: Sent, whats: tuple[str, ...]) -> None:
        data = {
            "dispatch_id": str(sent.id), "contact_id": str(sent.walk.person.id), "channel": sent.channels[0],
            "campaign_id": str(sent.walk.campaign.id), "permanent": True,
        }  # fmt: skip
        self.world.hears(*(self.world.understood(f"hub.message.{what}", data, self._at()) for what in whats))

    def replies_stop(self, who: int, channel: str | None) -> None:
        """To one channel; where nobody says which, to everything."""
        more = {"dispatch_id": str(new_id()), "campaign_id": str(new_id()), "channel": channel}
        person = self._event(who, "hub.message.stop", "contact_id", **more)
        if channel:
            ban = Ban("STOP", scope="channel", channel=channel, at=self._at())
        else:
            ban = Ban("STOP", at=self._at())
        self.model.refuses(person, ban, self._at())

    def unsubscribes(self, who: int, everything: bool) -> None:
        campaign = self.model.campaigns[0] if self.model.campaigns else None
        more = {
            "dispatch_id": str(new_id()), "all_topics": everything,
            "campaign_id": str(campaign.id if campaign else new_id()), "topic": "marketing",
        }  # fmt: skip
        person = self._event(who, "hub.message.unsubscribed", "contact_id", **more)
        if everything:
            self.model.refuses(person, Ban("UNSUBSCRIBED", at=self._at()), self._at())
            return
        self.model.refuses(person, Ban("UNSUBSCRIBED", scope="topic", at=self._at()), self._at())
        if campaign:
            self.model.leave(person, campaign, "UNSUBSCRIBED")


async def _unblock(u: Unit, address: str) -> None:
    await unblock(u, entry_hash(practice_key(u), "address", address).hex(), why="a test")
