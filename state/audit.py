"""The audit page: what was done, by whom, and whether the chain is whole."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import reflex as rx

from services.access import service as access
from services.audit import service as audit
from services.audit.contracts import AuditRow
from services.audit.tags import AuditTag
from services.bootstrap import app
from services.kit.errors import StepUpNeeded
from state import words
from state.session import Session, acting, permitted, pings, token_of, uuid_of

FAMILIES = [
    ("", "Everything"),
    *(
        (tag.value, words.plain(tag.value.removeprefix("access.").removeprefix("privacy.")))
        for tag in AuditTag
    ),
]
PAGE_SIZE = 40


@dataclass(frozen=True)
class Row:
    id: str
    at: str
    what: str
    tag: str
    tone: str
    who: str
    campaign: str
    campaign_href: str
    person_href: str
    reason: str
    detail: str
    sealed: str


class Audit(rx.State):
    loading: bool = True
    rows: list[Row] = []
    more: bool = False
    tag: str = ""
    campaign: str = ""
    since: str = ""
    until: str = ""
    checking: bool = False
    checked: bool = False
    whole: bool = False
    verdict: str = ""

    coding: bool = False
    code_hint: str = ""

    _next: str = ""

    @rx.event
    async def load(self) -> Any:
        asked = self.router.url.query_parameters.get("campaign", "")
        self.campaign = str(uuid_of(asked)) if asked else ""
        self.checked = False
        await self._read()
        return Audit.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Shows new acts as they happen, unless the reader has gone further down."""
        async for _ in pings(self, "/audit"):
            async with self:
                if len(self.rows) <= PAGE_SIZE:
                    await self._read()

    @rx.event
    async def choose(self, what: str, value: str) -> None:
        """One of the filters: tag, since, until."""
        if what in ("tag", "since", "until"):
            setattr(self, what, value[:60])
            await self._read()

    @rx.event
    async def clear(self) -> None:
        self.tag = self.since = self.until = self.campaign = ""
        await self._read()

    @rx.event
    async def show_more(self) -> None:
        await self._read(before=self._next or None)

    @rx.event
    async def verify(self) -> Any:
        """Recomputes the whole chain in the database."""
        self.checking = True
        yield
        try:
            async with acting(self, "compliance") as u:
                found = await audit.verify(u)
        finally:
            self.checking = False
        self.checked, self.whole = True, found.ok
        sealed = f", {words.count(found.unsealed)} of them still to be sealed" if found.unsealed else ""
        self.verdict = (
            f"{words.plural(found.rows, 'entry', 'entries')} in "
            f"{words.plural(found.batches, 'batch', 'batches')}{sealed}: chain whole."
            if found.ok
            else f"The chain is broken. {found.first_problem}"
        )

    @rx.event
    async def export(self) -> Any:
        """Download the whole audit; asks for a fresh code first (D10)."""
        await permitted(self, "compliance")
        try:
            await access.require_fresh(app(), token_of(self))
        except StepUpNeeded:
            self.coding, self.code_hint = True, await access.demo_code(app(), token_of(self))
            return None
        return rx.call_script("window.location.assign('/api/v1/audit/export')")

    @rx.event
    def ask_code(self, open: bool) -> None:
        self.coding = open

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        await permitted(self, "compliance")
        await access.step_up(app(), token_of(self), form.get("code", "").strip())
        self.coding = False
        return Audit.export

    async def _read(self, before: str | None = None) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "compliance") as u:
            found = await audit.page(
                u,
                tag=self.tag or None,
                campaign_id=uuid_of(self.campaign) if self.campaign else None,
                since=_midnight(self.since, zone, 0),
                until=_midnight(self.until, zone, 1),
                before=before,
                limit=PAGE_SIZE,
            )
        fresh = [_row(row, zone) for row in found.rows]
        self.rows = [*self.rows, *fresh] if before else fresh
        self.more, self._next = found.next is not None, found.next or ""
        self.loading = False


def _row(row: AuditRow, zone: str) -> Row:
    return Row(
        id=str(row.audit_id),
        at=words.moment(row.at, zone) + f":{row.at:%S}",
        what=words.plain(row.tag.removeprefix("access.").removeprefix("privacy.")),
        tag=row.tag,
        tone=_tone(row.tag),
        who=row.actor_name,
        campaign=row.campaign_name or "",
        campaign_href=f"/campaigns/{row.campaign_id}" if row.campaign_id else "",
        person_href=f"/people/{row.contact_id}" if row.contact_id else "",
        reason=words.plain(row.reason) if row.reason.isupper() or "_" in row.reason else row.reason,
        detail=orjson.dumps(row.detail, option=orjson.OPT_INDENT_2).decode() if row.detail else "",
        sealed=f"Seal {row.seal_no}" if row.seal_no is not None else "To be sealed",
    )


def _tone(tag: str) -> words.Tone:
    family = tag.split(".", 1)[0]
    if tag in ("kill_switch.on", "access.sign_in_failed", "event.rejected", "step.refused"):
        return "danger"
    return {
        "approval": "accent", "campaign": "info", "step": "ok", "enrolment": "ok", "conversion": "ok",
        "suppression": "warn", "kill_switch": "warn",
    }.get(family, "neutral")  # type: ignore[return-value]  # fmt: skip


def _midnight(text: str, zone: str, days: int) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)) + timedelta(days=days)
    except ValueError:
        return None
