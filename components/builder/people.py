"""The panel of people inside: steps where somebody stands, and the people behind one count (BLD-8)."""

import reflex as rx

from components import tokens, ui
from state.builder_people import Here, StepPeople, Stop


def people() -> rx.Component:
    return rx.cond(StepPeople.step_id == "", _stops(), _at_step())


def _stops() -> rx.Component:
    return rx.cond(
        StepPeople.stops.length() > 0,
        rx.el.ul(rx.foreach(StepPeople.stops, _stop), class_name="cb-list", data_testid="stops"),
        ui.empty("users", "Nobody stands anywhere now", "As soon as people come in, they are listed here."),
    )


def _stop(stop: rx.Var[Stop]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.box(
                rx.el.div(stop.title, **tokens.text("small"), color=tokens.INK),
                rx.el.div(stop.people, " ", stop.what, **tokens.text("small"), color=tokens.QUIET),
                text_align="left",
            ),
            type="button",
            on_click=StepPeople.open({"step": stop.id, "key": stop.what}),
            class_name="cb-problem",
            data_testid="stop",
        )
    )


def _at_step() -> rx.Component:
    return rx.fragment(
        rx.flex(
            rx.box(
                rx.el.h3(StepPeople.title, **tokens.text("label"), color=tokens.INK, margin="0"),
                ui.small(
                    rx.cond(
                        StepPeople.what == "held", "Held here now", "Here now, who moves on first comes first"
                    )
                ),
                flex="1",
                min_width="0",
            ),
            ui.quiet("All steps", icon="list", size="2", on_click=StepPeople.overview),
            gap="10px",
            align="center",
        ),
        rx.cond(
            StepPeople.rows.length() > 0,
            rx.el.ul(rx.foreach(StepPeople.rows, _here), class_name="cb-list", data_testid="people-here"),
            ui.empty("users", "Nobody any more", "They have moved on since you looked."),
        ),
        rx.cond(
            StepPeople.more,
            ui.quiet("Show more", size="2", on_click=StepPeople.show_more, data_testid="more-people"),
        ),
    )


def _here(one: rx.Var[Here]) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.box(
                rx.el.div(rx.el.strong(one.name), **tokens.text("small"), color=tokens.INK),
                rx.el.div(one.when, **tokens.text("small"), color=tokens.QUIET),
                rx.cond(one.why != "", rx.el.div(one.why, **tokens.text("small"), color=tokens.ink("warn"))),
                flex="1",
                min_width="0",
            ),
            ui.small(one.version, white_space="nowrap"),
            href="/people/" + one.id,
            class_name="cb-problem",
            data_testid="person-here",
        )
    )
