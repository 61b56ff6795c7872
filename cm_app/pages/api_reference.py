"""The API to read, made from its own description."""

import reflex as rx

from components import ui
from components.integrations import reference
from components.layout import frame, head
from state.api_reference import ApiReference
from state.session import Session

ROUTE = "/integrations/api"
TITLE = "API · Campaign Manager"
ON_LOAD = [Session.enter, ApiReference.load]


def page() -> rx.Component:
    return frame(
        "integrations",
        head(
            "API",
            "What your own systems can ask of Campaign Manager. Made from the description that the API itself serves.",
            ui.link_button("OpenAPI", "/api/openapi.json", icon="file-json-2", file=True),
            ui.link_button("Schemas", "/api/v1/schemas", icon="braces", file=True),
            ui.link_button("AsyncAPI", "/api/v1/asyncapi.json", icon="file-json-2", file=True),
            back=("Integrations", "/integrations"),
        ),
        rx.flex(reference.looking(), reference.groups(), direction="column", gap="16px"),
        permission="read",
    )
