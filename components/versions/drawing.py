"""What differs, drawn: both journeys as one on a canvas, with a list of the changes that leads to each."""

import reflex as rx
from reflex_base.style import resolved_color_mode

from components import ui
from components.journey_canvas import journey_comparison
from state.drawing import Change, Compared, Drawing, Piece


def switch() -> rx.Component:
    """Drawing or list."""
    return ui.view_switch(
        "How to show it",
        [("drawing", "Drawing", "workflow"), ("list", "List", "list")],
        now=Drawing.view,
        choose=Drawing.look,
        testid="look",
    )


def drawing() -> rx.Component:
    """The drawing with the changes beside it (below it where there is less room)."""
    drawn = rx.el.div(
        rx.el.div(
            journey_comparison(
                steps=Drawing.steps,
                goal=Drawing.goal,
                dark=resolved_color_mode == "dark",
                label="What changed, as a drawing. Arrow keys go from step to step.",
            ),
            class_name="cv-canvas",
        ),
        rx.el.div(
            ui.small("Press a change to see it in the drawing.", margin_bottom="8px"),
            rx.el.div(rx.foreach(Drawing.changes, _short), role="list", aria_label="Changes"),
            class_name="cv-steps",
        ),
        class_name="cv-drawn",
    )
    return rx.el.div(drawn, class_name="cv-beside")


def changes() -> rx.Component:
    """Every step that came, changed or went, field by field."""
    return rx.el.div(rx.foreach(Drawing.changes, _step), class_name="cv-steps")


def mark(name: rx.Var[str]) -> rx.Component:
    return rx.match(
        name,
        ("added", ui.pill("Added", "ok")),
        ("changed", ui.pill("Changed", "warn")),
        ("removed", ui.pill("Removed", "danger")),
        rx.fragment(),
    )


def _short(step: rx.Var[Compared]) -> rx.Component:
    """One change in a few lines; a press shows the step in the drawing."""
    return rx.el.div(
        rx.el.button(
            rx.el.span(
                rx.el.b(step.title, class_name="cv-title"),
                mark(step.mark),
                class_name="cv-head",
            ),
            rx.foreach(step.told, lambda line: rx.el.small(line)),
            type="button",
            on_click=Drawing.go(step.id),
            class_name="cv-step cv-jump",
            data_mark=step.mark,
            data_testid="show-step",
        ),
        role="listitem",
    )


def _step(step: rx.Var[Compared]) -> rx.Component:
    return rx.el.section(
        rx.flex(
            rx.el.h3(step.title, class_name="cv-title"), ui.small(step.kind), mark(step.mark),
            gap="8px", align="center", wrap="wrap",
        ),
        rx.foreach(step.said, lambda said: ui.small(said)),
        rx.foreach(step.changes, _change),
        class_name="cv-step",
        data_mark=step.mark,
        data_testid="step-change",
    )  # fmt: skip


def _change(change: rx.Var[Change]) -> rx.Component:
    return rx.el.div(
        rx.el.h4(change.name, class_name="cv-field"),
        rx.cond(
            change.words.length() > 0,
            rx.el.p(rx.foreach(change.words, _piece), class_name="cv-text"),
            rx.el.p(
                rx.cond(
                    change.before != "", rx.fragment(rx.el.del_(change.before), rx.el.span(" → ", aria_hidden="true"))
                ),
                rx.el.ins(change.after),
                class_name="cv-text",
            ),
        ),
    )  # fmt: skip


def _piece(piece: rx.Var[Piece]) -> rx.Component:
    return rx.match(
        piece.how,
        ("gone", rx.el.del_(piece.text)),
        ("new", rx.el.ins(piece.text)),
        rx.el.span(piece.text),
    )
