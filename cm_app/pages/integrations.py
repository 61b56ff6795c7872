"""What comes in from the other modules."""

import reflex as rx

from components import ui
from components.integrations import events
from components.layout import frame, head
from state.integrations import Integrations
from state.session import Session

ROUTE = "/integrations"
TITLE = "Integrations · Campaign Manager"
ON_LOAD = [Session.enter, Integrations.load]


def page() -> rx.Component:
    return frame(
        "integrations",
        head(
            "Integrations",
            "Events from the other modules: how many come, how fast, and what could not be understood.",
            ui.link_button("Schemas", "/api/v1/schemas", icon="braces"),
            ui.link_button("AsyncAPI", "/api/v1/asyncapi.json", icon="file-json-2"),
        ),
        rx.flex(
            events.figures(),
            events.sources(),
            events.letters(),
            events.unknown(),
            direction="column",
            gap="20px",
        ),
        permission="read",
    )
