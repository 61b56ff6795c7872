"""Cards of ready-made journeys."""

import reflex as rx

from components import tokens, ui
from state.templates import Card, StepLine, Templates


def gallery() -> rx.Component:
    return rx.cond(
        Templates.ready,
        rx.el.ul(
            rx.foreach(Templates.cards, _card),
            class_name="cb-cards",
            list_style="none",
            margin="0",
            padding="0",
        ),
        ui.blocks(2, height="220px"),
    )


def _card(card: rx.Var[Card]) -> rx.Component:
    return rx.el.li(
        ui.card(
            rx.box(
                ui.heading(card.name),
                ui.small(card.goal, margin_top="4px", color=tokens.INK),
                ui.small(card.audience, margin_top="8px"),
            ),
            rx.el.ul(rx.foreach(card.steps, _line), class_name="cb-mini", aria_label="Steps"),
            rx.cond(card.more_words != "", ui.small(card.more_words)),
            rx.flex(
                ui.primary(
                    "Use this",
                    on_click=Templates.use(card.key),
                    loading=Templates.making == card.key,
                    aria_label="Use " + card.name.to(str),
                    data_testid="use-" + card.key.to(str),
                    size="2",
                ),
                margin_top="auto",
                padding_top="8px",
            ),
            class_name="cm-card cb-card",
            display="flex",
            data_testid="template",
        )
    )


def _line(line: rx.Var[StepLine]) -> rx.Component:
    return rx.el.li(rx.el.span(line.title, white_space="nowrap"), rx.el.small(line.subtitle))
