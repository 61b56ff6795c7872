"""What comes in from the other modules, and what goes out to the practice's own systems."""

import reflex as rx

from components import ui
from components.integrations import events, webhooks
from components.integrations.contracts import schemas
from components.layout import frame, head
from state.integrations import Integrations
from state.session import Session
from state.webhooks import Webhooks

ROUTE = "/integrations"
TITLE = "Integrations · Campaign Manager"
ON_LOAD = [Session.enter, Integrations.load, Webhooks.load]


def page() -> rx.Component:
    return frame(
        "integrations",
        head(
            "Integrations",
            "Events from the other modules, what could not be understood, and webhooks for your own systems.",
            ui.link_button("API", "/integrations/api", icon="book-open", data_testid="open-api"),
            ui.link_button("Schemas", "/api/v1/schemas", icon="braces", file=True),
            ui.link_button("AsyncAPI", "/api/v1/asyncapi.json", icon="file-json-2", file=True),
        ),
        rx.flex(
            events.figures(),
            events.sources(),
            events.letters(),
            events.unknown(),
            webhooks.section(),
            schemas(),
            direction="column",
            gap="20px",
        ),
        permission="read",
    )
