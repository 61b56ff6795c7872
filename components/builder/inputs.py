"""Fields of the panel: each keeps what is typed while the server thinks, and tells it after a pause."""

from typing import Any

import reflex as rx

from components import tokens, ui
from state.builder import Builder
from state.builder_forms import DayRow, ShareRow
from state.builder_step import StepPanel

AIMS = [
    ("open", "As soon as possible"),
    ("at", "At a set time"),
    ("best_hour", "When each person opens most"),
]
UNITS = [("minutes", "minutes"), ("hours", "hours"), ("days", "days"), ("weeks", "weeks")]


def text(
    name: Any, key: Any, value: Any, on_change: Any, *, hint: Any = None, again: Any = None, **props: Any
) -> rx.Component:
    """One line, labelled. A new `again` shows `value` anew, whatever was typed."""
    return _labelled(name, key, _typed(key, value, on_change, again=again, **props), hint)


def area(name: Any, key: Any, value: Any, on_change: Any, *, hint: Any = None, **props: Any) -> rx.Component:
    """Several lines, labelled."""
    lines = props.pop("rows", "6")
    return _labelled(name, key, _typed(key, value, on_change, lines=lines, **props), hint)


def number(name: Any, key: str, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """A whole number. One that is refused is not left standing as if it were kept."""

    def left(typed: Any) -> Any:
        return StepPanel.left(key, typed, value)

    shown = f"{key}-" + StepPanel.put_back[key].to_string()
    return text(name, key, value, on_change, type="number", min=0, on_blur=left, again=shown, **props)


def choice(
    name: Any, key: Any, options: Any, value: Any, on_change: Any, *, hint: Any = None, **props: Any
) -> rx.Component:
    """One of `options`: pairs, or a list var of pairs."""
    return _labelled(name, key, select(key, options, value, on_change, **props), hint)


def select(key: Any, options: Any, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """The bare control, for rows whose label is only heard."""
    return ui.select(
        options,
        id=key,
        value=value,
        on_change=on_change,
        disabled=~Builder.editable,
        class_name="cm-select cb-select",
        **{"data_testid": key, **props},
    )


def switch(name: Any, key: Any, on: Any, on_change: Any, *, hint: Any = None) -> rx.Component:
    return rx.el.label(
        rx.switch(
            id=key, checked=on, on_change=on_change, disabled=~Builder.editable, size="2", data_testid=key
        ),
        rx.box(
            rx.el.span(name, **tokens.text("label"), color=tokens.INK),
            ui.small(hint) if hint is not None else None,
        ),
        html_for=key,
        display="flex",
        gap="10px",
        align_items="start",
        padding="4px 0",
        cursor="pointer",
    )


def _labelled(name: Any, key: Any, control: rx.Component, hint: Any) -> rx.Component:
    return rx.flex(
        rx.el.label(name, html_for=key, **tokens.text("label"), color=tokens.INK),
        control,
        ui.small(hint) if hint is not None else None,
        direction="column",
        gap="5px",
        min_width="0",
        flex="1",
    )


def _typed(key: Any, value: Any, on_change: Any, **props: Any) -> rx.Component:
    return ui.typed(value, on_change, editable=Builder.editable, id=key, **{"data_testid": key, **props})


def percent(row: rx.Var[ShareRow], kind: str) -> rx.Component:
    """The share of a variant or an arm."""
    return rx.flex(
        ui.typed(
            row.percent,
            lambda value: StepPanel.set_share(kind, row.index, "percent", value),
            editable=Builder.editable,
            type="number",
            min=0,
            max=100,
            width="72px",
            aria_label="Share of " + row.name.to(str),
            data_testid=f"share-{kind}",
        ),
        rx.el.span("%", **tokens.text("small"), color=tokens.QUIET),
        gap="6px",
        align="center",
        margin_left="auto",
    )


def window() -> rx.Component:
    """Weekdays, and from when to when."""
    step = Builder.step

    def day(row: rx.Var[DayRow]) -> rx.Component:
        return ui.chip(
            row.words,
            on=row.on,
            on_click=StepPanel.toggle_day(row.key),
            disabled=~Builder.editable,
            class_name="cm-chip cb-day",
        )

    return rx.flex(
        ui.chips("Days", rx.foreach(step.days, day)),
        rx.flex(
            text("From", "window-start", step.start, lambda v: StepPanel.set_clock("start", v), type="time"),
            text("Until", "window-end", step.end, lambda v: StepPanel.set_clock("end", v), type="time"),
            gap="10px",
        ),
        rx.flex(
            choice(
                "Within these hours", "window-aim", AIMS, step.aim, lambda v: StepPanel.set_clock("aim", v)
            ),
            rx.cond(
                step.aim == "at",
                text("At", "window-at", step.aim_at, lambda v: StepPanel.set_clock("at", v), type="time"),
            ),
            gap="10px",
        ),
        switch(
            "Not on the practice's holidays", "window-holidays", step.skip_holidays, StepPanel.set_holidays
        ),
        ui.small("Times are each person's own local time."),
        direction="column",
        gap="10px",
    )


def length(name: str) -> rx.Component:
    """How long the step lasts or waits: an amount and its unit."""
    step = Builder.step
    return span(name, "length", step.amount, step.unit, StepPanel.set_length, placeholder="")


def span(
    name: str, key: str, amount: Any, unit: Any, change: Any, *, placeholder: str = "At once"
) -> rx.Component:
    """An amount and its unit; `change` takes both."""
    return rx.flex(
        number(name, f"{key}-amount", amount, lambda v: change(v, unit), placeholder=placeholder),
        choice("Unit", f"{key}-unit", UNITS, unit, lambda v: change(amount, v)),
        gap="10px",
    )
