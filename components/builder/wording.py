"""What a message says: wording, language, channel, the words themselves, and a look at them."""

import reflex as rx

from components import tokens, ui
from components.builder import inputs
from components.content import languages, merge_menu
from components.looks import looks
from state.builder import Builder
from state.builder_forms import ChannelRow, ShareRow
from state.builder_step import StepPanel
from state.builder_words import TestRow, Words


def wording() -> rx.Component:
    step = Builder.step
    return rx.fragment(
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
        _devices(),
        _try_out(),
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
    return rx.flex(
        _channels(),
        _languages(),
        _template(),
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
        rx.cond(
            Builder.editable,
            merge_menu("words-body", StepPanel.insert_field),
        ),
        _preview(),
        _tried(),
        direction="column",
        gap="12px",
    )


def _channels() -> rx.Component:
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

    return rx.el.div(
        rx.foreach(step.channels, tab), role="tablist", aria_label="Channel", class_name="cb-tabs"
    )


def _tried() -> rx.Component:
    """Seeing the words as they will be read."""
    return rx.flex(
        ui.quiet(
            "See it on devices",
            icon="smartphone",
            size="2",
            on_click=Words.look(True),
            data_testid="open-looks",
        ),
        rx.cond(
            Builder.step.channel != "in_app",
            ui.quiet(
                "Send a test",
                icon="send",
                size="2",
                on_click=Words.try_out(True),
                data_testid="open-test",
            ),
        ),
        gap="8px",
        wrap="wrap",
    )


def _languages() -> rx.Component:
    step = Builder.step
    return languages(
        step.languages,
        step.language,
        editable=Builder.editable,
        show=StepPanel.show_language,
        add=StepPanel.add_language,
        remove=StepPanel.remove_language(step.language),
    )


def _template() -> rx.Component:
    step = Builder.step
    return rx.cond(
        step.language == "",
        rx.flex(
            # A choice shows what is chosen as it is drawn: it is drawn anew once there is something to choose from.
            rx.box(
                inputs.choice(
                    "Words from",
                    "template",
                    rx.Var.create([["", "Written here"]]).to(list[list[str]]) + Words.templates,
                    step.template,
                    StepPanel.use_template,
                    on_focus=Words.offer_templates,
                    on_mount=Words.offer_templates,
                ),
                key=Words.templates.length().to_string(),
            ),
            rx.cond(
                step.template != "",
                rx.flex(
                    ui.small(
                        "The template's words go out as they are when this is approved. What you write below instead wins.",
                        flex="1 1 200px",
                    ),
                    rx.cond(
                        Builder.editable,
                        ui.quiet(
                            "Copy its words here",
                            icon="copy",
                            size="2",
                            on_click=Words.copy_template,
                            data_testid="copy-template",
                        ),
                    ),
                    gap="10px",
                    align="center",
                    wrap="wrap",
                ),
            ),
            _approved_with(),
            direction="column",
            gap="8px",
        ),
    )


def _approved_with() -> rx.Component:
    """Which version of its template a running campaign says, and how it gets a newer one."""
    here = Builder.step.id + "/" + Builder.step.variant.to_string()
    return rx.cond(
        Words.approved_with.contains(here),
        ui.small(Words.approved_with[here], data_testid="approved-with"),
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


def _devices() -> rx.Component:
    return ui.dialog(
        "How it looks",
        "On the devices people read it on, with an example's values or a real person's.",
        looks(),
        rx.flex(ui.quiet("Close", on_click=Words.look(False)), justify="end", margin_top="18px"),
        open=Words.looking,
        on_open_change=Words.look,
        max_width="860px",
    )


def _try_out() -> rx.Component:
    def test(row: rx.Var[TestRow]) -> rx.Component:
        return rx.el.li(
            rx.box(
                rx.el.span(row.what, **tokens.text("small"), color=tokens.INK),
                ui.small(rx.cond(row.reason != "", f"{row.when}. {row.reason}", row.when)),
                flex="1",
                min_width="0",
            ),
            ui.pill(row.state, row.tone),
            class_name="cb-line",
            data_testid="test-row",
        )

    return ui.dialog(
        "Send a test",
        "To your team's own addresses, marked as a test. Nobody else gets anything, and no figure changes.",
        inputs.area(
            "To",
            "test-addresses",
            Words.addresses,
            Words.type_addresses,
            rows="2",
            hint="Up to five addresses, or telephone numbers for texts, with commas between them. They are not kept.",
        ),
        rx.cond(
            Words.tests.length() > 0,
            rx.el.ul(
                rx.foreach(Words.tests, test), class_name="cb-list", aria_live="polite", margin_top="14px"
            ),
        ),
        ui.decisions(
            "Send the test",
            away=Words.try_out(False),
            stay="Close",
            on_click=Words.send_test,
            data_testid="send-test",
        ),
        open=Words.trying,
        on_open_change=Words.try_out,
    )
