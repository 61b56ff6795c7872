"""Cards of ready-made journeys, each with its flow, and a look at its messages before it is used."""

import reflex as rx

from components import tokens, ui
from components.looks import looks
from state.templates import Card, FlowRow, Templates


def gallery() -> rx.Component:
    return rx.cond(
        Templates.ready,
        rx.fragment(
            rx.el.ul(
                rx.foreach(Templates.cards, _card),
                class_name="cb-cards",
                list_style="none",
                margin="0",
                padding="0",
            ),
            _inside(),
        ),
        ui.blocks(2, height="220px"),
    )


def _card(card: rx.Var[Card]) -> rx.Component:
    def fact(name: str, value: rx.Var[str]) -> rx.Component:
        return rx.fragment(rx.el.dt(name), rx.el.dd(value))

    return rx.el.li(
        ui.card(
            rx.box(
                ui.heading(card.name),
                ui.small(card.goal, margin_top="4px", color=tokens.INK),
            ),
            rx.el.dl(
                fact("For", card.audience),
                fact("Takes", card.takes),
                fact("By", card.channels),
                class_name="cl-facts",
            ),
            rx.el.ol(rx.foreach(card.steps, _line), class_name="cl-flow", aria_label="Steps"),
            rx.flex(
                ui.primary(
                    "Use this",
                    on_click=Templates.use(card.key),
                    loading=Templates.making == card.key,
                    aria_label="Use " + card.name.to(str),
                    data_testid="use-" + card.key.to(str),
                    size="2",
                ),
                ui.quiet(
                    "Read the messages",
                    icon="eye",
                    size="2",
                    on_click=Templates.look(card.key),
                    aria_label="Read the messages of " + card.name.to(str),
                    data_testid="look-" + card.key.to(str),
                ),
                gap="10px",
                wrap="wrap",
                margin_top="auto",
                padding_top="8px",
            ),
            class_name="cm-card cb-card",
            display="flex",
            data_testid="template",
        )
    )


def _line(line: rx.Var[FlowRow]) -> rx.Component:
    icon = rx.match(
        line.look,
        ("start", rx.icon("log-in", size=15)),
        ("message", rx.icon("mail", size=15)),
        ("pause", rx.icon("hourglass", size=15)),
        ("fork", rx.icon("split", size=15)),
        rx.icon("flag", size=15),
    )
    return rx.el.li(
        rx.el.span(icon, class_name=f"cl-dot cl-{line.look}", aria_hidden="true"),
        rx.el.span(
            rx.cond(line.way != "", rx.el.span(line.way, ": ", color=tokens.QUIET)),
            rx.el.b(line.title, font_weight="560"),
            rx.el.span(line.subtitle, display="block", color=tokens.QUIET, font_size="12.5px"),
            min_width="0",
        ),
        margin_left=line.indent,
    )


def _inside() -> rx.Component:
    """Every message of the open journey, on devices."""
    t = Templates
    return ui.dialog(
        t.name,
        t.description,
        rx.flex(
            ui.chips(
                "Message",
                rx.foreach(
                    t.messages,
                    lambda one: ui.chip(
                        one[1],
                        on=one[0] == t.message,
                        on_click=t.show(one[0], ""),
                        data_testid="gallery-message",
                    ),
                ),
            ),
            rx.cond(
                t.channels.length() > 1,
                ui.chips(
                    "Channel",
                    rx.foreach(
                        t.channels,
                        lambda one: ui.chip(
                            one[1], on=one[0] == t.channel, on_click=t.show(t.message, one[0])
                        ),
                    ),
                ),
            ),
            looks(),
            direction="column",
            gap="14px",
        ),
        ui.decisions(
            "Use this", away=t.look(""), stay="Close", on_click=t.use(t.open), data_testid="use-open"
        ),
        open=t.open != "",
        on_open_change=lambda _: t.look(""),
        max_width="880px",
    )
