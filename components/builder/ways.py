"""Steps with several ways on: paths by rule, and arms by chance."""

import reflex as rx

from components import ui
from components.builder import inputs
from components.builder.event_choice import event_choice
from components.rule_editor import rule_editor
from state.builder import Builder
from state.builder_forms import PathRow, ShareRow
from state.builder_step import StepPanel


def branch() -> rx.Component:
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
            event_choice(
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


def split() -> rx.Component:
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
