"""Which event a step waits for or looks at, and what it must say to count (EVT-3)."""

from typing import Any

import reflex as rx

from components import ui
from components.builder import inputs
from components.builder.rules import rules
from services.builder.step_words import EVENT_WORDS
from state.builder import Builder
from state.builder_step import StepPanel

EVENTS = [(key, f"Someone {words}") for key, words in EVENT_WORDS.items()]


def event_choice(
    name: str, key: str, form: Any = Builder.step, *, path: Any = -1, none: str = ""
) -> rx.Component:
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
