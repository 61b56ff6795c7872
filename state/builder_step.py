"""The side panel's edits of the chosen step; each asks for `author` in `Builder.apply`."""

from typing import Any, get_args

import reflex as rx

from services.builder import edits, event_edits, rule_edits, step_edits
from services.contracts.journey import Channel, Journey, SendWindow
from services.kit.errors import Invalid
from state.builder import Builder
from state.builder_canvas import one_of
from state.rule_changes import changed_tree, key_of
from state.rule_focus import follow
from state.session import permitted, uuid_of

TEXTS = (
    "title", "note", "reason", "topic", "cron", "campaign_id", "until.on", "until.at", "until.field",
    "reentry.rule", "window.start", "window.end", "until.window.start", "until.window.end",
)  # fmt: skip
NUMBERS = ("reentry.days", "limit_hours")
FLAGS = ("one_per_household",)
WORDING = ("subject", "preheader", "body", "label")


class StepPanel(rx.State):
    put_back: dict[str, int] = {}

    @rx.event
    async def left(self, field: str, typed: str, kept: str) -> None:
        """A number field was left: what was refused gives way to the number that is kept."""
        await permitted(self, "author")
        if typed != kept:
            self.put_back = {**self.put_back, field[:40]: self.put_back.get(field[:40], 0) + 1}

    @rx.event
    async def set_text(self, path: str, value: str) -> Any:
        """One text field of the step."""
        return await self._set(one_of(path, TEXTS), value)

    @rx.event
    async def set_number(self, path: str, value: str) -> Any:
        return await self._set(one_of(path, NUMBERS), whole(value))

    @rx.event
    async def set_flag(self, path: str, value: bool) -> Any:
        return await self._set(one_of(path, FLAGS), bool(value))

    @rx.event
    async def set_words(self, part: str, value: str) -> Any:
        """Subject, preheader or body of the wording and channel shown, or the wording's label."""
        builder = await self.get_state(Builder)
        form = builder.step
        path = f"variants.{form.variant}"
        if one_of(part, WORDING) != "label":
            there = f"translations.{form.language}" if form.language else "content"
            path = f"{path}.{there}.{one_of(form.channel, get_args(Channel))}"
        return await self._set(f"{path}.{part}", value)

    @rx.event
    async def insert_field(self, tag: str, at: int) -> Any:
        """Put a merge field where the cursor is in the body (`at`), or at the end (-1)."""
        builder = await self.get_state(Builder)
        return await self.set_words("body", inserted(builder.step.body, tag, at))

    @rx.event
    async def set_share(self, kind: str, index: int, part: str, value: str) -> Any:
        """Label, percent or control of a variant or an arm."""
        path = f"{one_of(kind, ('variants', 'arms'))}.{int(index)}.{one_of(part, ('label', 'percent'))}"
        return await self._set(path, value if part == "label" else percent(value))

    @rx.event
    async def set_control(self, index: int, on: bool) -> Any:
        return await self._set(f"arms.{int(index)}.control", bool(on))

    @rx.event
    async def set_path_label(self, index: int, value: str) -> Any:
        return await self._set(f"paths.{int(index)}.label", value)

    @rx.event
    async def set_length(self, amount: str, unit: str) -> Any:
        """The length of a wait, of a wait for an event, or the delay of a start."""
        builder = await self.get_state(Builder)
        path = {"wait": "until.minutes", "wait_event": "timeout_minutes", "entry": "delay_minutes"}
        minutes = step_edits.minutes_of(whole(amount), unit)
        return await self._set(path[one_of(builder.step.kind, tuple(path))], minutes)

    @rx.event
    async def set_offset(self, days: str, side: str) -> Any:
        number = whole(days)
        return await self._set("until.offset_days", -number if side == "before" else number)

    @rx.event
    async def set_how(self, how: str) -> Any:
        """How people come in, or what a wait waits for."""
        builder = await self.get_state(Builder)
        step = builder.step
        if step.kind == "entry":
            return await builder.apply(lambda j: step_edits.set_entry(j, step.id, how), "change the start")
        today = await builder.today()
        return await builder.apply(
            lambda j: step_edits.set_wait(j, step.id, how, today),
            "change the wait",  # type: ignore[arg-type]
        )

    @rx.event
    async def set_windowed(self, on: bool) -> Any:
        """Whether a message is sent within a time window only."""
        return await self._set("window", SendWindow().model_dump() if on else None)

    @rx.event
    async def set_rate(self, value: str) -> Any:
        """How many of this message go out in an hour at most; empty: as the campaign allows."""
        return await self._set("pace.per_hour", (whole(value) if value.strip() else 0) or None)

    @rx.event
    async def set_spread(self, amount: str, unit: str) -> Any:
        """Over how long people who arrive together are spread; empty: not at all."""
        minutes = step_edits.minutes_of(whole(amount), unit) if amount.strip() else 0
        return await self._set("pace.spread_minutes", minutes or None)

    @rx.event
    async def toggle_day(self, day: str) -> Any:
        return await self._act(lambda j, i: step_edits.toggle_day(j, i, day), "change the days")

    @rx.event
    async def set_clock(self, which: str, value: str) -> Any:
        """Start, end or aim of the time window."""
        return await self._set(await self._window(one_of(which, ("start", "end", "aim", "at"))), value)

    @rx.event
    async def set_holidays(self, skip: bool) -> Any:
        """Whether the time window leaves out the practice's holidays."""
        return await self._set(await self._window("skip_holidays"), bool(skip))

    async def _window(self, part: str) -> str:
        builder = await self.get_state(Builder)
        return f"{'until.window' if builder.step.kind == 'wait' else 'window'}.{part}"

    @rx.event
    async def toggle_channel(self, channel: str) -> Any:
        key: Any = one_of(channel, get_args(Channel))
        return await self._act(lambda j, i: step_edits.toggle_channel(j, i, key), "change the channels")

    @rx.event
    async def move_channel(self, channel: str, by: int) -> Any:
        key: Any = one_of(channel, get_args(Channel))
        return await self._act(lambda j, i: step_edits.move_channel(j, i, key, int(by)), "reorder channels")

    @rx.event
    async def show_words(self, variant: int, channel: str) -> None:
        """Which wording and channel the panel edits."""
        builder = await self.get_state(Builder)
        builder.look_at(int(variant), channel)

    @rx.event
    async def show_language(self, language: str) -> None:
        """Which language of the wording the panel edits; empty: the words that everybody gets."""
        builder = await self.get_state(Builder)
        builder.look_at(builder.step.variant, builder.step.channel, language[:6])

    @rx.event
    async def add_language(self, locale: str) -> Any:
        builder = await self.get_state(Builder)
        index = builder.step.variant
        saving = await self._act(lambda j, i: step_edits.add_language(j, i, index, locale), "add a language")
        builder.look_at(index, builder.step.channel, locale)
        return saving

    @rx.event
    async def remove_language(self, locale: str) -> Any:
        builder = await self.get_state(Builder)
        index = builder.step.variant
        return await self._act(
            lambda j, i: step_edits.remove_language(j, i, index, locale), "remove a language"
        )

    @rx.event
    async def use_template(self, template_id: str) -> Any:
        """Take the wording shown from the registry; empty: write it here again."""
        builder = await self.get_state(Builder)
        index, chosen = builder.step.variant, str(uuid_of(template_id)) if template_id else None
        return await self._act(
            lambda j, i: step_edits.use_template(j, i, index, chosen), "change the template"
        )

    @rx.event
    async def act(self, what: str, index: int) -> Any:
        """Add or remove a wording, a path or an arm."""
        deeds: dict[str, Any] = {
            "add_variant": lambda j, i: step_edits.add_variant(j, i),
            "remove_variant": lambda j, i: step_edits.remove_variant(j, i, int(index)),
            "add_path": lambda j, i: step_edits.add_path(j, i),
            "remove_path": lambda j, i: step_edits.remove_path(j, i, int(index)),
            "add_arm": lambda j, i: step_edits.add_arm(j, i),
            "remove_arm": lambda j, i: step_edits.remove_arm(j, i, int(index)),
        }
        return await self._act(deeds[one_of(what, tuple(deeds))], what.replace("_", " a "))

    @rx.event
    async def remove(self) -> Any:
        return await self._act(lambda j, i: edits.remove_steps(j, [i]), "remove a step")

    @rx.event
    async def duplicate(self) -> Any:
        return await self._act(lambda j, i: edits.duplicate_steps(j, [i])[0], "duplicate a step")

    @rx.event
    async def rule(self, path: int, what: str, rule: str, part: str, value: str) -> Any:
        """One change of the rules of a branch's path; see `changed_tree`."""
        builder = await self.get_state(Builder)
        step, index = builder.step.id, int(path)
        moved: list[str] = []

        def edit(journey: Journey) -> Journey:
            group, to = changed_tree(rule_edits.path_group(journey, step, index), what, rule, part, value)
            moved.append(to)
            return step_edits.set_field(journey, step, f"paths.{index}.when", group.model_dump())

        saving = await builder.apply(
            edit, "change a rule", key=key_of(f"{step}.paths.{index}", what, rule, part)
        )
        group = rule_edits.path_group(builder.journey, step, index)
        return [*([saving] if saving else []), *follow(f"path{index}", what, moved, group)]

    @rx.event
    async def choose_event(self, path: int, type: str) -> Any:
        """Which event it is about; conditions stay where they still fit. `path`: -1, or a branch's."""
        at = int(path)
        return await self._act(
            lambda j, i: event_edits.set_type(j, i, type[:120], path=at), "change the event"
        )

    @rx.event
    async def condition(self, path: int, what: str, index: int, part: str, value: str) -> Any:
        """One change of an event's conditions: add, remove, mode, or part of a row."""
        at, on = int(index), int(path)
        deeds: dict[str, Any] = {
            "add": lambda j, i: event_edits.add_condition(j, i, path=on),
            "remove": lambda j, i: event_edits.remove_condition(j, i, at, path=on),
            "mode": lambda j, i: event_edits.set_join(j, i, one_of(value, ("all", "any")), path=on),  # type: ignore[arg-type]
            "change": lambda j, i: event_edits.change_condition(j, i, at, part, value, path=on),
        }
        builder = await self.get_state(Builder)
        step, deed = builder.step.id, deeds[one_of(what, tuple(deeds))]
        key = f"{step}.{on}.event.{at}.{part}" if what == "change" else ""
        return await builder.apply(lambda j: deed(j, step), "change a condition", key=key)

    async def _set(self, path: str, value: Any) -> Any:
        builder = await self.get_state(Builder)
        step = builder.step.id
        return await builder.apply(
            lambda j: step_edits.set_field(j, step, path, value), "edit a step", key=f"{step}.{path}"
        )

    async def _act(self, deed: Any, what: str) -> Any:
        builder = await self.get_state(Builder)
        step = builder.step.id
        return await builder.apply(lambda j: deed(j, step), what)


def inserted(text: str, tag: str, at: int) -> str:
    """A text with a tag put in at a place, or at its end when the place is not known."""
    tag = tag[:120]
    if not 0 <= at < len(text):
        return f"{text}{'' if not text or text[-1].isspace() else ' '}{tag}"
    return text[:at] + tag + text[at:]


def whole(value: str) -> int:
    """A whole number as typed. Raises Invalid."""
    if not str(value).strip().isdigit():
        raise Invalid("Type a whole number, 0 or more.")
    return int(value)


def percent(value: str) -> float:
    """A percentage as typed. Raises Invalid."""
    try:
        number = float(value)
    except ValueError as error:
        raise Invalid("Type a percentage from 0 to 100.") from error
    if not 0 <= number <= 100:
        raise Invalid("Type a percentage from 0 to 100.")
    return number
