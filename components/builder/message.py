"""The panel of a message: how it reaches people, and what it says on each channel."""

import reflex as rx

from components import tokens, ui
from components.builder import inputs
from components.builder.wording import wording
from state.builder import Builder
from state.builder_forms import ChannelRow
from state.builder_step import StepPanel

ORDER_HINT = "Tried from the top: the first one this person has agreed to and can receive."


def message() -> rx.Component:
    step = Builder.step
    return rx.fragment(
        _group(
            "Channels",
            rx.el.ul(rx.foreach(step.channels, _channel), class_name="cb-list"),
            ui.small(ORDER_HINT),
        ),
        _group("Words", wording()),
        _group("Sending", _sending()),
    )


def _group(name: str, *children: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.h3(name, **tokens.text("label"), color=tokens.INK, margin="0"),
        *children,
        aria_label=name,
        display="flex",
        flex_direction="column",
        gap="10px",
    )


def _channel(row: rx.Var[ChannelRow]) -> rx.Component:
    def move(name: str, icon: str, by: int, stuck: rx.Var[bool]) -> rx.Component:
        return ui.icon_button(
            f"{name} " + row.words.to(str),
            icon=icon,
            size="2",
            pixels=15,
            disabled=stuck | ~Builder.editable,
            on_click=StepPanel.move_channel(row.key, by),
        )

    return rx.el.li(
        rx.switch(
            checked=row.on,
            on_change=StepPanel.toggle_channel(row.key),
            disabled=~Builder.editable,
            size="1",
            aria_label=row.words,
            data_testid="channel-" + row.key.to(str),
        ),
        rx.el.span(
            row.words, flex="1", **tokens.text("small"), color=rx.cond(row.on, tokens.INK, tokens.QUIET)
        ),
        rx.cond(row.on & ~row.written, rx.el.span("No words yet", class_name="cb-missing")),
        rx.cond(
            row.on,
            rx.flex(move("Move up", "arrow-up", -1, row.first), move("Move down", "arrow-down", 1, row.last)),
        ),
        class_name="cb-line",
    )


def _sending() -> rx.Component:
    step = Builder.step
    return rx.fragment(
        inputs.switch(
            "Only at certain times",
            "windowed",
            step.windowed,
            StepPanel.set_windowed,
            hint="In the time of whoever receives it; outside, the message waits.",
        ),
        rx.cond(step.windowed, inputs.window()),
        inputs.number(
            "Messages an hour",
            "step-rate",
            step.per_hour,
            StepPanel.set_rate,
            placeholder="No limit",
            hint="At most. The rest stay in line; nobody is left out. The campaign's own limit holds too.",
        ),
        inputs.span("Spread over", "step-spread", step.spread, step.spread_unit, StepPanel.set_spread),
        ui.small("Whoever gets here together is written to evenly over this time."),
        inputs.switch(
            "One message a household",
            "per-household",
            step.per_household,
            lambda on: StepPanel.set_flag("one_per_household", on),
            hint="People who share an address or phone get one copy.",
        ),
    )
