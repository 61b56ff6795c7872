"""The panel of the chosen step: one form a kind, in plain words."""

import reflex as rx

from components import tokens, ui
from components.builder import inputs
from components.builder.event_choice import event_choice
from components.builder.handover import handover
from components.builder.message import message
from components.builder.ways import branch, split
from state.builder import Builder
from state.builder_step import StepPanel

HOW_IN = [
    ("segment", "Everyone in the audience, once"),
    ("dynamic", "The audience, and whoever joins it later"),
    ("event", "When something happens"),
    ("schedule", "The audience, on a schedule"),
    ("manual", "Added by staff or another system"),
]
REENTRY = [
    ("never", "Never again"),
    ("after_exit", "Again, once they have left"),
    ("after_period", "Again after some days"),
    ("concurrent", "Again at any time"),
]
HOW_LONG = [
    ("duration", "A length of time"),
    ("window", "Until the next suitable hours"),
    ("date", "Until a date"),
    ("field", "Around a date of theirs"),
]
THEIR_DATES = [
    ("appointment.next_booked", "their next appointment"),
    ("appointment.last_attended", "their last visit"),
    ("contact.birthday", "their birthday"),
    ("pipeline.deferred_until", "the day they asked to wait for"),
]


def step() -> rx.Component:
    form = Builder.step
    return rx.fragment(
        rx.cond(
            form.sentences.length() > 0,
            rx.flex(
                rx.foreach(form.sentences, _sentence),
                direction="column",
                gap="8px",
                data_testid="step-problems",
            ),
        ),
        inputs.text(
            "Name on the canvas",
            "step-title",
            form.title,
            lambda v: StepPanel.set_text("title", v),
            placeholder=form.called,
        ),
        rx.match(
            form.kind,
            ("entry", _entry()),
            ("message", message()),
            ("wait", _wait()),
            ("wait_event", _wait_event()),
            ("branch", branch()),
            ("split", split()),
            ("sub_campaign", handover()),
            ("goal", ui.small("Whoever gets here has met the aim; the journey ends for them.")),
            ("exit", _exit()),
            rx.fragment(),
        ),
        rx.cond(Builder.editable, _deeds()),
    )


def _sentence(sentence: rx.Var[str]) -> rx.Component:
    return ui.notice(sentence, tone="warn", icon="triangle-alert")


def _entry() -> rx.Component:
    form = Builder.step
    return rx.fragment(
        inputs.choice("How people come in", "entry-how", HOW_IN, form.how, StepPanel.set_how),
        rx.cond(form.how == "event", event_choice("When", "entry-event")),
        rx.cond(
            form.how == "schedule",
            inputs.text(
                "Schedule",
                "entry-cron",
                form.cron,
                lambda v: StepPanel.set_text("cron", v),
                hint="Minute, hour, day of month, month, weekday. “0 9 * * mon” is every Monday at 9:00.",
            ),
        ),
        rx.cond(
            form.how == "event",
            rx.fragment(
                inputs.length("Start after"),
                inputs.number(
                    "At most once a person in how many hours",
                    "entry-limit",
                    form.limit_hours,
                    lambda v: StepPanel.set_number("limit_hours", v),
                    hint="0: every time it happens.",
                ),
            ),
        ),
        inputs.choice(
            "May somebody come in again?",
            "entry-reentry",
            REENTRY,
            form.reentry,
            lambda v: StepPanel.set_text("reentry.rule", v),
        ),
        rx.cond(
            form.reentry == "after_period",
            inputs.number(
                "Days that must pass",
                "reentry-days",
                form.reentry_days,
                lambda v: StepPanel.set_number("reentry.days", v),
            ),
        ),
    )


def _wait() -> rx.Component:
    form = Builder.step
    at = inputs.text("At", "wait-at", form.at, lambda v: StepPanel.set_text("until.at", v), type="time")
    return rx.fragment(
        inputs.choice("Wait", "wait-how", HOW_LONG, form.how, StepPanel.set_how),
        rx.match(
            form.how,
            ("duration", inputs.length("How long")),
            ("window", inputs.window()),
            (
                "date",
                rx.flex(
                    inputs.text(
                        "Day", "wait-on", form.on, lambda v: StepPanel.set_text("until.on", v), type="date"
                    ),
                    at,
                    gap="10px",
                ),
            ),
            rx.flex(
                rx.flex(
                    inputs.number(
                        "Days", "wait-days", form.offset, lambda v: StepPanel.set_offset(v, form.side)
                    ),
                    inputs.choice(
                        "Side",
                        "wait-side",
                        [("before", "before"), ("after", "after")],
                        form.side,
                        lambda v: StepPanel.set_offset(form.offset, v),
                    ),
                    gap="10px",
                ),
                inputs.choice(
                    "Which date",
                    "wait-field",
                    THEIR_DATES,
                    form.about,
                    lambda v: StepPanel.set_text("until.field", v),
                ),
                at,
                direction="column",
                gap="14px",
            ),
        ),
    )


def _wait_event() -> rx.Component:
    return rx.fragment(
        event_choice("Wait until", "wait-event"),
        inputs.length("At most"),
        ui.small("“It happened” and “Time ran out” are two ways on from this step."),
    )


def _exit() -> rx.Component:
    return inputs.text(
        "Why it ends here",
        "exit-reason",
        Builder.step.reason,
        lambda v: StepPanel.set_text("reason", v),
        hint="Shown on the timeline of everybody who gets here.",
    )


def _deeds() -> rx.Component:
    return rx.flex(
        rx.cond(
            Builder.step.kind != "entry",
            ui.quiet(
                "Duplicate", icon="copy", size="2", on_click=StepPanel.duplicate, data_testid="duplicate-step"
            ),
        ),
        ui.quiet(
            "Remove",
            icon="trash-2",
            size="2",
            color_scheme="red",
            on_click=StepPanel.remove,
            data_testid="remove-step",
        ),
        gap="8px",
        padding_top="16px",
        border_top=f"1px solid {tokens.LINE}",
    )
