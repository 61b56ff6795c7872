"""One segment being written: its rules, and beside them who is in it now (AUD-4).

Unlike a draft journey, a segment is in use the moment it is saved: so saving is a button, and it waits
until every rule is finished. Counting goes on meanwhile, without the unfinished rules, and says so.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import reflex as rx

from services.audience import segments
from services.audience import service as audiences
from services.audience.checks import finished
from services.audience.contracts import AudiencePreview
from services.audience.errors import RuleInvalid
from services.audience.sentence import read_back
from services.builder import rule_edits
from services.contracts.segment import Audience
from services.engine.reach import reach_by
from services.kit.errors import NotFound, StaleWrite
from services.kit.uow import Unit
from state import words
from state.builder_audience import KINDS, ExcludedRow, PersonRow
from state.builder_canvas import one_of
from state.rule_changes import changed_tree
from state.rule_choices import read_choices
from state.rule_focus import follow
from state.rule_rows import RuleBox, box, open_choice_fields
from state.segments import points, trend
from state.session import Session, acting, changed, uuid_of

NEW = "new"
EMPTY = Audience().model_dump_json()
REMEMBERED = 100  # edits that can be undone


class SegmentEditor(rx.State):
    ready: bool = False
    missing: bool = False
    id: str = ""
    name: str = ""
    description: str = ""
    editable: bool = False
    archived: bool = False
    dirty: bool = False
    conflict: bool = False
    who: RuleBox = RuleBox()
    left_out: RuleBox = RuleBox()
    kinds: list[str] = []
    channel: str = "email"
    counting: bool = False
    count: str = ""
    reachable: str = ""
    reachable_share: int = 0
    sentence: str = ""
    problem: str = ""
    waiting: str = ""
    unfinished: int = 0
    excluded: list[ExcludedRow] = []
    sample: list[PersonRow] = []
    sizes: list[dict[str, Any]] = []
    trend: str = ""
    can_undo: bool = False
    can_redo: bool = False

    _rules: str = EMPTY  # an Audience as JSON: plain text is copied and compared at no cost
    _saved: str = EMPTY
    _past: list[str] = []
    _future: list[str] = []
    _typing: str = ""
    _since: datetime | None = None
    _choices: dict[str, list[tuple[str, str]]] = {}
    _asked: int = 0

    @rx.event
    async def load(self) -> Any:
        """The segment of the address; `new` begins one."""
        self.reset()
        self.id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        async with acting(self, "read") as u:
            self.editable = u.actor.may("author")
            try:
                await self._open(u)
            except NotFound:
                self.missing = True
        self.ready = True
        return self._recount()

    async def _open(self, u: Unit) -> None:
        """What is stored, in place of what was being edited here."""
        if self.id != NEW:
            row = await segments.get(u, uuid_of(self.id))
            self.name, self.description, self._since = row.name, row.description, row.updated_at
            self._rules, self.archived = row.audience.model_dump_json(), row.archived
            self.editable = self.editable and not row.archived
            history = await segments.history(u, row.segment_id)
            zone = (await self.get_state(Session)).zone
            self.sizes, self.trend = points(history, zone), trend(history)
        self._saved, self._past, self._future = self._rules, [], []
        self.dirty = self.conflict = False
        await self._show(u)

    @property
    def audience(self) -> Audience:
        return Audience.model_validate_json(self._rules)

    @property
    def own(self) -> UUID | None:
        return None if self.id == NEW else uuid_of(self.id)

    @rx.event
    async def rule(self, side: str, what: str, path: str, part: str, value: str) -> Any:
        """One change of who is in (`include`) or left out (`exclude`); see `changed_tree`."""
        which: Any = one_of(side, ("include", "exclude"))
        before = rule_edits.audience_group(self.audience, which)
        group, moved = changed_tree(before, what, path, part, value)
        typing = f"{side}.{path}.{part}" if what == "change" else ""
        await self._edit(rule_edits.with_audience_group(self.audience, which, group), typing)
        after = rule_edits.audience_group(self.audience, which)
        return [self._recount(), *follow(side, what, [moved], after)]

    @rx.event
    async def toggle_kind(self, kind: str) -> Any:
        """Leads, patients, partners: at least one of them."""
        chosen = set(self.audience.kinds) ^ {one_of(kind, KINDS)}
        kinds = [one for one in KINDS if one in chosen] or list(self.audience.kinds)
        await self._edit(self.audience.model_copy(update={"kinds": kinds}), "")
        return self._recount()

    async def _edit(self, audience: Audience, typing: str) -> None:
        async with acting(self, "author") as u:
            rules = audience.model_dump_json()
            if rules == self._rules:
                return
            if not (typing and typing == self._typing):
                self._past = [*self._past, self._rules][-REMEMBERED:]
            self._typing, self._future, self._rules = typing, [], rules
            await self._show(u)

    @rx.event
    async def undo(self) -> Any:
        return await self._travel(self._past, self._future, back=True)

    @rx.event
    async def redo(self) -> Any:
        return await self._travel(self._past, self._future, back=False)

    async def _travel(self, past: list[str], future: list[str], *, back: bool) -> Any:
        async with acting(self, "author") as u:
            if not (past if back else future):
                return None
            if back:
                self._past, self._future, to = past[:-1], [self._rules, *future], past[-1]
            else:
                self._past, self._future, to = [*past, self._rules], future[1:], future[0]
            self._rules, self._typing = to, ""
            await self._show(u)
        return self._recount()

    @rx.event
    async def rename(self, name: str) -> None:
        async with acting(self, "author"):
            self.name, self.dirty = name[:120], True

    @rx.event
    async def describe(self, description: str) -> None:
        async with acting(self, "author"):
            self.description, self.dirty = description[:2000], True

    @rx.event
    async def choose_channel(self, channel: str) -> Any:
        """Which channel the reach beside the rules is asked for."""
        self.channel = one_of(channel, tuple(words.CHANNELS))
        return self._recount()

    @rx.event
    async def save(self) -> Any:
        """Store the segment. A newer change of somebody else is never overwritten: the person chooses."""
        try:
            async with acting(self, "author") as u:
                made = await self._store(u)
        except StaleWrite:
            self.conflict = True
            return None
        await changed(self, "segments")
        if self.id == NEW:
            return [rx.toast.success("The segment was saved."), rx.redirect(f"/segments/{made}")]
        async with acting(self, "read") as u:
            await self._open(u)
        return rx.toast.success("The segment was saved. Campaigns that use it follow at once.")

    async def _store(self, u: Unit) -> UUID:
        what: dict[str, Any] = {
            "name": self.name, "description": self.description, "audience": self.audience,
        }  # fmt: skip
        if self.own is None:
            made = await segments.create(u, **what)
        else:
            made = self.own
            await segments.update(u, made, **what, unchanged_since=self._since)
        await audiences.measure(u, made)
        return made

    @rx.event
    async def settle(self, keep: str) -> Any:
        """After a conflict: `mine` is saved over what somebody else saved, `theirs` is loaded."""
        async with acting(self, "author") as u:
            if keep == "mine":
                self._since, self.conflict = (await segments.get(u, uuid_of(self.id))).updated_at, False
                return SegmentEditor.save
            await self._open(u)
        return self._recount()

    async def _show(self, u: Unit) -> None:
        groups = {side: rule_edits.audience_group(self.audience, side) for side in ("include", "exclude")}  # type: ignore[arg-type]
        for name in set().union(*map(open_choice_fields, groups.values())) - self._choices.keys():
            self._choices = {**self._choices, name: await read_choices(u, name, but=self.own)}
        self.who, self.left_out = (box(group, self._choices) for group in groups.values())
        self.kinds = list(self.audience.kinds)
        self.can_undo, self.can_redo = bool(self._past), bool(self._future)
        self.dirty = self.dirty or self._rules != self._saved
        self.unfinished = finished(self.audience).left_out

    def _recount(self) -> Any:
        self._asked += 1
        self.counting = True
        return SegmentEditor.recount(self._asked)

    @rx.event(background=True, supersedes=True)
    async def recount(self, asked: int) -> None:
        """Count what is finished; a newer question makes this one moot."""
        async with self:
            part, channel = finished(self.audience), self.channel
        problem, found, sentence = "", None, ""
        async with acting(self, "read") as u:
            try:
                if part.audience.include:
                    sentence = read_back(part.audience, await segments.names(u))
                found = await reach_by(u, part.audience, channel) if part.audience.include else None  # type: ignore[arg-type]
            except RuleInvalid as error:
                problem = error.message
        async with self:
            if asked != self._asked:
                return
            self.counting, self.problem, self.sentence = False, problem, sentence
            self.waiting = words.unfinished(part.left_out, nobody=part.nobody)
            self._answer(found, nobody=part.nobody)

    def _answer(self, found: AudiencePreview | None, *, nobody: bool) -> None:
        if found is None:
            self.count = self.reachable = "" if nobody or self.problem else "0"
            self.reachable_share, self.excluded, self.sample = 0, [], []
            return
        whole = max(found.count, 1)
        self.count, self.reachable = words.count(found.count), words.count(found.reachable)
        self.reachable_share = round(100 * found.reachable / whole)
        self.excluded = [
            ExcludedRow(one.sentence, words.count(one.count), round(100 * one.count / whole))
            for one in found.excluded
        ]
        self.sample = [PersonRow(one.name, words.plain(one.kind)) for one in found.sample]
