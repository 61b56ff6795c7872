"""What the rules come to: how many people, who of them can be reached, and why the others cannot.

`state` is any page's state with these vars: count, reachable, reachable_share, sentence, problem, waiting,
counting, excluded, sample.
"""

from typing import Any

import reflex as rx

from components import tokens, ui


def answer(state: Any) -> rx.Component:
    """The two numbers that matter, kept in place while a new count runs."""
    return rx.box(
        rx.flex(
            _figure("In the audience", state.count, "audience-count"),
            _figure("Can be reached now", state.reachable, "audience-reach"),
            gap="20px",
            align="end",
        ),
        ui.bar(state.reachable_share, margin_top="12px"),
        rx.cond(
            state.waiting != "",
            ui.notice(
                state.waiting,
                tone="warn",
                icon="circle-dashed",
                margin_top="12px",
                data_testid="audience-waiting",
            ),
        ),
        rx.cond(
            state.problem != "",
            ui.notice(state.problem, tone="warn", icon="triangle-alert", margin_top="12px"),
            rx.cond(
                state.sentence != "",
                ui.small(state.sentence, margin_top="12px", data_testid="audience-sentence"),
                rx.cond(
                    state.waiting == "",
                    ui.small("No rules yet, so nobody is in the audience.", margin_top="12px"),
                ),
            ),
        ),
        aria_live="polite",
        aria_busy=state.counting,
        class_name="cb-answer",
    )


def _figure(name: str, value: rx.Var[str], test: str) -> rx.Component:
    return rx.box(
        ui.small(name),
        rx.el.div(
            rx.cond(value != "", value, "–"), **tokens.text("figure"), color=tokens.INK, data_testid=test
        ),
        flex="1",
    )


def excluded(state: Any) -> rx.Component:
    """Why some are not reached, each person under the first reason."""

    def line(row: Any) -> rx.Component:
        return rx.el.li(
            rx.el.span(row.sentence, flex="1"),
            rx.el.b(row.count, font_variant_numeric="tabular-nums"),
            class_name="cb-line",
        )

    return rx.el.ul(rx.foreach(state.excluded, line), class_name="cb-list", data_testid="audience-excluded")


def sample(state: Any) -> rx.Component:
    """A few members by first name and initial."""

    def person(row: Any) -> rx.Component:
        return rx.el.li(rx.el.span(row.name, flex="1"), ui.label(row.kind), class_name="cb-line")

    return rx.el.ul(rx.foreach(state.sample, person), class_name="cb-list", data_testid="audience-sample")


def kinds(chosen: rx.Var[list[str]], toggle: Any, editable: Any) -> rx.Component:
    """Leads, patients, partners as switches."""

    return ui.chips(
        "Who it is for",
        *[
            ui.chip(
                words,
                on=chosen.contains(key),
                on_click=toggle(key),
                disabled=~editable,
                data_testid=f"kind-{key}",
            )
            for key, words in (("lead", "Leads"), ("patient", "Patients"), ("partner", "Partners"))
        ],
        margin_top="8px",
    )
