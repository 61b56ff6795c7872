"""The audience panel: rules, the exact count, who can be reached, and why the others cannot (AUD-4)."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.audience.checks import finished
from services.audience.errors import RuleInvalid
from services.builder import edits, rule_edits
from services.contracts.journey import Journey
from services.engine.reach import reach
from state import words
from state.builder import INTO_PANEL, Builder
from state.builder_canvas import one_of
from state.rule_changes import changed_tree, key_of
from state.rule_focus import follow
from state.session import acting

KINDS = ("lead", "patient", "partner")


@dataclass(frozen=True)
class ExcludedRow:
    sentence: str
    count: str
    share: int


@dataclass(frozen=True)
class PersonRow:
    name: str
    kind: str


class AudiencePanel(rx.State):
    counting: bool = False
    counted: bool = False
    count: str = ""
    reachable: str = ""
    reachable_share: int = 0
    sentence: str = ""
    problem: str = ""
    waiting: str = ""
    excluded: list[ExcludedRow] = []
    sample: list[PersonRow] = []

    _asked: int = 0

    @rx.event
    async def rule(self, side: str, what: str, path: str, part: str, value: str) -> Any:
        """One change of who is in (`include`) or left out (`exclude`); see `changed_tree`."""
        which: Any = one_of(side, ("include", "exclude"))
        moved: list[str] = []

        def edit(journey: Journey) -> Journey:
            before = rule_edits.audience_group(journey.audience, which)
            group, to = changed_tree(before, what, path, part, value)
            moved.append(to)
            return edits.set_audience(journey, rule_edits.with_audience_group(journey.audience, which, group))

        done = await self._apply(edit, key_of(f"audience.{side}", what, path, part))
        builder = await self.get_state(Builder)
        return [
            *done,
            *follow(side, what, moved, rule_edits.audience_group(builder.journey.audience, which)),
        ]

    @rx.event
    async def toggle_kind(self, kind: str) -> Any:
        """Leads, patients, partners: at least one of them."""
        one_of(kind, KINDS)

        def edit(journey: Journey) -> Journey:
            audience = journey.audience
            chosen = set(audience.kinds) ^ {kind}
            kinds = [one for one in KINDS if one in chosen] or list(audience.kinds)
            return edits.set_audience(journey, audience.model_copy(update={"kinds": kinds}))

        return await self._apply(edit, "")

    async def _apply(self, edit: Any, key: str) -> Any:
        builder = await self.get_state(Builder)
        saving = await builder.apply(edit, "change the audience", key=key)
        self._asked += 1
        self.counting = True
        return [one for one in (saving, AudiencePanel.recount(self._asked)) if one is not None]

    @rx.event
    async def open(self) -> Any:
        builder = await self.get_state(Builder)
        async with acting(self, "read"):
            builder.panel, builder.selected = "audience", ""
        self._asked += 1
        self.counting = True
        return [INTO_PANEL, AudiencePanel.recount(self._asked)]

    @rx.event(background=True, supersedes=True)
    async def recount(self, asked: int) -> None:
        """Count the audience of the journey as it is now; a newer question makes this one moot."""
        async with self:
            builder = await self.get_state(Builder)
            campaign, part = builder.key, finished(builder.journey.audience)
            journey = edits.set_audience(builder.journey, part.audience)
        problem, found = "", None
        async with acting(self, "read") as u:
            try:
                found = await reach(u, campaign, journey) if journey.audience.include else None
            except RuleInvalid as error:
                problem = error.message
        async with self:
            if asked != self._asked:
                return
            self.counting, self.counted, self.problem = False, found is not None, problem
            self.waiting = words.unfinished(part.left_out, nobody=part.nobody)
            self._show(found)
            if part.nobody:
                self.count = self.reachable = ""

    def _show(self, found: Any) -> None:
        if found is None:
            self.count, self.reachable, self.reachable_share, self.sentence = "0", "0", 0, ""
            self.excluded, self.sample = [], []
            return
        whole = max(found.count, 1)
        self.count, self.reachable = words.count(found.count), words.count(found.reachable)
        self.reachable_share = round(100 * found.reachable / whole)
        self.sentence = found.sentence
        self.excluded = [
            ExcludedRow(one.sentence, words.count(one.count), round(100 * one.count / whole))
            for one in found.excluded
        ]
        self.sample = [PersonRow(one.name, words.plain(one.kind)) for one in found.sample]
