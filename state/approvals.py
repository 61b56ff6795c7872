"""The page of one request: everything an approver reads, the thread, and the decision (D9)."""

from typing import Any

import reflex as rx

from services.bootstrap import app
from services.builder.comparison import compare
from services.builder.template_words import spelled
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalDetail
from services.contracts.journey import Message
from services.engine.judging import Judged, judged
from services.forecast.service import forecast_campaign
from state import approval_rows as rows
from state import words
from state.approval_rows import Inside, Left, Look, Remark, Reworded, Told, end_of, starts, type_of
from state.builder_impact import fate_words
from state.drawing import Drawing, clear, show
from state.session import Session, acting, changed, opens, permitted, pings, uuid_of


class Approval(rx.State):
    """One request: what it will do, to how many, what changed, and the decision."""

    loading: bool = True
    campaign: str = ""
    campaign_id: str = ""
    print_href: str = ""
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
    risks: list[Look] = []
    reworded: list[Reworded] = []
    audience_was: str = ""
    comments: list[Remark] = []
    may_comment: bool = False
    forecast: str = ""
    until: str = ""
    people_change: str = ""
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
    @opens
    async def load(self) -> Any:
        self.loading, self.asking = True, False
        self.until, self.forecast = "", ""
        self._id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        await self._read()
        return [Approval.follow, Approval.foresee]

    @rx.event(background=True, supersedes=True)
    async def foresee(self) -> None:
        """The forecast's headline, worked out while the page is read already."""
        async with self:
            actor, asked = await permitted(self, "read"), self._id
        async with app().uow(actor) as u:
            row = (await campaigns.approval(u, uuid_of(asked))).row
            found = await forecast_campaign(u, row.campaign_id, version_id=row.version_id)
        async with self:
            if asked == self._id:
                self.forecast = (
                    "Nobody new would come in now; who is inside goes on as decided."
                    if not found.entered
                    else f"{words.plural(found.requested, 'message')} to {words.plural(found.entered, 'person', 'people')} "
                    f"in {(found.last_day - found.first_day).days + 1} days; "
                    f"{words.count(found.goals)} may reach the goal."
                )

    @rx.event
    def set_until(self, day: str) -> None:
        """The last day of an approval for a time; empty: it holds until something changes."""
        self.until = day[:10]

    @rx.event
    async def remark(self, form: dict[str, str]) -> Any:
        """Add to the thread."""
        async with acting(self, "read") as u:
            await campaigns.comment(u, uuid_of(self._id), form.get("remark", ""))
        await self._read()
        await changed(self, "approvals")
        return rx.set_value("remark", "")

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
            end = end_of(self.until, (await self.get_state(Session)).zone)
            row = await campaigns.approve(u, uuid_of(self._id), note=form.get("note", "")[:2000], until=end)
        await self._tell()
        start = starts(row, (await self.get_state(Session)).zone)
        return [rx.toast.success(f"“{row.campaign_name}” is approved. {start}."), rx.redirect("/approvals")]

    @rx.event
    async def send_back(self, form: dict[str, str]) -> Any:
        async with acting(self, "approve") as u:
            row = await campaigns.send_back(u, uuid_of(self._id), note=form.get("back", "")[:2000])
        self.asking = False
        await self._tell()
        return [
            rx.toast.success(f"Sent back to {row.requested_by_name} with your note."),
            rx.redirect("/approvals"),
        ]

    async def _tell(self) -> None:
        await changed(self, "approvals")
        await changed(self, "campaigns")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            seen = await judged(u, uuid_of(self._id))
            self.may_comment = u.actor.may("approve") or u.actor.may("author")
        self._who(seen)
        self._look(seen, zone)
        self._show(seen.detail, zone)
        drawing, now, before = (
            await self.get_state(Drawing),
            seen.detail.journey,
            seen.detail.previous_journey,
        )
        if before is not None and not seen.detail.problems:
            show(drawing, before, now, compare(before, now))
        else:
            clear(drawing)

    def _who(self, seen: Judged) -> None:
        preview = seen.reach
        self.people, self.reachable = words.count(preview.count), words.count(preview.reachable)
        self.read_back, self.audience_was = preview.sentence, seen.audience_was
        self.left_out = [Left(e.sentence, words.count(e.count)) for e in preview.excluded if e.count]
        before = seen.detail.people_before
        self.people_change = "" if before is None else rows.change(preview.count - before)

    def _look(self, seen: Judged, zone: str) -> None:
        self.risks = [Look(risk.tone, risk.sentence) for risk in seen.risks]
        self.reworded = [
            Reworded(rows.where(c), spelled(c.before) or "Nothing", spelled(c.now) or "Nothing any more")
            for c in seen.changed_words
        ]
        self.comments = [Remark(c.person, words.moment(c.at, zone), c.words) for c in seen.comments]

    def _show(self, found: ApprovalDetail, zone: str) -> None:
        row = found.row
        self.campaign, self.campaign_id = row.campaign_name, str(row.campaign_id)
        self.print_href = f"/campaigns/{row.campaign_id}/print?version={row.version_id}"
        self.type, self.version = type_of(row), f"Version {row.version_number}"
        self.by = f"{row.requested_by_name}, {words.moment(row.requested_at, zone)}"
        self.note, self.starts, self.state = row.note, starts(row, zone), row.state
        self.people_then = words.count(row.audience_count)
        self.decided = rows.decided(row, zone)
        self.may_decide, self.why_not = found.may_decide, found.why_not
        self.summary = found.summary
        self.inside = [Inside(**fate_words(fate)) for fate in row.impact]
        self.first_time = found.previous_journey is None
        self.changes = [] if self.first_time else [*found.diff.audience, *found.diff.settings]
        self.messages = [rows.told(step) for step in found.journey.steps if isinstance(step, Message)]
        self.loading = False
