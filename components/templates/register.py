"""The registered message templates as a list of cards."""

import reflex as rx

from components import tokens, ui
from state.message_templates import MessageTemplates, TemplateCard

CHANNELS = [
    ("", "Every channel"),
    ("email", "Email"),
    ("sms", "SMS"),
    ("whatsapp", "WhatsApp"),
    ("in_app", "In-app"),
]


def register() -> rx.Component:
    return rx.cond(
        MessageTemplates.loading,
        ui.blocks(3),
        rx.fragment(
            ui.chips(
                "Channel",
                *[
                    ui.chip(
                        name,
                        on=MessageTemplates.channel == key,
                        on_click=MessageTemplates.choose_channel(key),
                    )
                    for key, name in CHANNELS
                ],
            ),
            rx.cond(
                MessageTemplates.cards.length() > 0,
                rx.el.ul(
                    rx.foreach(MessageTemplates.cards, _card),
                    class_name="cb-cards",
                    list_style="none",
                    margin="0",
                    padding="0",
                ),
                ui.card(
                    ui.empty(
                        "file-text",
                        "No message templates here yet",
                        "Write a message once, in every language you need, and use it in any campaign.",
                        rx.cond(
                            MessageTemplates.may_write,
                            ui.link_button("Write the first", "/templates/messages/new", main=True),
                        ),
                        data_testid="no-templates",
                    )
                ),
            ),
        ),
    )


def _card(card: rx.Var[TemplateCard]) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            ui.card(
                rx.flex(
                    ui.pill(card.channel, "accent"),
                    rx.cond(card.active, rx.fragment(), ui.pill("Not in use", "neutral")),
                    gap="8px",
                    wrap="wrap",
                ),
                ui.heading(card.name),
                ui.small(card.first_words, color=tokens.INK),
                rx.cond(card.languages != "", ui.small(card.languages)),
                ui.small(card.scope, " · ", card.used, " · ", card.changed, margin_top="auto"),
                class_name="cm-card cb-card",
                display="flex",
            ),
            href="/templates/messages/" + card.id.to(str),
            class_name="cm-plain-link",
            display="block",
            height="100%",
            data_testid="template-card",
        )
    )
