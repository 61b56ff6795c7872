"""The panel of the chosen step: one form a kind, in plain words."""

from typing import Any

import reflex as rx

from components import tokens, ui
from components.builder import inputs
from components.builder.handover import handover
from components.builder.message import message
from components.builder.rules import rules
from components.rule_editor import rule_editor
from services.builder.step_words import EVENT_WORDS
from state.builder import Builder
from state.builder_forms import PathRow, ShareRow
from state.builder_step import StepPanel

EVENTS = [(key, f"Someone {words}") for key, words in EVENT_WORDS.items()]
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
            placeholder=form.kind_words,
        ),
        rx.match(
            form.kind,
            ("entry", _entry()),
            ("message", message()),
            ("wait", _wait()),
            ("wait_event", _wait_event()),
            ("branch", _branch()),
            ("split", _split()),
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
        rx.cond(form.how == "event", _event("When", "entry-event")),
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


def _event(name: str, key: str, form: Any = Builder.step, *, path: Any = -1, none: str = "") -> rx.Component:
    """Which event, and what it must say to count (EVT-3). `form` is the step's, or a path's with its
    index as `path`; `none`: words of the choice to look at no event."""
    options = [("", none), *EVENTS] if none else EVENTS
    conditions = rx.el.section(
        rx.cond(
            form.event_box.rows.length() == 0,
            ui.small("Every such event counts, whatever it says."),
        ),
        rules(
            form.event_box,
            lambda what, index, part, value: StepPanel.condition(path, what, index, part, value),
            key=f"{key}-rule",
            all_words="It counts when it says",
            add_words="Only when …",
            names=form.event_names,
        ),
        aria_label="What the event must say",
        class_name="cb-box",
        data_testid=f"{key}-conditions",
    )
    return rx.fragment(
        inputs.choice(name, key, options, form.event, lambda value: StepPanel.choose_event(path, value)),
        rx.cond(form.event_names.length() > 0, conditions),
    )


def _wait_event() -> rx.Component:
    return rx.fragment(
        _event("Wait until", "wait-event"),
        inputs.length("At most"),
        ui.small("“It happened” and “Time ran out” are two ways on from this step."),
    )


def _branch() -> rx.Component:
    # Its argument is named unlike that of the rows inside: to the browser, two of one name are one.
    def path(way: rx.Var[PathRow]) -> rx.Component:
        return rx.el.section(
            rx.flex(
                inputs.text(
                    "Name of this path",
                    "path-label",
                    way.label,
                    lambda v: StepPanel.set_path_label(way.index, v),
                    placeholder=way.name,
                ),
                rx.cond(
                    Builder.editable & (Builder.step.paths.length() > 1),
                    ui.ghost(
                        "Remove this path",
                        icon="x",
                        size="2",
                        on_click=StepPanel.act("remove_path", way.index),
                    ),
                ),
                gap="8px",
                align="end",
            ),
            rule_editor(
                way.rules,
                lambda what, path, part, value: StepPanel.rule(way.index, what, path, part, value),
                key="path" + way.index.to_string(),
                name="Who takes this path",
                editable=Builder.editable,
                all_words="People take it when they meet",
                add_words="Add a rule",
            ),
            _event(
                "And this happened in the last 30 days",
                "path-event",
                way,
                path=way.index,
                none="Whatever happened",
            ),
            class_name="cb-box",
            data_testid="path",
        )

    return rx.fragment(
        ui.small("People take the first path whose rules they meet; everyone else takes the last."),
        rx.foreach(Builder.step.paths, path),
        rx.cond(
            Builder.editable,
            ui.quiet(
                "Add a path", icon="plus", size="2", on_click=StepPanel.act("add_path", 0), align_self="start"
            ),
        ),
    )


def _split() -> rx.Component:
    def arm(row: rx.Var[ShareRow]) -> rx.Component:
        return rx.el.li(
            ui.typed(
                row.label,
                lambda value: StepPanel.set_share("arms", row.index, "label", value),
                editable=Builder.editable,
                placeholder=row.name,
                aria_label="Name of the arm",
            ),
            inputs.percent(row, "arms"),
            rx.cond(
                Builder.editable & (Builder.step.arms.length() > 2),
                ui.ghost(
                    "Remove this arm", icon="x", size="2", on_click=StepPanel.act("remove_arm", row.index)
                ),
            ),
            class_name="cb-line",
        )

    return rx.fragment(
        ui.small("Each person keeps their arm, however often they pass here."),
        rx.el.ul(rx.foreach(Builder.step.arms, arm), class_name="cb-list"),
        rx.cond(
            Builder.editable & (Builder.step.arms.length() < 5),
            ui.quiet(
                "Add an arm", icon="plus", size="2", on_click=StepPanel.act("add_arm", 0), align_self="start"
            ),
        ),
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
