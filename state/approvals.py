"""The approvals inbox and the page of one request (D9)."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import reflex as rx

from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalDetail, ApprovalRow
from services.content.preview import email_page
from services.contracts.campaign_types import LABELS
from services.contracts.journey import Journey, Message
from services.contracts.merge_fields import sample_context
from services.engine.reach import reach
from services.kit.rendering import RenderProblem, render
from services.kit.uow import Unit
from state import words
from state.builder_impact import fate_words
from state.session import Session, acting, changed, pings, uuid_of


@dataclass(frozen=True)
class Asked:
    id: str
    campaign: str
    type: str
    by: str
    asked: str
    starts: str
    people: str
    note: str
    mine: bool


@dataclass(frozen=True)
class Said:
    """What one message says on one channel."""

    channel: str
    words: str
    subject: str
    text: str
    html: bool


@dataclass(frozen=True)
class Told:
    """One message step, with its words on each channel and variant."""

    title: str
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True)
class Left:
    sentence: str
    people: str


@dataclass(frozen=True)
class Inside:
    """A group of people inside the running journey, and what becomes of them."""

    who: str
    what: str


class Approvals(rx.State):
    loading: bool = True
    rows: list[Asked] = []
    may_approve: bool = False

    @rx.event
    async def load(self) -> Any:
        await self._read()
        return Approvals.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/approvals"):
            if topic in ("tick", "approvals", "campaigns"):
                async with self:
                    await self._read()

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found, me = await campaigns.inbox(u), u.actor
            now = u.now
        self.rows = [
            Asked(
                str(row.approval_id), row.campaign_name, _type(row), row.requested_by_name,
                words.ago(row.requested_at, now), _starts(row, zone),
                words.plural(row.audience_count or 0, "person", "people"), row.note, row.requested_by == me.person_id,
            )
            for row in found
        ]  # fmt: skip
        self.may_approve = me.may("approve")
        self.loading = False


class Approval(rx.State):
    """One request: what it will do, to how many, what changed, and the decision."""

    loading: bool = True
    campaign: str = ""
    campaign_id: str = ""
    type: str = ""
    version: str = ""
    by: str = ""
    note: str = ""
    starts: str = ""
    state: str = ""
    decided: str = ""
    may_decide: bool = False
    why_not: str = ""
    summary: list[str] = []
    changes: list[str] = []
    inside: list[Inside] = []
    first_time: bool = True
    messages: list[Told] = []
    people: str = ""
    people_then: str = ""
    reachable: str = ""
    read_back: str = ""
    left_out: list[Left] = []
    asking: bool = False
    busy: bool = False

    _id: str = ""

    @rx.event
    async def load(self) -> Any:
        self.loading, self.asking = True, False
        self._id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        await self._read()
        return Approval.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/approvals"):
            if topic in ("approvals", "campaigns"):
                async with self:
                    await self._read()

    @rx.event
    def ask_back(self, open: bool) -> None:
        self.asking = open

    @rx.event
    async def approve(self, form: dict[str, str]) -> Any:
        """Approves exactly the version on this page."""
        async with acting(self, "approve") as u:
            row = await campaigns.approve(u, uuid_of(self._id), note=form.get("note", "")[:2000])
        await self._told()
        start = _starts(row, (await self.get_state(Session)).zone)
        return [rx.toast.success(f"“{row.campaign_name}” is approved. {start}."), rx.redirect("/approvals")]

    @rx.event
    async def send_back(self, form: dict[str, str]) -> Any:
        async with acting(self, "approve") as u:
            row = await campaigns.send_back(u, uuid_of(self._id), note=form.get("back", "")[:2000])
        self.asking = False
        await self._told()
        return [
            rx.toast.success(f"Sent back to {row.requested_by_name} with your note."),
            rx.redirect("/approvals"),
        ]

    async def _told(self) -> None:
        await changed(self, "approvals")
        await changed(self, "campaigns")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await campaigns.approval(u, uuid_of(self._id))
            await self._who(u, found.row.campaign_id, found.journey)
        self._show(found, zone)

    async def _who(self, u: Unit, campaign_id: UUID, journey: Journey) -> None:
        preview = await reach(u, campaign_id, journey)
        self.people, self.reachable = words.count(preview.count), words.count(preview.reachable)
        self.read_back = preview.sentence
        self.left_out = [Left(e.sentence, words.count(e.count)) for e in preview.excluded if e.count]

    def _show(self, found: ApprovalDetail, zone: str) -> None:
        row = found.row
        self.campaign, self.campaign_id = row.campaign_name, str(row.campaign_id)
        self.type, self.version = _type(row), f"Version {row.version_number}"
        self.by = f"{row.requested_by_name}, {words.moment(row.requested_at, zone)}"
        self.note, self.starts, self.state = row.note, _starts(row, zone), row.state
        self.people_then = words.count(row.audience_count)
        self.decided = _decided(row, zone)
        self.may_decide, self.why_not = found.may_decide, found.why_not
        self.summary = found.summary
        self.inside = [Inside(**fate_words(fate)) for fate in row.impact]
        self.first_time = found.previous_journey is None
        self.changes = [] if self.first_time else found.diff.sentences
        self.messages = [_told(step) for step in found.journey.steps if isinstance(step, Message)]
        self.loading = False


def _type(row: ApprovalRow) -> str:
    return LABELS.get(row.campaign_type, words.plain(row.campaign_type))


def _starts(row: ApprovalRow, zone: str) -> str:
    if row.activate_at is None:
        return "Starts as soon as it is approved"
    return f"Starts {words.moment(row.activate_at, zone)}"


def _decided(row: ApprovalRow, zone: str) -> str:
    if row.state == "requested":
        return ""
    what = {"approved": "Approved", "used": "Approved", "sent_back": "Sent back"}.get(row.state, "Taken back")
    who = f" by {row.decided_by_name}" if row.decided_by_name else ""
    note = f": {row.decision_note}" if row.decision_note else "."
    return f"{what}{who}, {words.moment(row.decided_at, zone)}{note}"


def _told(step: Message) -> Told:
    many = len(step.variants) > 1
    said = [
        Said(
            channel,
            words.CHANNELS[channel] + (f" · {v.label or v.key.upper()} ({v.percent:g} %)" if many else ""),
            _filled(v.content[channel].subject, html=False),
            email_page(_filled(v.content[channel].body, html=True))
            if channel == "email"
            else _filled(v.content[channel].body, html=False),
            channel == "email",
        )
        for v in step.variants
        for channel in step.channels
        if channel in v.content
    ]
    return Told(step.title or "Message", said)


def _filled(text: str, *, html: bool) -> str:
    """The words as an example person would read them; as written where they cannot be filled in."""
    try:
        return render(text, sample_context(), html=html)
    except RenderProblem:
        return text
