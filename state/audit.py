"""The audit page: what was done, by whom, and whether the chain is whole."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import orjson
import reflex as rx

from services.access import service as access
from services.audience.people import people_named, search_people
from services.audit import service as audit
from services.audit.contracts import Asked, AuditRow
from services.audit.tags import AuditTag
from services.bootstrap import app
from services.kit.errors import StepUpNeeded
from state import words
from state.audit_words import act, tone
from state.session import Session, acting, permitted, pings, token_of, uuid_of

FAMILIES = [
    ("", "Everything"),
    *sorted(((tag.value, act(tag.value)) for tag in AuditTag), key=lambda pair: pair[1]),
]
PAGE_SIZE = 40
SCOPES = [("shown", "Only what the filters show"), ("all", "Everything")]
FORMATS = [("jsonl", "JSON lines"), ("csv", "CSV, for a spreadsheet")]


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
    actor: str = ""
    actors: list[list[str]] = []
    campaign: str = ""
    campaigns: list[list[str]] = []
    person: str = ""
    person_name: str = ""
    looking: str = ""
    found: list[list[str]] = []
    since: str = ""
    until: str = ""
    checking: bool = False
    checked: bool = False
    whole: bool = False
    verdict: str = ""

    exporting: bool = False
    coding: bool = False
    code_hint: str = ""

    _next: str = ""
    _export: str = ""

    @rx.event
    async def load(self) -> Any:
        """Opened from a campaign or a person, the page shows what is about them."""
        asked = self.router.url.query_parameters
        self.campaign, self.person = (
            str(uuid_of(asked[name])) if asked.get(name) else "" for name in ("campaign", "person")
        )
        self.checked = self.exporting = False
        self.looking, self.found = "", []
        await self._about()
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
        """One of the filters: tag, actor, campaign, since, until."""
        if what in ("tag", "actor", "campaign", "since", "until"):
            setattr(self, what, value[:60])
            await self._read()

    @rx.event
    async def find(self, text: str) -> None:
        """Offers people whose name fits; one of them can be chosen."""
        self.looking = text[:60]
        async with acting(self, "compliance") as u:
            people = await search_people(u, self.looking, limit=6) if self.looking.strip() else []
        self.found = [[str(person.contact_id), person.name] for person in people]

    @rx.event
    async def about(self, contact_id: str) -> None:
        """Only entries about this person; an empty one takes the filter away."""
        self.person = str(uuid_of(contact_id)) if contact_id else ""
        self.looking, self.found = "", []
        await self._about()
        await self._read()

    @rx.event
    async def clear(self) -> None:
        self.tag = self.actor = self.since = self.until = self.campaign = self.person = ""
        self.person_name = ""
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
    def ask_export(self, open: bool) -> None:
        self.exporting = open

    @rx.event
    async def export(self, form: dict[str, str]) -> Any:
        """Download everything, or what the filters show."""
        zone = (await self.get_state(Session)).zone
        values = {"format": "csv" if form.get("format") == "csv" else "jsonl"}
        if form.get("scope") == "shown":
            given = self._asked(zone).given().items()
            values |= {k: v.isoformat() if isinstance(v, datetime) else str(v) for k, v in given}
        self._export, self.exporting = urlencode(values), False
        return Audit.download

    @rx.event
    async def download(self) -> Any:
        """Asks for a fresh code first (D10)."""
        await permitted(self, "compliance")
        try:
            await access.require_fresh(app(), token_of(self))
        except StepUpNeeded:
            self.coding, self.code_hint = True, await access.demo_code(app(), token_of(self))
            return None
        return rx.call_script(f"window.location.assign('/api/v1/audit/export?{self._export}')")

    @rx.event
    def ask_code(self, open: bool) -> None:
        self.coding = open

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        await permitted(self, "compliance")
        await access.step_up(app(), token_of(self), form.get("code", "").strip())
        self.coding = False
        return Audit.download

    async def _about(self) -> None:
        """What can be chosen, and the name of the person the page is narrowed to."""
        async with acting(self, "compliance") as u:
            person = await people_named(u, [uuid_of(self.person)]) if self.person else []
            self.actors = [["", "Everybody"], *([ref, name] for ref, name in await audit.actors(u))]
            names = [[str(key), name] for key, name in await audit.campaigns(u)]
        if self.campaign and self.campaign not in {key for key, _ in names}:
            names.insert(0, [self.campaign, "A deleted campaign"])
        self.campaigns = [["", "All campaigns"], *names]
        self.person_name = (person[0][1] or "An erased person") if person else "Nobody known here"

    def _asked(self, zone: str) -> Asked:
        return Asked(
            tag=self.tag or None,
            actor=self.actor or None,
            campaign_id=uuid_of(self.campaign) if self.campaign else None,
            contact_id=uuid_of(self.person) if self.person else None,
            since=_midnight(self.since, zone, 0),
            until=_midnight(self.until, zone, 1),
        )

    async def _read(self, before: str | None = None) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "compliance") as u:
            found = await audit.page(u, self._asked(zone), before=before, limit=PAGE_SIZE)
        fresh = [_row(row, zone) for row in found.rows]
        self.rows = [*self.rows, *fresh] if before else fresh
        self.more, self._next = found.next is not None, found.next or ""
        self.loading = False


def _row(row: AuditRow, zone: str) -> Row:
    return Row(
        id=str(row.audit_id),
        at=words.moment(row.at, zone) + f":{row.at:%S}",
        what=act(row.tag),
        tag=row.tag,
        tone=tone(row.tag),
        who=row.actor_name,
        campaign=row.campaign_name or "",
        campaign_href=f"/campaigns/{row.campaign_id}" if row.campaign_id else "",
        person_href=f"/people/{row.contact_id}" if row.contact_id else "",
        reason=words.plain(row.reason) if row.reason.isupper() or "_" in row.reason else row.reason,
        detail=orjson.dumps(row.detail, option=orjson.OPT_INDENT_2).decode() if row.detail else "",
        sealed=f"Seal {row.seal_no}" if row.seal_no is not None else "To be sealed",
    )


def _midnight(text: str, zone: str, days: int) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone)) + timedelta(days=days)
    except ValueError:
        return None
