"""What is left to put right, as sentences that lead to their step."""

import reflex as rx

from components import tokens, ui
from state.builder import Builder
from state.builder_rows import ProblemRow


def problems() -> rx.Component:
    return rx.cond(
        Builder.problems.length() > 0,
        rx.el.ul(rx.foreach(Builder.problems, _problem), class_name="cb-list", data_testid="problems"),
        ui.empty("circle-check", "Nothing to fix", "The journey is complete. You can ask for approval."),
    )


def _problem(row: rx.Var[ProblemRow]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.icon(
                "circle-alert",
                size=18,
                aria_hidden="true",
                flex="none",
                margin_top="1px",
                color=rx.cond(row.severity == "blocking", tokens.ink("danger"), tokens.ink("warn")),
            ),
            rx.box(
                rx.el.div(row.sentence, **tokens.text("small"), color=tokens.INK),
                rx.el.div(
                    rx.cond(row.severity == "blocking", "Must be fixed", "Worth a look"),
                    " · ",
                    row.where,
                    **tokens.text("small"),
                    color=tokens.QUIET,
                ),
                text_align="left",
            ),
            type="button",
            on_click=rx.cond(
                row.step_id != "",
                Builder.chosen({"id": row.step_id}),
                rx.cond(row.note != "", Builder.chosen_note(row.note), Builder.open_panel(row.panel)),
            ),
            class_name="cb-problem",
            data_testid="problem",
        ),
        rx.cond(
            Builder.editable & (row.fix != ""),
            ui.quiet(
                row.fix,
                icon="wand-sparkles",
                size="2",
                on_click=Builder.fix(row.index, row.sentence),
                margin="0 0 10px 38px",
                data_testid="quick-fix",
            ),
        ),
    )
