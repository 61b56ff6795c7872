"""Messages planned for one person: the list on their page, and the dialog that plans one."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx

from services.content import service as content
from services.content.contracts import TemplateRow
from services.followups import service as followups
from services.followups.contracts import FollowupChange, FollowupFilter, FollowupRow, NewFollowup
from services.kit.errors import Invalid
from state import words
from state.session import Session, acting, changed, opens, pings, uuid_of

STATES: dict[str, tuple[str, words.Tone]] = {
    "pending": ("Planned", "info"),
    "sent": ("On its way", "accent"),
    "failed": ("Not sent", "danger"),
    "cancelled": ("Cancelled", "neutral"),
}
HUB: dict[str, tuple[str, words.Tone]] = {
    "sent": ("Sent", "ok"),
    "delivered": ("Delivered", "ok"),
    "failed": ("Not delivered", "danger"),
    "bounced": ("Came back", "danger"),
    "cancelled": ("Called back", "neutral"),
    "cancel_requested": ("Being called back", "neutral"),
}
OWN_WORDS = ""


@dataclass(frozen=True)
class Followup:
    id: str
    when: str
    how: str
    state: str
    tone: str
    why: str
    more: str
    open: bool


class Followups(rx.State):
    rows: list[Followup] = []
    planning: bool = False
    template: str = OWN_WORDS
    templates: list[list[str]] = [[OWN_WORDS, "Write it myself"]]
    channel: str = "email"
    otherwise: str = ""
    due: str = ""
    first_day: str = ""
    cancelling: str = ""

    _contact: str = ""

    @rx.event
    @opens
    async def load(self) -> Any:
        self.planning, self.cancelling = False, ""
        self._contact = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        await self._read()
        return Followups.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """A planned message changes by itself when its time comes."""
        async for _ in pings(self, "/people"):
            async with self:
                await self._read()

    @rx.event
    async def ask(self, open: bool) -> None:
        """Opens the dialog with tomorrow morning chosen, and the templates in use."""
        self.planning = open
        if not open:
            return
        zone = ZoneInfo((await self.get_state(Session)).zone)
        async with acting(self, "read") as u:
            known = await content.templates(u, active_only=True)
            today = u.now.astimezone(zone).date()
        self.templates = [[OWN_WORDS, "Write it myself"], *[_option(t) for t in known]]
        self.template, self.channel, self.otherwise = OWN_WORDS, "email", ""
        self.due = datetime.combine(today + timedelta(days=1), time(10)).strftime("%Y-%m-%dT%H:%M")
        self.first_day = f"{today:%Y-%m-%d}T00:00"

    @rx.event
    def choose_template(self, key: str) -> None:
        self.template = key

    @rx.event
    def choose_channel(self, channel: str) -> None:
        self.channel = channel if channel in words.CHANNELS else "email"
        if self.otherwise == self.channel:
            self.otherwise = ""

    @rx.event
    def choose_otherwise(self, channel: str) -> None:
        self.otherwise = channel if channel in words.CHANNELS and channel != self.channel else ""

    @rx.event
    async def plan(self, form: dict[str, str]) -> Any:
        """Plans what the form says; the service asks who may."""
        zone = ZoneInfo((await self.get_state(Session)).zone)
        async with acting(self, "read") as u:
            planned = await followups.plan(u, await self._wanted(u, form, zone))
        self.planning = False
        await self._read()
        await changed(self, "people")
        when = words.moment(planned.followup.due_at, str(zone))
        if planned.against:
            return rx.toast.warning(
                f"Planned for {when}. As things are now it would not be sent: {planned.against[0]}",
                duration=9000,
            )
        return rx.toast.success(f"Planned for {when}.")

    @rx.event
    def ask_cancel(self, followup_id: str) -> None:
        self.cancelling = followup_id

    @rx.event
    def keep(self, open: bool) -> None:
        if not open:
            self.cancelling = ""

    @rx.event
    async def cancel(self, form: dict[str, str]) -> Any:
        """Takes the planned message off; the service asks who may."""
        wanted = FollowupChange(state="cancelled", note=form.get("note", "").strip()[:500])
        async with acting(self, "read") as u:
            await followups.change(u, uuid_of(self.cancelling), wanted)
        self.cancelling = ""
        await self._read()
        await changed(self, "people")
        return rx.toast.success("The planned message is cancelled.")

    async def _wanted(self, u: Any, form: dict[str, str], zone: ZoneInfo) -> NewFollowup:
        value: dict[str, Any] = {
            "contact_id": uuid_of(self._contact),
            "due_at": _moment(form.get("due", ""), zone),
            "why": form.get("why", "").strip()[:500] or "Follow-up",
        }
        if self.template != OWN_WORDS:
            chosen = await content.template(u, uuid_of(self.template))
            return NewFollowup.model_validate(
                value | {"template_id": chosen.template_id, "channels": [chosen.channel]}
            )
        channels = [c for c in (self.channel, self.otherwise) if c]
        text = {
            "subject": form.get("subject", "").strip()[:300],
            "body": form.get("body", "").strip()[:20_000],
        }
        said = {c: text if c in ("email", "in_app") else text | {"subject": ""} for c in channels}
        return NewFollowup.model_validate(value | {"channels": channels, "content": said})

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await followups.page(u, FollowupFilter(contact_id=uuid_of(self._contact), limit=20))
        self.rows = [_row(row, zone) for row in found.rows]


def _option(template: TemplateRow) -> list[str]:
    return [str(template.template_id), f"{template.name} ({words.CHANNELS[template.channel]})"]


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """What a date and time field says, in the practice's zone. Raises Invalid."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise Invalid("Choose the day and time it should go.") from error


def _row(row: FollowupRow, zone: str) -> Followup:
    state, tone = STATES[row.state]
    if row.state == "sent":
        state, tone = HUB.get(row.message_status or "", (state, tone))
    used = [row.message_channel] if row.message_channel else row.channels
    by = f"Planned by {row.planned_by}" if row.planned_by else "Planned by another system"
    return Followup(
        id=str(row.followup_id),
        when=words.moment(row.due_at, zone),
        how=", else ".join(words.CHANNELS[c] for c in used),
        state=state,
        tone=tone,
        why=row.why,
        more=row.sentence or row.note or by,
        open=row.state == "pending",
    )
