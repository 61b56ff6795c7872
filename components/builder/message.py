"""The panel of a message: how it reaches people, and what it says on each channel."""

import reflex as rx

from components import tokens, ui
from components.builder import inputs
from services.contracts.merge_fields import MERGE_FIELDS
from state.builder import Builder
from state.builder_forms import ChannelRow, ShareRow
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
        _group(
            "Words",
            rx.cond(step.variants.length() > 1, _variants()),
            rx.cond(step.channel != "", _words(), ui.small("Switch a channel on to write its words.")),
            rx.cond(
                Builder.editable,
                ui.quiet(
                    "Try another wording",
                    icon="split",
                    size="2",
                    on_click=StepPanel.act("add_variant", 0),
                    align_self="start",
                    data_testid="add-variant",
                ),
            ),
        ),
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


def _variants() -> rx.Component:
    step = Builder.step

    def variant(row: rx.Var[ShareRow]) -> rx.Component:
        return rx.el.li(
            ui.chip(
                row.name,
                on=row.index == step.variant,
                on_click=StepPanel.show_words(row.index, step.channel),
            ),
            inputs.percent(row, "variants"),
            rx.cond(
                Builder.editable,
                ui.ghost(
                    "Remove this wording",
                    icon="x",
                    size="2",
                    on_click=StepPanel.act("remove_variant", row.index),
                ),
            ),
            class_name="cb-line",
        )

    return rx.el.ul(rx.foreach(step.variants, variant), class_name="cb-list")


def _words() -> rx.Component:
    step = Builder.step

    def tab(row: rx.Var[ChannelRow]) -> rx.Component:
        return rx.cond(
            row.on,
            rx.el.button(
                row.words,
                type="button",
                role="tab",
                on_click=StepPanel.show_words(step.variant, row.key),
                aria_selected=row.key == step.channel,
                class_name="cb-tab",
                data_testid="words-" + row.key.to(str),
            ),
        )

    return rx.flex(
        rx.el.div(rx.foreach(step.channels, tab), role="tablist", aria_label="Channel", class_name="cb-tabs"),
        rx.cond(
            step.has_subject,
            inputs.text(
                "Subject", "words-subject", step.subject, lambda v: StepPanel.set_words("subject", v)
            ),
        ),
        rx.cond(
            step.channel == "email",
            inputs.text(
                "Preview line",
                "words-preheader",
                step.preheader,
                lambda v: StepPanel.set_words("preheader", v),
            ),
        ),
        inputs.area(
            "Text",
            "words-body",
            step.body,
            lambda v: StepPanel.set_words("body", v),
            hint=step.size_words,
        ),
        rx.cond(Builder.editable, _merge_menu()),
        _preview(),
        direction="column",
        gap="12px",
    )


def _merge_menu() -> rx.Component:
    return rx.menu.root(
        rx.menu.trigger(
            ui.quiet(
                "Insert a field", icon="braces", size="2", align_self="start", data_testid="insert-field"
            )
        ),
        rx.menu.content(
            *[
                rx.menu.item(
                    rx.el.span(field.label, flex="1"),
                    rx.el.span(field.sample, **tokens.text("small"), color=tokens.QUIET),
                    on_select=StepPanel.insert_field(field.tag),
                    data_testid=f"field-{field.name}",
                )
                for field in MERGE_FIELDS
            ],
        ),
    )


def _preview() -> rx.Component:
    """What a sample person would read. Email is drawn in a frame that runs nothing."""
    step = Builder.step
    return rx.box(
        ui.label("As a sample patient sees it"),
        rx.cond(
            step.shown_problem != "",
            ui.notice(step.shown_problem, tone="warn", icon="triangle-alert", margin_top="8px"),
            rx.cond(
                step.channel == "email",
                rx.box(
                    rx.el.div(
                        rx.cond(step.shown_subject != "", step.shown_subject, "No subject yet"),
                        class_name="cb-subject",
                    ),
                    rx.el.iframe(
                        src_doc=step.shown_body,
                        sandbox="",
                        title="Preview of the email",
                        class_name="cb-email",
                    ),
                    class_name="cb-paper",
                ),
                rx.box(
                    rx.box(
                        rx.cond(step.shown_subject != "", rx.el.b(step.shown_subject, display="block")),
                        rx.cond(step.shown_body != "", step.shown_body, "Nothing written yet"),
                        class_name="cb-bubble",
                    ),
                    class_name="cb-phone",
                ),
            ),
        ),
        data_testid="preview",
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
