"""The builder's conversation: the draft, its history, its problems, and saving it (BLD-1, 4, 5).

Every edit is a pure function of `services.builder`; this keeps the journey before it for undo,
shows the new one, and saves a moment later. The page's other handlers live beside this module:
`builder_canvas`, `builder_step`, `builder_audience`, `builder_life`; all change the journey through `Builder.apply`.
"""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import reflex as rx

from services.audience import service as audience
from services.builder.contracts import Problem
from services.builder.diff import diff
from services.builder.fixes import apply_fix
from services.builder.history import History
from services.builder.rule_edits import audience_group
from services.campaigns import service as campaigns
from services.campaigns.contracts import CampaignDetail
from services.campaigns.history import last_readable, last_saved
from services.contracts.journey import Entry, Journey
from services.contracts.step_names import name_by_id
from services.kit.actor import Permission
from services.kit.errors import Invalid, StaleWrite
from services.kit.uow import Unit
from state import builder_rows as rows
from state import words
from state.builder_fields import form
from state.builder_forms import StepForm
from state.builder_message import pace_words
from state.outline_rows import outline_rows
from state.rule_choices import read_choices
from state.rule_rows import RuleBox, box
from state.session import acting, changed, opens, uuid_of

NOTE = "note:"
"""Before the id of a note that is chosen on the canvas, as the canvas writes it."""
Edit = Callable[[Journey], Journey]
INTO_PANEL = rx.call_script(
    "setTimeout(() => { if (document.activeElement?.matches('.cb-look, body')) "
    "document.querySelector('[data-panel]')?.focus({ preventScroll: true }) }, 60)"
)
"""The keyboard goes where the panel has just been opened, unless the person has gone on meanwhile."""
PAUSE_BEFORE_SAVE = 0.7  # seconds without an edit
MOST_DIFFERENCES = 12  # sentences shown before somebody chooses whose version stays


class Builder(rx.State):
    ready: bool = False
    missing: str = ""
    id: str = ""
    name: str = ""
    state: str = "draft"
    state_words: str = ""
    tone: str = "neutral"
    editable: bool = False
    approval: str = ""
    saved: str = "saved"
    saved_words: str = ""
    conflict: bool = False
    unreadable: list[str] = []
    good_version: str = ""
    theirs: str = ""
    theirs_changes: list[str] = []
    steps: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    view: str = ""
    outline: list[dict[str, Any]] = []
    palette: list[dict[str, Any]] = []
    counts: dict[str, list[dict[str, Any]]] | None = None
    problems: list[rows.ProblemRow] = []
    blocking: int = 0
    undo_words: str = ""
    redo_words: str = ""
    selected: str = ""
    panel: str = ""
    step: StepForm = StepForm()
    who: RuleBox = RuleBox()
    left_out: RuleBox = RuleBox()
    kinds: list[str] = []
    campaign_type: str = ""
    objective: str = ""
    pace: dict[str, str] = {}

    _journey: Journey = Journey()
    _found: list[Problem] = []
    _history: History = History()
    _revision: int = 0
    _taken: rows.Taken = {}
    _edit: int = 0
    _choices: dict[str, list[tuple[str, str]]] = {}
    _variant: int = 0
    _channel: str = ""
    _language: str = ""

    @rx.event
    @opens
    async def load(self) -> Any:
        """The page's own start: the campaign of the address. A line that was lost brings people here
        again: what they had edited and not yet saved is saved first."""
        if self.saved != "saved" and self.id in self.router.url.path:
            await self.save()
            if self.saved != "saved":
                return
        self.reset()
        self.id = str(uuid_of(self.router.url.path.rstrip("/").rsplit("/", 1)[-1]))
        async with acting(self, "read") as u:
            detail = await campaigns.get(u, self.key)
            self.adopt(detail, author=u.actor.may("author"))
            await self._problems_of_reading(u, detail)
            await self.check(u)
        self.ready = True

    async def _problems_of_reading(self, u: Unit, detail: CampaignDetail) -> None:
        """What is wrong with a stored draft that does not fit the grammar, and what could replace it."""
        self.unreadable = [
            f"{name_by_id(p.step_id)}: {p.sentence}" if p.step_id else p.sentence
            for p in detail.draft_problems
        ]
        good = await last_readable(u, self.key) if detail.draft_problems else None
        self.good_version = f"version {good.number}" if good else ""

    @rx.event
    async def restore_good(self) -> Any:
        """Put the newest version that can be read in the place of a draft that cannot."""
        async with acting(self, "author") as u:
            detail = await campaigns.get(u, self.key)
            good = await last_readable(u, self.key)
            if good is None or not detail.draft_problems:
                raise Invalid("There is nothing to restore here. Reload the page.")
            journey = await campaigns.journey_of(u, good.version_id)
            await campaigns.save_draft(u, self.key, journey, revision=detail.draft_revision)
        await changed(self, "campaigns")
        return Builder.load

    @property
    def key(self) -> UUID:
        return uuid_of(self.id)

    @property
    def journey(self) -> Journey:
        return self._journey

    def adopt(self, detail: CampaignDetail, *, author: bool) -> None:
        """Show a campaign as stored; what was being edited here is let go."""
        self._journey, self._revision = detail.draft, detail.draft_revision
        self._history = History()
        self.saved, self.saved_words, self.conflict = "saved", "All changes saved", False
        self.facts(detail, author=author)

    def facts(self, detail: CampaignDetail, *, author: bool) -> None:
        """What may change while the page is open, without touching the draft."""
        row = detail.row
        self.name, self.state = row.name, row.state
        self.state_words, self.tone = words.STATES[row.state]
        self.editable = detail.editable and author and not detail.draft_problems
        self.approval = "requested" if detail.open_approval else ""

    async def apply(self, edit: Edit, what: str, *, key: str = "", permission: Permission = "author") -> Any:
        """Carry out one edit of the person at this socket. Raises Forbidden, Invalid, NotFound.

        `what` is what undo calls it; edits in a row with one `key` count as one.
        """
        async with acting(self, permission) as u:
            if not self.editable:
                raise Invalid("This campaign cannot be edited now. Pause it first, or clone it.")
            after = edit(self._journey)
            if after == self._journey:
                return None
            self._history = self._history.remember(self._journey, what, key)
            self._journey = after
            await self.check(u)
        return self.touched()

    def touched(self) -> Any:
        self._edit += 1
        self.saved, self.saved_words = "saving", "Saving…"
        return Builder.save_soon(self._edit)

    async def check(self, u: Unit) -> None:
        """Find the problems of the journey as it is, read choices its rules need, show it all."""
        self._found = await campaigns.problems_of(u, self._journey, self.key)
        for name in rows.open_choices(self._journey) - self._choices.keys():
            self._choices = {**self._choices, name: await read_choices(u, name)}
        self.show()

    def show(self) -> None:
        """Project the journey onto the page."""
        journey = self._journey
        steps = {step.id: step for step in journey.steps}
        problems = [p.model_dump() for p in self._found]
        ended = self.state in ("completed", "cancelled")
        self.steps = rows.canvas_steps(journey, problems, ended=ended, taken=self._taken)
        self.notes = rows.canvas_notes(journey)
        self.outline = outline_rows(journey, self._found) if self.view == "outline" else []
        self.palette = rows.palette(any(isinstance(s, Entry) for s in journey.steps))
        self.problems = rows.problem_rows(journey, self._found)
        self.blocking = sum(p.severity == "blocking" for p in self._found)
        past, future = self._history.past, self._history.future
        self.undo_words = past[-1].what if past else ""
        self.redo_words = future[0].what if future else ""
        self.who = box(audience_group(journey.audience, "include"), self._choices)
        self.left_out = box(audience_group(journey.audience, "exclude"), self._choices)
        self.kinds = list(journey.audience.kinds)
        self.campaign_type, self.objective = journey.campaign_type, journey.goal.objective
        self.pace = pace_words(journey.pace)
        self._show_step(steps)

    def show_taken(self, taken: rows.Taken) -> None:
        """How many took each link, when that has changed."""
        if taken != self._taken:
            self._taken = taken
            self.show()

    def _show_step(self, steps: dict[str, Any]) -> None:
        step = steps.get(self.selected)
        if step is None:
            self.selected = self.selected if self._is_note(self.selected) else ""
            self.panel = "" if self.panel == "step" else self.panel
            self.step = StepForm()
            return
        sentences = [p.sentence for p in self._found if p.step_id == step.id]
        self.step = form(
            step,
            sentences,
            self._choices,
            variant=self._variant,
            channel=self._channel,
            language=self._language,
        )

    def _is_note(self, chosen: str) -> bool:
        return any(NOTE + note.id == chosen for note in self._journey.notes)

    @rx.event(background=True)
    async def save_soon(self, edit: int) -> Any:
        """Save when nothing was edited for a moment; the last edit in a row does it."""
        await asyncio.sleep(PAUSE_BEFORE_SAVE)
        async with self:
            if edit == self._edit:
                return await self.save()
        return None

    async def save(self) -> Any:
        """Store the draft now. Somebody else's newer save is never overwritten: the person chooses."""
        if self.saved == "saved":
            return None
        try:
            async with acting(self, "author") as u:
                self._revision = await campaigns.save_draft(
                    u, self.key, self._journey, revision=self._revision
                )
                self.facts(await campaigns.get(u, self.key), author=True)
                at = u.now.astimezone(ZoneInfo(await audience.zone(u)))
        except StaleWrite:
            self.saved, self.saved_words = "conflict", "Not saved"
            await self._explain_conflict()
            self.conflict = True
            return None
        self.saved, self.saved_words = "saved", f"Saved {at:%H:%M}"
        await changed(self, "campaigns")
        return None

    async def _explain_conflict(self) -> None:
        """Who saved, when, and what they have that is not here."""
        async with acting(self, "read") as u:
            detail = await campaigns.get(u, self.key)
            who, at = await last_saved(u, self.key)
            zone = await audience.zone(u)
        self.theirs = f"{who or 'Somebody else'} saved this campaign {words.moment(at, zone)}."
        self.theirs_changes = diff(self._journey, detail.draft).sentences[:MOST_DIFFERENCES]

    @rx.event
    async def settle(self, keep: str) -> Any:
        """After a conflict: `mine` overwrites what the other person saved, `theirs` loads it."""
        async with acting(self, "author") as u:
            detail = await campaigns.get(u, self.key)
            if keep == "mine":
                self._revision, self.conflict = detail.draft_revision, False
                return self.touched()
            self.adopt(detail, author=True)
            await self.check(u)
        return None

    @rx.event
    async def rename(self, name: str) -> Any:
        """Give the campaign another name; allowed in any state."""
        if name.strip() == self.name:
            return
        async with acting(self, "author") as u:
            await campaigns.rename(u, self.key, name)
        self.name = name.strip()
        await changed(self, "campaigns")

    @rx.event
    async def undo(self) -> Any:
        return await self.travel(back=True)

    @rx.event
    async def redo(self) -> Any:
        return await self.travel(back=False)

    async def travel(self, *, back: bool) -> Any:
        """To the journey before the last edit, or after the one undone last."""
        to = self._history.undo(self._journey) if back else self._history.redo(self._journey)
        async with acting(self, "author") as u:
            if to is None or not self.editable:
                return None
            self._journey, self._history = to
            await self.check(u)
        return self.touched()

    @rx.event
    async def chosen(self, report: dict[str, Any]) -> None:
        """A step was chosen on the canvas or in the problem list; "" for none."""
        async with acting(self, "read"):
            self.open_step(str(report.get("id") or ""))

    def open_step(self, step_id: str) -> None:
        self.selected, self._variant, self._channel, self._language = step_id, 0, "", ""
        self.panel = "step" if step_id else ""
        self._history = self._history.sealed()
        self._show_step({step.id: step for step in self._journey.steps})

    @rx.event
    async def chosen_note(self, note: str) -> None:
        """A note was chosen in the problem list: it is shown on the canvas, and the list stays open."""
        async with acting(self, "read"):
            self.selected = NOTE + note if self._is_note(NOTE + note) else ""
            if self.view != "canvas":
                self.view = "canvas"
                self.show()

    def look_at(self, variant: int, channel: str, language: str | None = None) -> None:
        """Which wording, channel and language of a message the panel edits; None: the same language."""
        self._variant, self._channel = variant, channel
        self._language = self._language if language is None else language
        self._history = self._history.sealed()
        self._show_step({step.id: step for step in self._journey.steps})

    async def today(self) -> date:
        """The day it is at the practice."""
        async with acting(self, "read") as u:
            return u.now.astimezone(ZoneInfo(await audience.zone(u))).date()

    @rx.event
    async def fix(self, index: int, sentence: str) -> Any:
        """Carry out the fix of a problem, as it was listed when it was pressed."""
        at = int(index)
        if not 0 <= at < len(self._found) or self._found[at].sentence != sentence:
            raise Invalid("The list has changed meanwhile. Look at it again.")
        problem = self._found[at]
        label = problem.fix.label if problem.fix else ""
        return await self.apply(lambda j: apply_fix(j, problem), label[:1].lower() + label[1:])

    @rx.event
    async def open_panel(self, panel: str) -> Any:
        """Show the audience, the problems or the settings beside the canvas; "" for none. The keyboard
        goes along: into the panel, and back to what opened it."""
        async with acting(self, "read"):
            before, step = self.panel, self.selected
            self.panel = panel if panel in ("audience", "problems", "settings") else ""
            self.selected = ""
        opener = (
            f'.react-flow__node[data-id="{step}"]' if before == "step" else f"[data-testid=open-{before}]"
        )
        return INTO_PANEL if self.panel else rx.call_script(f"document.querySelector({opener!r})?.focus()")
