"""The template gallery, and the empty canvas."""

import reflex as rx

from components import ui
from components.layout import frame, head
from components.templates import gallery
from components.templates.tabs import tabs
from state.session import Session
from state.templates import Templates

ROUTE = "/templates"
TITLE = "Templates · Campaign Manager"
ON_LOAD = [Session.enter, Templates.load]


def page() -> rx.Component:
    return frame(
        "templates",
        head(
            "Start a campaign",
            "Take a journey that works in practices like yours and make it your own, or begin with nothing.",
            ui.quiet("Start empty", icon="plus", on_click=Templates.start_empty, data_testid="start-empty"),
        ),
        tabs("journeys"),
        gallery(),
        permission="author",
    )
