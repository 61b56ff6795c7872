"""The versions of a campaign: their story, what differs between any two, and restoring one (LIF-5)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import reflex as rx

from services.builder.comparison import Comparison, compare
from services.builder.outline_words import told
from services.campaigns import service as campaigns
from services.campaigns.contracts import CampaignDetail
from services.campaigns.history import VersionStory, version_of, version_story
from services.contracts.journey import Journey
from services.kit.errors import Invalid
from services.kit.uow import Unit
from state import words
from state.drawing import Drawing, clear, show
from state.session import Session, acting, changed, opens, pings, uuid_of
from state.undo import offered

DRAFT = "draft"
NOTHING = "nothing"


@dataclass(frozen=True)
class VersionLine:
    id: str
    name: str
    by: str
    what_for: str
    fate: str
    tone: str
    live: bool
    is_draft: bool


@dataclass(frozen=True)
class Line:
    """One line of the marked outline."""

    title: str
    line: str
    mark: str
    what: str
    number: str
    indent: str


class Versions(rx.State):
    loading: bool = True
    id: str = ""
    campaign: str = ""
    editable: bool = False
    draft_words: str = ""
    rows: list[VersionLine] = []
    choices: list[tuple[str, str]] = []
    old: str = ""
    new: str = ""
    sentences: list[str] = []
    around: list[str] = []
    lines: list[Line] = []
    counts: str = ""
    same: bool = False
    unreadable: str = ""

    _put_back: Journey | None = None

    @rx.event
    @opens
    async def load(self) -> Any:
        """The page's own start: the newest change is compared with what came before it."""
        self.reset()
        self.id = str(uuid_of(self.router.url.path.rstrip("/").split("/")[-2]))
        async with acting(self, "read") as u:
            stories = await self._read(u)
            self.old, self.new = _first_sight(stories)
            await self._compare(u)
        self.loading = False
        return Versions.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/campaigns"):
            if topic in ("campaigns", "approvals"):
                async with self, acting(self, "read") as u:
                    await self._read(u)
                    await self._compare(u)

    @rx.event
    async def choose(self, which: str, value: str) -> None:
        """Compare from or to another version."""
        async with acting(self, "read") as u:
            if which == "old":
                self.old = value[:40]
            else:
                self.new = value[:40]
            await self._compare(u)

    @rx.event
    async def show(self, version: str) -> None:
        """What one version changed, compared with the one before it."""
        known = [row.id for row in self.rows]
        if version not in known:
            return
        at = known.index(version)
        async with acting(self, "read") as u:
            self.old, self.new = (known[at + 1] if at + 1 < len(known) else NOTHING), version
            await self._compare(u)

    @rx.event
    async def restore(self, version: str) -> Any:
        """Make the draft say what this version said. Undo puts the draft back."""
        async with acting(self, "author") as u:
            detail = await campaigns.get(u, self.key)
            found = await version_of(u, self.key, uuid_of(version))
            if not isinstance(found, Journey):
                raise Invalid(found[0].sentence)
            await campaigns.save_draft(u, self.key, found, revision=detail.draft_revision)
            self._put_back = None if detail.draft_problems else detail.draft
            await self._read(u)
            self.new = DRAFT
            await self._compare(u)
        await changed(self, "campaigns")
        name = next((row.name for row in self.rows if row.id == version), "The version")
        if self._put_back is None:
            return rx.toast.success(f"{name} is the draft now.")
        return offered(f"{name} is the draft now.", Versions.undo, good=True)

    @rx.event
    async def undo(self) -> Any:
        """The draft as it was before the last restore."""
        async with acting(self, "author") as u:
            if self._put_back is None:
                return
            detail = await campaigns.get(u, self.key)
            await campaigns.save_draft(u, self.key, self._put_back, revision=detail.draft_revision)
            self._put_back = None
            await self._read(u)
            await self._compare(u)
        await changed(self, "campaigns")

    @property
    def key(self) -> UUID:
        return uuid_of(self.id)

    async def _read(self, u: Unit) -> list[VersionStory]:
        zone = (await self.get_state(Session)).zone
        detail = await campaigns.get(u, self.key)
        stories = await version_story(u, self.key)
        self.campaign = detail.row.name
        self.editable = detail.editable and u.actor.may("author")
        self.draft_words = _draft_words(detail, stories, zone)
        self.rows = [_line(story, zone) for story in stories]
        self.choices = [(DRAFT, "The draft"), *((row.id, row.name) for row in self.rows)]
        return stories

    async def _compare(self, u: Unit) -> None:
        """Show what differs from `old` to `new`; what cannot be read is said instead."""
        self.unreadable = ""
        old, new = [await self._journey(u, which) for which in (self.old, self.new)]
        drawing = await self.get_state(Drawing)
        if new is not None:
            found = compare(old, new)
            show(drawing, old, new, found)
            self._show(found, new)
        else:
            clear(drawing)
            self.lines, self.sentences, self.around = [], [], []

    async def _journey(self, u: Unit, which: str) -> Journey | None:
        if which == NOTHING:
            return None
        if which == DRAFT:
            detail = await campaigns.get(u, self.key)
            found = detail.draft_problems or detail.draft
        else:
            found = await version_of(u, self.key, uuid_of(which))
        if isinstance(found, Journey):
            return found
        self.unreadable = f"{dict(self.choices).get(which, 'It')} cannot be read: {found[0].sentence}"
        return None

    def _show(self, found: Comparison, new: Journey) -> None:
        marks = found.marks
        self.lines = [
            Line(
                said.title, said.line, marks.get(row.step_id, "") if row.what == "step" else "", row.what,
                str(row.number) if row.what == "step" else "", f"{(min(row.level, 9) - 1) * 20}px",
            )
            for row, said in zip(found.rows, told(new, found.rows), strict=True)
        ]  # fmt: skip
        self.lines += [Line(s.title, s.kind, "removed", "step", "", "0px") for s in found.removed]
        self.around = [*found.told.audience, *found.told.settings]
        self.sentences = found.told.sentences
        numbers = [(sum(m == mark for m in marks.values()), mark) for mark in ("added", "changed")]
        numbers.append((len(found.removed), "removed"))
        self.counts = ", ".join(f"{words.plural(n, 'step')} {mark}" for n, mark in numbers if n)
        self.same = found.same


def _first_sight(stories: list[VersionStory]) -> tuple[str, str]:
    """What to compare first: the draft with the newest version, unless they say the same."""
    ids = [str(story.version.version_id) for story in stories]
    if not ids:
        return NOTHING, DRAFT
    if not stories[0].is_draft:
        return ids[0], DRAFT
    return (ids[1] if len(ids) > 1 else NOTHING), ids[0]


def _draft_words(detail: CampaignDetail, stories: list[VersionStory], zone: str) -> str:
    when = words.moment(detail.row.updated_at, zone)
    same = next((story.version.number for story in stories if story.is_draft), None)
    if detail.draft_problems:
        return f"Cannot be read: {detail.draft_problems[0].sentence}"
    if same is not None:
        return f"Says the same as version {same}."
    return f"Edited {when}." if stories else f"Edited {when}. A version is made when approval is asked for."


def _line(story: VersionStory, zone: str) -> VersionLine:
    version, request = story.version, story.request
    fate, tone = _fate(story, zone)
    return VersionLine(
        id=str(version.version_id),
        name=f"Version {version.number}",
        by=f"{version.created_by_name or 'Somebody'}, {words.moment(version.created_at, zone)}",
        what_for=request.note if request else "",
        fate=fate,
        tone=tone,
        live=story.live,
        is_draft=story.is_draft,
    )


def _fate(story: VersionStory, zone: str) -> tuple[str, words.Tone]:
    request = story.request
    if request is None:
        return "Never sent for approval", "neutral"
    who, when = request.decided_by_name, words.day(request.decided_at, zone)
    match request.state:
        case "requested":
            return f"Waiting for approval, asked by {request.requested_by_name}", "info"
        case "approved" | "used":
            return f"Approved by {who}, {when}", "ok"
        case "sent_back":
            return f"Sent back by {who}, {when}", "warn"
        case _:
            return "Request taken back", "neutral"
