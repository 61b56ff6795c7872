"""The registered message templates."""

import reflex as rx

from components import ui
from components.layout import frame, head
from components.templates.register import register
from components.templates.tabs import tabs
from state.message_templates import MessageTemplates
from state.session import Session

ROUTE = "/templates/messages"
TITLE = "Message templates · Campaign Manager"
ON_LOAD = [Session.enter, MessageTemplates.load]


def page() -> rx.Component:
    return frame(
        "templates",
        head(
            "Message templates",
            "Words your team writes once and uses in many campaigns, in every language your patients read.",
            rx.cond(
                MessageTemplates.may_write,
                ui.link_button(
                    "New template",
                    "/templates/messages/new",
                    icon="plus",
                    main=True,
                    data_testid="new-template",
                ),
            ),
        ),
        tabs("messages"),
        register(),
        permission="read",
    )
